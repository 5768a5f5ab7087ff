"""The outcome in words that claim no more than the intervals and tests do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gbimb.benchmark._comparison import ALPHA, LEVEL, compare
from gbimb.benchmark._methods import BASELINE, ENGINES, MAIN, SAME_RECIPE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gbimb.benchmark._cells import Record
    from gbimb.benchmark._comparison import Comparison


def verdict(records: Sequence[Record], engine: str) -> str:
    """Say whether focal loss beats weighted log loss, how sure that is, and whether it is the loss.

    "Beats" is said where both the interval and the test leave out zero, "does better here"
    where only the interval does, and otherwise that it is open.
    """
    against_baseline = compare(records, engine, MAIN, BASELINE)
    if against_baseline is None:
        return (
            f"{ENGINES[engine]}: no verdict, as it needs the methods {MAIN!r} and {BASELINE!r}; "
            "add them to --methods."
        )
    sentence = f"{ENGINES[engine]}: {_headline(against_baseline)}"
    recipe = compare(records, engine, SAME_RECIPE, BASELINE)
    loss = compare(records, engine, MAIN, SAME_RECIPE)
    if recipe is None or loss is None:
        return sentence
    return f"{sentence} {_loss_or_recipe(recipe, loss)}"


def _headline(c: Comparison) -> str:
    focal, weighted = "focal loss with early stopping on MCC", "weighted log loss"
    if not c.is_clear:
        return (
            f"it is open whether {focal} beats {weighted}: its MCC differs by {amount(c)}, "
            f"higher on {_share(c)}, {p_text(c.p_value)}."
        )
    verbs = ("beats", "does better than") if c.mean > 0 else ("loses to", "does worse than")
    if c.is_confirmed:
        return (
            f"{focal} {verbs[0]} {weighted}: its MCC differs by {amount(c)}, "
            f"higher on {_share(c)}, {p_text(c.p_value)}."
        )
    return (
        f"{focal} {verbs[1]} {weighted} here: its MCC differs by {amount(c)}, higher on "
        f"{_share(c)}; {_doubt(c)}."
    )


def _doubt(c: Comparison) -> str:
    if c.smallest_p >= ALPHA:
        return (
            f"but {c.units} tables cannot confirm it, as the signed-rank test then gives "
            f"p = {c.smallest_p:.2g} at best"
        )
    return f"but the test does not confirm it ({p_text(c.p_value)})"


def _loss_or_recipe(recipe: Comparison, loss: Comparison) -> str:
    told = (
        "Log loss with the same trees, early stopping and threshold differs from weighted log "
        f"loss by {amount(recipe)}, and focal from it by {amount(loss)}"
    )
    if loss.is_clear:
        verb = "helps" if loss.mean > 0 else "harms"
        return f"{told}: the loss itself {verb if loss.is_confirmed else f'seems to {verb[:-1]}'}."
    if recipe.is_clear and recipe.mean > 0:
        comes = "comes" if recipe.is_confirmed else "seems to come"
        return f"{told}: what is gained {comes} from the recipe; the loss adds nothing that shows."
    return f"{told}: the loss itself makes no difference that shows."


def _share(c: Comparison) -> str:
    if c.kind == "folds":
        return f"{c.higher} of {c.units} folds of this one table"
    return f"{c.higher} of {c.units} tables"


def amount(c: Comparison) -> str:
    """Return the difference with its interval."""
    return f"{c.mean:+.3f} ({LEVEL * 100:.0f} % interval {c.low:+.3f} to {c.high:+.3f}{_alone(c)})"


def _alone(c: Comparison) -> str:
    """Say what is left without the table that moves the mean most, if that is under half."""
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
