"""The outcome in sentences that claim no more than the intervals and tests do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gbimb.benchmark.methods import (
    BASELINE,
    MAIN,
    PORTFOLIO,
    SAME_RECIPE,
    method_label,
)
from gbimb.benchmark.statistics import ALPHA, LEVEL, compare
from gbimb.engines.registry import ENGINES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gbimb.benchmark.records import Record
    from gbimb.benchmark.statistics import Comparison

FOCAL: Final = "focal loss with early stopping on MCC"


def verdicts(records: Sequence[Record], engines: Sequence[str]) -> dict[str, str]:
    """Return what is said of each engine, and of the method that chooses its engines, by name."""
    found = {}
    portfolio = compare(records, engines[0], PORTFOLIO, BASELINE)
    if portfolio is not None:
        label = method_label(PORTFOLIO)
        found[PORTFOLIO] = f"{label}: {_headline(portfolio, label)}"
    return found | {engine: verdict(records, engine) for engine in engines}


def verdict(records: Sequence[Record], engine: str) -> str:
    """Return whether focal loss beats weighted log loss, how sure that is, and why.

    "Beats" means that both the interval and the test exclude zero, "does better here" that only
    the interval does; otherwise the question stays open.
    """
    against_baseline = compare(records, engine, MAIN, BASELINE)
    if against_baseline is None:
        return (
            f"{ENGINES[engine]}: no verdict without the methods {MAIN!r} and {BASELINE!r}; "
            "add them to methods."
        )
    sentence = f"{ENGINES[engine]}: {_headline(against_baseline, FOCAL)}"
    recipe = compare(records, engine, SAME_RECIPE, BASELINE)
    loss = compare(records, engine, MAIN, SAME_RECIPE)
    if recipe is None or loss is None:
        return sentence
    return f"{sentence} {_loss_or_recipe(recipe, loss)}"


def _headline(c: Comparison, method: str) -> str:
    weighted = "weighted log loss"
    if c.kind == "folds" and c.units == 1:
        return (
            f"on one fold the MCC of {method} differs from {weighted} by {c.mean:+.3f}. One fold "
            "cannot show how sure that is; run more."
        )
    if not c.is_clear:
        return (
            f"it is open whether {method} beats {weighted}: the difference in MCC is {amount(c)}, "
            f"higher on {_share(c)}, {p_text(c.p_value)}."
        )
    verbs = ("beats", "does better than") if c.mean > 0 else ("loses to", "does worse than")
    if c.is_confirmed:
        return (
            f"{method} {verbs[0]} {weighted}: the difference in MCC is {amount(c)}, "
            f"higher on {_share(c)}, {p_text(c.p_value)}."
        )
    return (
        f"{method} {verbs[1]} {weighted} here: the difference in MCC is {amount(c)}, higher on "
        f"{_share(c)}; {_doubt(c)}."
    )


def _doubt(c: Comparison) -> str:
    if c.smallest_p >= ALPHA:
        return (
            f"but {c.units} tables are too few to confirm it (the smallest possible p of the "
            f"signed-rank test is {c.smallest_p:.2g})"
        )
    return f"but the test does not confirm it ({p_text(c.p_value)})"


def _loss_or_recipe(recipe: Comparison, loss: Comparison) -> str:
    differences = (
        "With the same trees, early stopping and threshold, log loss differs from weighted log "
        f"loss by {amount(recipe)}, and focal loss from log loss by {amount(loss)}"
    )
    if loss.is_clear:
        verb = "helps" if loss.mean > 0 else "harms"
        verb = verb if loss.is_confirmed else f"seems to {verb[:-1]}"
        return f"{differences}: the loss itself {verb}."
    if recipe.is_clear and recipe.mean > 0:
        comes = "comes" if recipe.is_confirmed else "seems to come"
        return f"{differences}: the gain {comes} from the recipe; the loss has no measurable gain."
    return f"{differences}: the loss itself makes no measurable difference."


def _share(c: Comparison) -> str:
    if c.kind == "folds":
        return f"{c.higher} of {c.units} folds of this one table"
    return f"{c.higher} of {c.units} tables"


def amount(c: Comparison) -> str:
    """Return the difference with its interval."""
    return f"{c.mean:+.3f} ({LEVEL * 100:.0f} % interval {c.low:+.3f} to {c.high:+.3f}{_alone(c)})"


def _alone(c: Comparison) -> str:
    """Return the mean without the table that moves it most, if less than half remains."""
    same_side = c.mean * c.mean_without_leader > 0
    if not c.leader or (same_side and abs(c.mean_without_leader) > abs(c.mean) / 2):
        return ""
    return f"; without {c.leader} {c.mean_without_leader:+.3f}"


def p_text(p_value: float) -> str:
    """Return a p-value.

    >>> p_text(0.0625), p_text(0.00004)
    ('p = 0.062', 'p < 0.001')
    """
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.2g}"
