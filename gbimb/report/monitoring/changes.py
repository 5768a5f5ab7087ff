"""What changed in new rows, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gbimb.json_text import percent, some_of
from gbimb.report._verdict import number

if TYPE_CHECKING:
    from gbimb.array_types import FloatArray

SMALLEST: Final = 1e-4  # share of a part in the index, where none or few rows are

NOTABLE: Final = 0.1
"""Population stability index from which on scores or a column are said to have moved."""


def alarms(facts: dict[str, Any]) -> list[str]:
    """Return a sentence for each change that is more than chance."""
    by_labels = (facts["labels"] or {}).get("prevalence")  # of two classes, where labels are there
    found = [_prevalence(row, by_labels) for row in facts["prevalence"] if row["moved"]]
    if by_labels and by_labels["moved"] and not found:
        row = facts["prevalence"][0]
        found.append(
            f"By the labels the prevalence of {row['label']!r} is no longer "
            f"{percent(row['expected'], 3)}, but {_with_interval(by_labels, 'value')}."
        )
    scores = facts["scores"]
    if scores and scores["more_than_prevalence"] and scores["index"] >= NOTABLE:
        found.append(
            f"The scores moved (index {scores['index']:.2f}) in a way that no change of "
            "prevalence explains, so the estimated prevalence may be off."
        )
    if moved := [row["column"] for row in facts["columns"] if row["moved"]]:
        several = "s" if len(moved) > 1 else ""
        shown = some_of([*map(repr, moved)], 3)
        found.append(f"The values of the column{several} {shown} moved.")
    return found


def _prevalence(row: dict[str, Any], by_labels: dict[str, float] | None) -> str:
    """Say how the prevalence moved; where labels tell it, the estimate is no claim about it."""
    before, estimated = percent(row["expected"], 3), _with_interval(row, "estimate")
    if by_labels is None:
        return f"The prevalence of {row['label']!r} is no longer {before}: estimated {estimated}."
    return (
        f"The probabilities of {row['label']!r} moved from {before}, as if the prevalence were "
        f"{estimated}; by the labels it is {_with_interval(by_labels, 'value')}."
    )


def _with_interval(found: dict[str, Any], name: str) -> str:
    value, low, high = (percent(found[key], 3) for key in (name, "low", "high"))
    return f"{value} ({low} to {high})"


def verdict(facts: dict[str, Any]) -> list[str]:
    """Return what there is to say of the rows, in sentences."""
    flagged = facts["flagged"]
    looked = facts["rows_looked_at"]
    some = "" if looked == facts["rows"] else f", of which {number(looked)} were looked at"
    first = f"{number(facts['rows'])} row{'s' if facts['rows'] != 1 else ''}{some}"
    if facts["positive"] is not None:
        first += f": {percent(flagged['share'], 2)} are flagged as {facts['positive']!r}"
        if flagged["expected"] is not None:
            first += f", {percent(flagged['expected'], 2)} of held-out rows were"
    sentences = [f"{first}."]
    if all(row["p_value"] is None for row in facts["prevalence"]):
        sentences.append(
            "The model kept no held-out rows, so whether the prevalence moved is not tested."
        )
    if facts["labels"]:
        sentences += facts["labels"]["sentences"]
        if missing := facts["labels"]["missing"]:
            unlabelled = f"{number(missing)} of these rows have no label"
            sentences.append(f"{unlabelled} and are left out of that.")
    broken = facts["labels"] and facts["labels"]["broken"]
    nothing = "Without labels no change" if broken else "No change"
    return [*sentences, *(facts["alarms"] or [f"{nothing} beyond chance was found."])]


def stability_index(counts: FloatArray, share: FloatArray, prevalence: FloatArray) -> FloatArray:
    """Return the population stability index of each column: 0 where nothing moved."""
    now = np.maximum(counts / counts.sum(axis=1, keepdims=True), SMALLEST)
    before = np.maximum(np.tensordot(prevalence, share, axes=(0, 1)), SMALLEST)
    found: FloatArray = ((now - before) * np.log(now / before)).sum(axis=1)
    return found
