"""Several metrics of raw scores at once, of two classes and of many, as training reports them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from gbimb.exceptions import InvalidDataError, unknown_name
from gbimb.metrics._counts import ConfusionCounts
from gbimb.metrics._curves import check_not_empty, threshold_curve
from gbimb.metrics._multiclass_counts import MulticlassCounts
from gbimb.metrics._registry import METRICS, Metric, refuse_function, usual_name
from gbimb.metrics._search import best_thresholds
from gbimb.parallel import run_ranges
from gbimb.validation import (
    check_binary_labels,
    check_class_codes,
    check_raw_score,
    check_weight,
    is_one_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike, NDArray

    from gbimb.array_types import FloatArray, IntArray
    from gbimb.losses import BinaryLoss, Loss
    from gbimb.metrics._registry import RowScore

PRIOR_POWERS: Final = (0.0, 0.25, 0.5, 0.75, 1.0)
MULTICLASS_METRICS: Final = {
    name: row.many for name, row in METRICS.items() if row.many is not None
}


def evaluate(
    metrics: Sequence[Metric],
    loss: BinaryLoss,
    y_true: NDArray[np.generic],
    raw_score: NDArray[np.generic],
    sample_weight: NDArray[np.generic] | None = None,
) -> dict[str, float]:
    """Return the value of each metric at these raw scores, by its name.

    Scores over all thresholds need no link: they depend on the order of the scores only.
    """
    best = [m for m in metrics if m.count is not None and m.threshold is None]
    counted = [m.count for m in best if m.count is not None]
    found = best_thresholds(y_true, raw_score, counted, sample_weight) if counted else []
    values = {m.name: f.score for m, f in zip(best, found, strict=True)}
    if any(metric.area is not None for metric in metrics):
        curve = threshold_curve(y_true, raw_score, sample_weight)
        values |= {m.name: m.area(curve) for m in metrics if m.area is not None}
    for metric in metrics:
        if metric.proper is not None:
            check_not_empty(check_binary_labels(y_true).size)
            total, weight = proper_sums(metric.proper, loss, y_true, raw_score, sample_weight)
            values[metric.name] = total / weight
        elif metric.count is not None and metric.threshold is not None:
            # A float64 scalar: NumPy would round a Python float to float32 beside float32 scores.
            flagged = raw_score >= np.float64(loss.raw_score_at(metric.threshold))
            counts = ConfusionCounts.from_labels(y_true, flagged, sample_weight)
            values[metric.name] = float(metric.count(counts))
    return {m.name: values[m.name] for m in metrics}


def proper_sums(
    score: RowScore,
    loss: BinaryLoss,
    y_true: NDArray[np.generic],
    raw_score: NDArray[np.generic],
    sample_weight: NDArray[np.generic] | None,
) -> tuple[float, float]:
    """Return the sum over rows of a proper score, and of their weights."""
    y = check_binary_labels(y_true)
    raw = check_raw_score(raw_score, y.size)
    weight = check_weight(sample_weight, y.size)

    def task(start: int, stop: int) -> tuple[float, float]:
        labels, p = y[start:stop].astype(np.float64), loss.probability(raw[start:stop])
        rows = score(labels, p)
        if weight is None:
            return float(rows.sum()), float(rows.size)
        part = weight[start:stop].astype(np.float64)
        return float(np.dot(rows, part)), float(part.sum())

    sums = run_ranges(task, y.size)
    return sum(total for total, _ in sums), sum(part for _, part in sums)


def get_multiclass_metric(name: str) -> Metric:
    """Return the metric of many classes named ``name``.

    "mcc" (R_K), "f1" (macro) and "balanced_accuracy" are the best over decision rules, see
    ``evaluate_multiclass``; "mcc@argmax" and the like those of the most probable class.

    >>> get_multiclass_metric("mcc@argmax").greater_is_better
    True
    """
    refuse_function("metric", name)
    known = [*(f"{m}{rule}" for m in MULTICLASS_METRICS for rule in ("", "@argmax")), "log_loss"]
    if not is_one_of(name, known):
        raise unknown_name("metric", name, known, usual=usual_name(str(name)))
    return Metric(name, None, None, greater_is_better=name != "log_loss")


def evaluate_multiclass(
    metrics: Sequence[Metric | str],
    loss: Loss,
    y_true: ArrayLike,
    raw_score: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    add: Callable[[FloatArray], FloatArray] | None = None,
) -> dict[str, float]:
    """Return the value of each metric at these raw scores, by its name.

    Until the trees are sure, the most probable class is the common one in every row: its scores
    stand still at 0 for many rounds, and training would stop. So "mcc" (R_K), "f1" (macro) and
    "balanced_accuracy" are the best of five rules, argmax of the true probability over
    ``prior ** power`` with powers 0, 0.25, 0.5, 0.75 and 1 and the priors of these rows: 0 predicts
    the most probable class, 1 the one that gained most over its prior.

    Parameters
    ----------
    metrics : sequence of names or of what ``get_multiclass_metric`` returns
    loss : a loss with K raw scores a row
    y_true : array of shape (n,), class codes 0 to K-1
    raw_score : array of shape (n, K)
    sample_weight : array of shape (n,), optional
    add : callable, optional
        Adds up an array over several processes, each of which calls this function with rows of
        its own, or with none. The values are then those of all rows.

    Examples
    --------
    >>> from gbimb.losses._softmax import SoftmaxLoss
    >>> raw = [[1.0, 0.9, 0.0], [1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [1.0, 0.0, 0.9]]
    >>> evaluate_multiclass(["mcc", "mcc@argmax"], SoftmaxLoss(3), [1, 0, 0, 2], raw)
    {'mcc': 1.0, 'mcc@argmax': 0.0}
    """
    names = [m if isinstance(m, str) else m.name for m in metrics]
    for name in names:
        get_multiclass_metric(name)
    codes = check_class_codes(y_true, loss.n_outputs)
    if add is None:
        check_not_empty(codes.size)
    weight = check_weight(sample_weight, codes.size)
    proba = loss.probability(raw_score)
    if len(proba) != codes.size:
        msg = f"raw_score must have a row a label, got {len(proba)} rows for {codes.size} labels."
        raise InvalidDataError(msg)
    tables, log_loss = _tables(codes, proba, weight, add or np.asarray)
    values: dict[str, float] = {}
    for name in names:
        if name == "log_loss":
            values[name] = log_loss
            continue
        score = MULTICLASS_METRICS[name.removesuffix("@argmax")]
        used = tables[:1] if name.endswith("@argmax") else tables
        values[name] = max(score(table) for table in used)
    return values


def _tables(
    codes: IntArray,
    proba: FloatArray,
    weight: FloatArray | None,
    add: Callable[[FloatArray], FloatArray],
) -> tuple[list[MulticlassCounts], float]:
    """Tables of the decision rules, and the log loss, in one pass over the rows."""
    from gbimb.metrics._multiclass_kernels import count_tables

    rows = add(np.bincount(codes, weights=weight, minlength=proba.shape[1]).astype(np.float64))
    # A class without rows here is treated as the rarest that has some.
    prior = np.where(rows > 0, rows, rows[rows > 0].min()) / rows.sum()
    factors = prior ** -np.array(PRIOR_POWERS)[:, None]
    tables, total = count_tables(codes, proba, weight, factors)
    total = float(add(np.array([total], np.float64))[0])
    return [MulticlassCounts(table) for table in add(tables)], total / float(rows.sum())
