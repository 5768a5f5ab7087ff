"""Metrics of many classes by name, and several of them at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from gbimb.exceptions import InvalidDataError, unknown_name
from gbimb.metrics._multiclass_counts import MulticlassCounts
from gbimb.metrics._registry import METRICS, Metric, refuse_function, usual_name
from gbimb.validation import check_class_codes, check_weight, is_one_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike

    from gbimb.array_types import FloatArray, IntArray
    from gbimb.losses import Loss

PRIOR_POWERS: Final = (0.0, 0.25, 0.5, 0.75, 1.0)
MULTICLASS_METRICS: Final = {
    name: row.many for name, row in METRICS.items() if row.many is not None
}


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
    if codes.size == 0 and add is None:
        msg = "y_true must hold at least one row, got none."
        raise InvalidDataError(msg)
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
