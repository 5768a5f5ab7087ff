"""Models against a baseline on the same rows: differences with paired intervals."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gbimb.exceptions import InvalidDataError
from gbimb.metrics import (
    ConfusionCounts,
    MulticlassCounts,
    f_beta_score,
    macro_f1_score,
    mcc_score,
    precision_score,
    recall_score,
    rk_score,
)
from gbimb.plots.draws import draw_cells, sum_of_groups_error
from gbimb.plots.statistics import QUANTILES
from gbimb.report._binary import LABELS as SCORE_LABELS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gbimb.array_types import FloatArray
    from gbimb.report._rows import EvaluatedRows

NORMAL: Final = 1.959963984540054
SMALLEST: Final = 1e-15
LABELS: Final = {**SCORE_LABELS, "cost": "cost of a row"}
LOWER_IS_BETTER: Final = ("log_loss", "brier", "cost")


def compare(
    models: Mapping[str, EvaluatedRows],
    baseline: str,
    positive: int | None,
    costs: Mapping[str, float | str] | None = None,
) -> dict[str, Any]:
    """Return the scores of each model, and their differences to those of ``baseline``.

    Precision, recall, F1, MCC and cost are of what each model predicts. Intervals are paired: the
    same rows, or whole groups of them, are drawn for both models.

    Parameters
    ----------
    models : mapping of name to EvaluatedRows
        Of the same rows.
    positive : int or None
        The code of the positive class of two.
    costs : mapping, optional
        Of each outcome: a number, or the name of a column of ``rows.costs``.

    Raises
    ------
    InvalidDataError
        If two models have other labels.
    """
    base = models[baseline]
    for name, rows in models.items():
        if rows.names != base.names:
            msg = (
                f"Models to compare must have the same labels, got {rows.names} of {name!r} and "
                f"{base.names} of {baseline!r}."
            )
            raise InvalidDataError(msg)
    found = []
    for name, rows in models.items():
        whole = _of_counts(rows, positive) | _of_rows(rows, positive, costs)
        differences = {} if name == baseline else _differences(rows, base, positive, costs)
        found.append({"name": name, "scores": whole, "differences": differences})
    labels = {name: LABELS[name] for name in found[0]["scores"]}
    return {"baseline": baseline, "labels": labels, "models": found}


def sentences(found: dict[str, Any]) -> list[str]:
    """Return for each model whether it is better than the baseline, by cost if there is one."""
    by = "cost" if "cost" in found["labels"] else "mcc"
    lines = []
    for model in found["models"]:
        if not model["differences"]:
            continue
        value, low, high = (model["differences"][by][k] for k in ("value", "low", "high"))
        sign = -1 if by in LOWER_IS_BETTER else 1
        better = "better" if sign * low > 0 and sign * high > 0 else None
        worse = "worse" if sign * low < 0 and sign * high < 0 else None
        verdict = better or worse or "not clearly better or worse"
        digits = ".3g" if by == "cost" else ".3f"
        lines.append(
            f"{model['name']!r} is {verdict} than {found['baseline']!r}: the difference in "
            f"{LABELS[by]} is {value:+{digits}} (95 % interval {low:+{digits}} to "
            f"{high:+{digits}})."
        )
    return lines


def _of_counts(rows: EvaluatedRows, positive: int | None) -> dict[str, float]:
    k = len(rows.names)
    matrix = MulticlassCounts.from_labels(rows.codes, rows.predicted, k, rows.weight).matrix
    return {name: float(score(matrix[None])[0]) for name, score in _scores(positive).items()}


def _scores(positive: int | None) -> dict[str, Callable[[FloatArray], FloatArray]]:
    """Return scores of confusion matrices, shape (n, K, K)."""
    if positive is None:
        return {"mcc": partial(_each, rk_score), "f1": partial(_each, macro_f1_score)}
    two = {
        "mcc": mcc_score,
        "f1": f_beta_score,
        "precision": precision_score,
        "recall": recall_score,
    }
    return {name: partial(_of_two, score, positive) for name, score in two.items()}


def _each(score: Callable[[MulticlassCounts], float], matrices: FloatArray) -> FloatArray:
    return np.array([score(MulticlassCounts(matrix)) for matrix in matrices])


def _of_two(score: Callable[[ConfusionCounts], Any], at: int, m: FloatArray) -> FloatArray:
    no = 1 - at
    counts = ConfusionCounts(m[:, at, at], m[:, no, at], m[:, at, no], m[:, no, no])
    found: FloatArray = score(counts)
    return found


def _of_rows(
    rows: EvaluatedRows, positive: int | None, costs: Mapping[str, float | str] | None
) -> dict[str, float]:
    each = _each_row(rows, positive, costs)
    return {name: float(np.average(v, weights=rows.weight)) for name, v in each.items()}


def _each_row(
    rows: EvaluatedRows, positive: int | None, costs: Mapping[str, float | str] | None
) -> dict[str, FloatArray]:
    """Return what each row adds to the means."""
    own = rows.proba[np.arange(rows.codes.size), rows.codes]
    found = {"log_loss": -np.log(np.maximum(own, SMALLEST))}
    if positive is None:
        return found
    true, flagged = rows.codes == positive, rows.predicted == positive
    found["brier"] = (rows.proba[:, positive] - true) ** 2
    if costs is not None:
        amounts = {
            name: rows.costs[c] if isinstance(c, str) else np.full(true.size, c)
            for name, c in costs.items()
        }
        right = np.where(true, amounts["tp"], amounts["tn"])
        wrong = np.where(true, amounts["fn"], amounts["fp"])
        found["cost"] = np.where(true == flagged, right, wrong)
    return found


def _differences(
    rows: EvaluatedRows,
    base: EvaluatedRows,
    positive: int | None,
    costs: Mapping[str, float | str] | None,
) -> dict[str, dict[str, float]]:
    found = {}
    one, other = _draw_both(rows, base)
    for name, score in _scores(positive).items():
        value = _of_counts(rows, positive)[name] - _of_counts(base, positive)[name]
        low, high = np.quantile(score(one) - score(other), QUANTILES).tolist()
        found[name] = {"value": value, "low": min(low, value), "high": max(high, value)}
    theirs = _each_row(base, positive, costs)
    for name, values in _each_row(rows, positive, costs).items():
        value, error = _mean_and_error(values - theirs[name], rows)
        half = NORMAL * error
        found[name] = {"value": value, "low": value - half, "high": value + half}
    return found


def _draw_both(one: EvaluatedRows, other: EvaluatedRows) -> tuple[FloatArray, FloatArray]:
    """Return draws of the confusion matrices of two models for the same rows."""
    k = len(one.names)
    joint = (one.codes * k + one.predicted) * k + other.predicted
    there, cells = np.unique(joint, return_inverse=True)
    drawn = draw_cells(np.random.default_rng(0), cells, there.size, one.weight, one.groups)
    true, rest = np.divmod(there, k * k)
    mine, theirs = np.divmod(rest, k)
    of_one, of_other = (
        (drawn @ np.eye(k * k)[true * k + predicted]).reshape(-1, k, k)
        for predicted in (mine, theirs)
    )
    return of_one, of_other


def _mean_and_error(values: FloatArray, rows: EvaluatedRows) -> tuple[float, float]:
    """Return the weighted mean of paired differences, and its standard error."""
    weight = np.ones(values.size) if rows.weight is None else rows.weight.astype(np.float64)
    mean = float(np.average(values, weights=weight))
    off = weight * (values - mean)
    error = np.linalg.norm(off) if rows.groups is None else sum_of_groups_error(rows.groups, off)
    return mean, float(error) / float(weight.sum())
