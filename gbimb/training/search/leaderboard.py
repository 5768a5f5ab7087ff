"""The search as a table, and in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from gbimb.json_text import percent
from gbimb.training.search.search import GIVEN_UP
from gbimb.training.search.space import FOREST

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gbimb.array_types import FloatArray
    from gbimb.training.search.search import TrialResult
    from gbimb.training.search.space import Choice

FORESTS: Final = "forests of random trees"
LOSSES: Final = {"log_loss": "log loss", "brier": "Brier score"}
# Of boosted trees.
INGREDIENTS: Final[dict[str, Callable[[Choice], bool]]] = {
    "XGBoost instead of LightGBM": lambda c: c["engine"] == "xgboost",
    "focal loss instead of log loss": lambda c: c["loss"] == "focal",
    "weights of the classes": lambda c: c["class_weight"] != "none",
    "undersampled bags": lambda c: c["rows"] == "drawn",
    "extra trees (random splits)": lambda c: bool(c.get("extra_trees")),
    "more than 16 leaves": lambda c: c.get("num_leaves", 2 ** c.get("max_depth", 0)) > 16,
    "categories as numbers": lambda c: c["ordered"],
    "ratios and differences of columns": lambda c: c["pairs"],
}


@dataclass(frozen=True)
class Effect:
    """The best candidate with an ingredient, less the best without, on the same bootstraps."""

    ingredient: str
    difference: float
    low: float
    high: float

    @property
    def verdict(self) -> str:
        """Return "helped", "harmed" or "made no measurable difference"."""
        if self.low > 0:
            return "helped"
        return "harmed" if self.high < 0 else "made no measurable difference"


def leaderboard(
    results: Sequence[TrialResult],
    weights: FloatArray,
    before: Sequence[TrialResult],
    compared_on: str,
) -> pd.DataFrame:
    """Return a row for each candidate, best first.

    Parameters
    ----------
    results : sequence of TrialResult
    weights : float64 array
        In the blend, of those of ``results`` that are fitted.
    before : sequence of TrialResult
        What was compared on a part of the rows before.
    compared_on : str
        What ``results`` was compared on.

    Returns
    -------
    DataFrame
        candidate, weight, score, log_loss (negative: higher is better), state, compared_on
        ("all rows" or "a part"), rounds, seconds, and ``param_...`` for the choice.
    """
    left = iter(weights.tolist())
    rows = [_row(t, compared_on, next(left) if t.fitted else 0.0) for t in results]
    rows += [_row(t, "a part", 0.0) for t in before]
    table = pd.DataFrame(rows)
    order = np.lexsort([-table["score"].fillna(-np.inf), table["compared_on"] != compared_on])
    return table.iloc[order].reset_index(drop=True)


def _row(result: TrialResult, compared_on: str, weight: float) -> dict[str, Any]:
    choice = {f"param_{name}": value for name, value in result.choice.items()}
    return {
        "candidate": result.candidate.name,
        "weight": weight,
        "score": result.score,
        "log_loss": -result.log_loss,
        "state": result.state,
        "compared_on": compared_on,
        "rounds": getattr(result.fitted.model, "n_rounds", 0) if result.fitted else 0,
        "seconds": result.seconds,
        **choice,
    }


def effects(results: Sequence[TrialResult]) -> list[Effect]:
    """Return what each ingredient did, of those that some candidates have and some have not."""
    there = [t for t in results if np.isfinite(t.score)]
    if len(there) < 2:
        return []
    own = [t for t in there if not t.candidate.foreign]
    boosted = [t for t in own if not _is_forest(t.choice)]
    found = []
    for ingredient, has in {FORESTS: _is_forest, **INGREDIENTS}.items():
        compared = own if ingredient == FORESTS else boosted
        sides = [[t for t in compared if has(t.choice) == side] for side in (True, False)]
        if not all(sides):
            continue
        with_it, without = (max(side, key=lambda t: t.score) for side in sides)
        paired = with_it.scores - without.scores
        found.append(
            Effect(ingredient, float(paired.mean()), *np.quantile(paired, [0.05, 0.95]).tolist())
        )
    return sorted(found, key=lambda e: -e.difference)


def _is_forest(choice: Choice) -> bool:
    return bool(choice["engine"] == FOREST)


def meaning_of(metric: object) -> str:
    """Return what the scores of a leaderboard are where the metric's name does not say it.

    >>> meaning_of("log_loss")
    ', minus the log loss'
    """
    if not isinstance(metric, str):
        return ", minus the mean cost"
    if metric in LOSSES:
        return f", minus the {LOSSES[metric]}"
    return ", below 0 where the bound is missed" if " at " in metric else ""


def _rule(name: str, threshold: float | str) -> str:
    if not isinstance(threshold, str):
        return f"the threshold {threshold:.4g}, as given"
    return f"chosen for {name if threshold == 'auto' else threshold}"


def explain(
    metric: object,
    validation: str,
    board: pd.DataFrame,
    blend: float,
    found: Sequence[Effect],
    *,
    threshold: float | str = "auto",
) -> str:
    """Return what was chosen, and what helped and what did not."""
    name = metric if isinstance(metric, str) else "the least mean cost"
    how = "with the weights of the least log loss" if np.isfinite(blend) else "of equal weight"
    members = board[board["weight"] > 0].sort_values("weight", ascending=False)
    given_up = int((board["state"] == GIVEN_UP).sum())
    plural = "" if len(board) == 1 else "s"
    lines = [
        f"Compared by {name} on held-out rows: {validation}.",
        f"Decision rule: {_rule(name, threshold)}.",
        f"Trained: {len(board)} candidate{plural} in {board['seconds'].sum():.0f} s"
        + (f", {given_up} of them given up early." if given_up else "."),
        f"Chosen: a mean of {len(members)} probabilities, {how}:"
        if len(members) > 1
        else "Chosen: one candidate:",
        *(
            f"  {percent(weight):>5}  {name}"
            for name, weight in zip(members["candidate"], members["weight"], strict=True)
        ),
    ]
    if np.isfinite(blend):
        best = board.iloc[int(np.nanargmax(board["score"]))]
        lines.append(f"Score (higher is better{meaning_of(metric)}): {blend:.4f}.")
        if len(board) > 1:
            lines.append(
                f"The best candidate alone: {best['score']:.4f} ({best['candidate']}; as the best "
                f"of {len(board)} it looks better than it is)."
            )
    lines += [
        f"{effect.ingredient[0].upper()}{effect.ingredient[1:]} {effect.verdict}: "
        f"{effect.difference:+.4f} ({effect.low:+.4f} to {effect.high:+.4f})."
        for effect in found
    ]
    if found:
        lines.append(
            "Differences: the best candidate with it less the best without, 90 % of bootstraps."
        )
    return "\n".join(lines)
