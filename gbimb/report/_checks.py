"""Coded checks: what may mislead a reader of the numbers. ``TITLES`` lists what they ask."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from pandas.api import types as pdt

from gbimb.json_text import percent, some_of
from gbimb.metrics import roc_auc, threshold_curve
from gbimb.report._verdict import CHANCE, number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from gbimb.array_types import BoolArray, FloatArray, IntArray
    from gbimb.report._verdict import Finding

FEW_ROWS: Final = 30
WIDE_INTERVAL: Final = 0.15
SUSPECT_AUC: Final = 0.99
NAMES_SHOWN: Final = 5

SAMPLED: Final = 20_000
FEWEST_SAMPLED: Final = 200
TITLES: Final = {
    "GBI001": "Enough rows of each class",
    "GBI002": "The probabilities differ",
    "GBI003": "Training was long enough",
    "GBI004": "Every class is predicted, and none for all rows",
    "GBI005": "No column gives the answer away",
    "GBI006": "Test rows are not training rows",
    "GBI007": "The probabilities add up",
    "GBI008": "No other threshold is clearly better",
    "GBI009": "The model is better than chance",
    "GBI010": "The scores do not fall with time",
    "GBI011": "Groups are new to the model",
}


@dataclass(frozen=True)
class Check:
    """The outcome of one check.

    Attributes
    ----------
    code : str
    severity : {"problem", "warning", "passed", "skipped"}
        A problem makes the numbers worthless, a warning deserves a look.
    text : str
        A sentence.
    """

    code: str
    severity: str
    text: str

    def facts(self) -> dict[str, str]:
        """Return the check as plain values."""
        return {"title": TITLES[self.code], **asdict(self)}


def in_order(checks: Sequence[Check]) -> list[dict[str, str]]:
    """Return the checks as plain values, the most severe first."""
    ranks = ("problem", "warning", "passed", "skipped")
    return [c.facts() for c in sorted(checks, key=lambda c: (ranks.index(c.severity), c.code))]


def few_rows(name: str, rows: int, low: float, high: float) -> Check:
    """GBI001: the number of rows of the rarest class, and the 95 % interval of MCC."""
    text = f"{rows:,} rows of {name!r} give MCC a 95 % interval of {low:z.2f} to {high:z.2f}"
    if rows < FEW_ROWS or high - low > WIDE_INTERVAL:
        text = f"Only {text}: smaller differences between models cannot be seen."
        return Check("GBI001", "warning", text)
    return Check("GBI001", "passed", f"{text}.")


def constant(proba: FloatArray) -> Check:
    """GBI002: probabilities of shape (n, K)."""
    values = int(np.unique(proba[:, -1]).size)
    if values > 1 or len(proba) == 1:
        return Check("GBI002", "passed", f"There are {values:,} different probabilities.")
    text = (
        "Every row has the same probability: the model has no split, or the columns that it splits "
        "on are empty here."
    )
    return Check("GBI002", "problem", text)


def last_round(model: dict[str, Any]) -> Check:
    """GBI003: whether ``n_estimators`` ended the training of a described model."""
    history, parameters = model["history"], model["parameters"]
    if history is None or parameters["early_stopping_rounds"] is None:
        text = "The model did not stop early, or consists of several models."
        return Check("GBI003", "skipped", text)
    best_rounds = []
    for member, best in model["best_iterations"].items():
        if best >= parameters["n_estimators"]:
            text = f"The best round is the last of {best:,}: a larger n_estimators may do better."
            return Check("GBI003", "warning", text)
        rounds = max(map(len, history[member].values()))
        best_rounds.append(f"{best:,} of {rounds:,}")
    each = f" (of the {len(best_rounds)} members)" if len(best_rounds) > 1 else ""
    return Check("GBI003", "passed", f"The best round is {' and '.join(best_rounds)}{each}.")


def edge(threshold: float, flagged: float, positive: str) -> Check:
    """GBI004: the share of rows flagged at the threshold."""
    if 0 < flagged < 1:
        text = f"{percent(flagged, 2)} of the rows are flagged as {positive!r}."
        return Check("GBI004", "passed", text)
    who = "No row is" if flagged == 0 else "All rows are"
    text = f"{who} flagged as {positive!r} at the threshold {threshold:.3g}: choose another."
    return Check("GBI004", "problem", text)


def never_predicted(names: Sequence[str], true: FloatArray, predicted: FloatArray) -> Check:
    """GBI004 for more than two classes: the true and the predicted rows of each."""
    at = np.flatnonzero((true > 0) & (predicted == 0))
    if np.count_nonzero(predicted) == 1:
        only = names[int(np.argmax(predicted))]
        return Check("GBI004", "problem", f"All rows are predicted as {only!r}.")
    if at.size == 0:
        return Check("GBI004", "passed", "Every class with rows is predicted for some row.")
    shown = some_of([f"{names[i]!r} ({number(true[i])} rows)" for i in at.tolist()], NAMES_SHOWN)
    text = f"No row is predicted as {shown}: the model never finds them."
    return Check("GBI004", "warning", text)


def leaks(
    sample: pd.DataFrame, codes: IntArray, names: Sequence[str] = (), source: str = ""
) -> Check:
    """GBI005: columns that alone rank the rows of one class before, or after, the others.

    With more than two ``names`` each class is ranked against the others, else code 1.
    """
    if not sample.shape[1]:
        return Check("GBI005", "skipped", "There are no columns to look at.")
    many = len(names) > 2
    each = np.bincount(codes, minlength=max(2, len(names)))
    fewest = FEW_ROWS if many else 2
    ranked = np.flatnonzero(np.minimum(each, codes.size - each) >= fewest)
    if not ranked.size:
        return Check("GBI005", "skipped", "The classes have too few rows.")
    if many:  # the time grows with rows times classes: of many classes fewer rows are enough
        most = max(FEWEST_SAMPLED, SAMPLED // len(names))
        kept = np.concatenate([np.flatnonzero(codes == k)[:most] for k in range(len(names))])
        sample, codes = sample.iloc[kept], codes[kept]
    areas: dict[str, float] = {}
    for column in sample.columns:
        by_class = {
            int(k): column_auc(sample[column], (codes == k).astype(np.intp))
            for k in (ranked if many else (1,))
        }
        best = max(by_class, key=lambda k: by_class[k])
        areas[f"{str(column)!r}{f' of {names[best]!r}' if many else ''}"] = by_class[best]
    return _separating(areas, ("a class from the others" if many else "the classes") + source)


def _separating(areas: dict[str, float], what: str) -> Check:
    found = {name: area for name, area in areas.items() if area > SUSPECT_AUC}
    if not found:
        name = max(areas, key=lambda n: areas[n])
        text = (
            f"{name}, the best single column to separate {what}, has an AUC of {areas[name]:.3f}."
        )
        return Check("GBI005", "passed", text)
    shown = some_of([f"{name} (AUC {area:.4f})" for name, area in found.items()], NAMES_SHOWN)
    text = (
        f"A single column almost separates {what}: {shown}. If it is not known before the "
        "label is, train without it."
    )
    return Check("GBI005", "warning", text)


def column_auc(values: pd.Series[Any], codes: IntArray) -> float:
    """Return the AUC of a single column in its better direction, from 0.5 to 1.

    A category is scored by its share of positives in the other half of the rows, so that a category
    of one row gives nothing away.
    """
    y = codes.astype(np.uint8)
    if pdt.is_numeric_dtype(values.dtype) or pdt.is_bool_dtype(values.dtype):
        score = values.to_numpy(np.float64, na_value=np.nan)
        known = score[np.isfinite(score)]
        score = np.nan_to_num(score, nan=(known.min() - 1.0) if known.size else 0.0)
    else:
        score = _out_of_half(values.astype(object).map(str), y)
    area = roc_auc(threshold_curve(y, score))
    return max(area, 1.0 - area)


def _out_of_half(values: pd.Series[Any], y: NDArray[np.uint8]) -> FloatArray:
    # Every second row of each class, so that both halves have the same share of positives.
    half = np.zeros(y.size, bool)
    for code in (0, 1):
        half[np.flatnonzero(y == code)[::2]] = True
    score = np.full(y.size, y.mean())
    for own in (half, ~half):
        shares = pd.Series(y[~own]).groupby(values[~own].to_numpy()).mean()
        score[own] = values[own].map(shares).fillna(y.mean()).to_numpy(np.float64)
    return score


def repeated(prints: NDArray[np.uint64], training: NDArray[np.uint64] | None, file: str) -> Check:
    """GBI006: rows that the training file has with the same values and label."""
    if training is None:
        text = "Not checked: give the training file as train."
        return Check("GBI006", "skipped", text)
    found = int(np.isin(prints, training).sum())
    if found == 0:
        return Check("GBI006", "passed", f"No row is in {file!r}.")
    text = (
        f"{found:,} of {prints.size:,} rows ({percent(found / prints.size, 1)}) are in {file!r} "
        "with the same values and label. If they are the same cases, the scores here are too good."
    )
    return Check("GBI006", "warning", text)


def known_groups(groups: NDArray[np.uint64], training: NDArray[np.uint64], file: str) -> Check:
    """GBI011: groups that the training file has, too; keys of both, each once."""
    found = int(np.isin(groups, training).sum())
    if found == 0:
        return Check("GBI011", "passed", f"None of {groups.size:,} groups is in {file!r}.")
    text = (
        f"{found:,} of {groups.size:,} groups are in {file!r}: the scores here are those of groups "
        "that training knows, not of new ones."
    )
    return Check("GBI011", "warning", text)


def off_by_more_than_chance(
    expected: FloatArray, found: FloatArray, spread: FloatArray
) -> BoolArray:
    """Return for which classes the probabilities do not add up to the number of rows.

    ``spread`` is the standard deviation of that number if the probabilities are true. Among many
    classes one is off by chance, so the limit grows with their number.
    """
    limit = CHANCE if found.size == 1 else CHANCE + np.sqrt(2 * np.log(found.size))
    return np.abs(found - expected) > limit * np.asarray(spread)


def sums(
    names: Sequence[str],
    expected: FloatArray,
    found: FloatArray,
    off: BoolArray,
    sure: BoolArray,
) -> Check:
    """GBI007: whether the expected and the actual number of rows of each class differ.

    ``sure`` marks the classes with enough rows to tell.
    """
    at = np.flatnonzero(off)
    if at.size == 0:
        away = np.abs(found - expected)
        worst = int(np.argmax(np.where(sure, away, -1.0) if sure.any() else away))
        text = (
            f"The probabilities of {names[worst]!r} add up to {number(expected[worst])} rows; "
            f"there are {number(found[worst])}, "
        )
        if sure.any():
            return Check("GBI007", "passed", f"{text}a difference within chance.")
        return Check("GBI007", "skipped", f"{text}too few to tell whether they add up.")
    shown = [
        f"{names[i]!r} {number(expected[i])} instead of {number(found[i])}"
        for i in at[:NAMES_SHOWN]
    ]
    text = (
        f"The probabilities do not add up to the number of rows: {', '.join(shown)}. The share of "
        "the classes may have changed since training."
    )
    return Check("GBI007", "warning", text)


def better_threshold(chosen: float, found: Finding) -> Check:
    """GBI008: whether the best threshold of these rows is better beyond chance."""
    gain, least = (
        f"{x:.3f}" if found.cost is None else f"{x:.3g}" for x in (found.gain, found.least_gain)
    )
    adds = "adds {} to MCC" if found.cost is None else "saves {} of the cost of a row"
    if found.is_better:
        text = (
            f"A threshold near {found.best:.3g} is better than {chosen:.3g}: the best threshold of "
            f"one half of these rows {adds.format(gain)} on the other half, and at least {least} "
            "in 97.5 % of random halves."
        )
        return Check("GBI008", "warning", text)
    what = "MCC is highest" if found.cost is None else "A row costs least"
    text = (
        f"{what} at {found.best:.3g} here, but not reliably: the best threshold of one half of "
        f"these rows {adds.format(gain)} on average on the other half."
    )
    return Check("GBI008", "passed", text)


def chance(score: str, low: float) -> Check:
    """GBI009: the lower end of the interval of a score that is 0 by chance."""
    if low > 0:
        text = f"The 95 % interval of {score} starts at {low:.2f}; 0 is chance."
        return Check("GBI009", "passed", text)
    text = (
        f"The 95 % interval of {score} starts at {low:z.2f}, and 0 is chance: the model may be no "
        "better than chance. Evaluate it on more rows of the rarest class."
    )
    return Check("GBI009", "warning", text)
