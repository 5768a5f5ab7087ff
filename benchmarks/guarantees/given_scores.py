"""How often a promise is kept, and what it costs, for scores from known distributions."""

from __future__ import annotations

import itertools
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import binom

from benchmarks.guarantees.populations import GRID, POPULATIONS, Population, keeps
from gbimb.metrics import parse_bound
from gbimb.thresholds import guaranteed_threshold

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

RULES = (
    "precision >= 0.8",
    "recall >= 0.8",
    "fpr <= 0.01",
    "alerts <= 0.01",
    "specificity >= 0.95",
)
POSITIVES = (20, 50, 100, 300, 1000, 2000)
PREVALENCES = (0.005, 0.02, 0.05, 0.1)
MOST_ROWS = 20_000  # the rarer the class, the fewer positives: sorting takes the time
SERVED = {"recall": "precision"}  # of the other rules recall


def choices(
    n: int,
    confidence: float,
    seed: int,
    rules: Sequence[str] = RULES,
    promise: Callable[..., Any] = guaranteed_threshold,
) -> Iterator[dict[str, Any]]:
    """Yield ``n`` choices for each rule, on all rows and on a fifth of them, of mixed sizes.

    ``promise`` returns threshold, bound and whether the rule is met, from labels, probabilities,
    rule and confidence.
    """
    sizes = itertools.product(POPULATIONS, POSITIVES, PREVALENCES)
    cells = [cell for cell in sizes if cell[1] / cell[2] <= MOST_ROWS]
    for i in range(n):
        population, positives, prevalence = cells[i % len(cells)]
        rng = np.random.default_rng([seed, i])
        y, proba = population.draw(rng, round(positives / prevalence), prevalence)
        if y.all() or not y.any():
            continue
        about = {
            "population": population.name,
            "positives": positives,
            "prevalence": prevalence,
        }
        drawn = {"all": in_order(y, proba), "fifth": in_order(y[::5], proba[::5])}
        for rule, (part, rows) in itertools.product(rules, drawn.items()):
            if rows[0].any():
                found = choose(
                    population,
                    *rows,
                    rule=rule,
                    confidence=confidence,
                    prevalence=prevalence,
                    promise=promise,
                )
            else:
                found = {"kept": True, "met": False, "loss": None}
            yield {**about, "rule": rule, "rows": part, **found}


def in_order(y: Any, proba: Any) -> tuple[Any, Any]:
    """Return the rows with the highest score first, so that each rule need not sort them."""
    order = np.argsort(-proba, kind="stable")
    return y[order], proba[order]


def choose(
    population: Population,
    y: Any,
    proba: Any,
    *,
    rule: str,
    confidence: float,
    prevalence: float,
    promise: Callable[..., Any],
) -> dict[str, Any]:
    """Return whether a promise was kept, and how much of the served rate was given up for it."""
    bound = parse_bound(rule)
    assert bound is not None
    served = SERVED.get(bound.rate, "recall")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = promise(y, proba, rule, confidence)
    rates = population.rates(population.latent(found.threshold, prevalence), prevalence)
    promised = type(bound)(bound.rate, found.bound)
    kept = bool(keeps(promised, rates[bound.rate]))
    best = population.best(bound, served, prevalence)
    reached = float(rates[served]) if found.met else 0.0
    return {"kept": kept, "met": found.met, "loss": max(best - reached, 0.0) if best > 0 else None}


def limits(confidence: float) -> Iterator[dict[str, Any]]:
    """Yield what a precision is worth where one test is made at the best place, which is known.

    Its chance to pass times the recall there is highest. Nobody knows that place, and a sequence of
    tests may go on from it.
    """
    bound = parse_bound(RULES[0])
    assert bound is not None
    sizes = itertools.product(POPULATIONS, POSITIVES, PREVALENCES, ("all", "fifth"))
    for population, positives, prevalence, part in sizes:
        n = positives / prevalence
        if n > MOST_ROWS or population.decimals is not None:
            continue
        flagged = np.unique(np.geomspace(1, n if part == "all" else n / 5, 600).astype(int))
        on_grid = population.rates(GRID, prevalence)
        share = flagged / (n if part == "all" else n / 5)
        rates = {k: np.interp(-share, -on_grid["alerts"], rate) for k, rate in on_grid.items()}
        hits = binom.isf(1.0 - confidence, flagged, bound.value)
        passes = np.where(rates["precision"] >= bound.value, 1.0, 0.0)
        passes *= binom.sf(hits, flagged, rates["precision"])
        reached = float(np.max(passes * rates["recall"]))
        loss = population.best(bound, "recall", prevalence) - reached
        yield {"rows": part, "positives": positives, "kept": 1.0, "loss": loss}
