"""How much worse a model ranks rows when the values of a column are shuffled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from gbimb.metrics import average_precision, threshold_curve

if TYPE_CHECKING:
    from gbimb.array_types import FloatArray, IntArray
    from gbimb.report.models.judged import JudgedClassifier

ROWS_TO_PREDICT: Final = 100_000
REPEATS: Final = 3
FEWEST_ROWS: Final = 200
MOST_COLUMNS: Final = 100
SHOWN: Final = 20


def permutation_importances(
    model: JudgedClassifier, sample: pd.DataFrame, codes: IntArray, totals: FloatArray
) -> dict[str, Any] | None:
    """Return the fall of average precision when each column is shuffled, the largest first.

    With more than two classes it is the mean over the classes. None where the rows are no table,
    or too many columns.

    Parameters
    ----------
    model : JudgedClassifier
    sample : DataFrame of shape (n, columns)
        Random rows of each class, in the form that the model predicts.
    codes : intp array of shape (n,)
    totals : float64 array of shape (K,)
        The weight of each class in the data, of which the sample has other shares.

    References
    ----------
    L. Breiman. Random forests. 2001. doi:10.1023/A:1010933404324.
    """
    plain = isinstance(model.given, np.ndarray | pd.DataFrame | None)
    columns = _columns(model, sample)
    if not plain or not columns or len(np.unique(codes)) < 2:
        return None
    size = max(FEWEST_ROWS, ROWS_TO_PREDICT // (len(columns) * REPEATS))
    kept = _some(codes, size)
    X, codes = sample.iloc[kept].reset_index(drop=True), codes[kept]
    own = np.bincount(codes, minlength=totals.size)
    weight = (totals / np.maximum(own, 1))[codes]
    rng = np.random.default_rng(0)
    whole = _precision(model.proba(X), codes, weight, model.positive_code)
    falls = {}
    for name in columns:
        shuffled = [model.proba(_shuffled(X, name, rng)) for _ in range(REPEATS)]
        left = [_precision(proba, codes, weight, model.positive_code) for proba in shuffled]
        falls[str(name)] = whole - float(np.mean(left))
    order = sorted(falls, key=lambda name: -falls[name])
    found = [{"name": name, "fall": falls[name]} for name in order]
    return {
        "average_precision": whole,
        "rows": int(codes.size),
        "shown": found[:SHOWN],
        "further": max(0, len(found) - SHOWN),
        "left_out": sample.shape[1] - len(columns),
    }


def _columns(model: JudgedClassifier, sample: pd.DataFrame) -> list[str]:
    """Return the columns to shuffle: those that the model uses most, as far as that is known."""
    important = [name for name in model.important if name in sample.columns]
    if not important and sample.shape[1] <= MOST_COLUMNS:
        return list(sample.columns)
    return important[:MOST_COLUMNS]


def _some(codes: IntArray, size: int) -> IntArray:
    """Return up to ``size`` rows, as many of each class as there are up to an equal share."""
    rng = np.random.default_rng(0)
    each = max(1, size // int(codes.max() + 1))
    of_class = [np.flatnonzero(codes == k) for k in range(int(codes.max()) + 1)]
    return np.sort(np.concatenate([rng.permutation(rows)[:each] for rows in of_class]))


def _shuffled(X: pd.DataFrame, name: str, rng: np.random.Generator) -> pd.DataFrame:
    order = rng.permutation(len(X))
    return X.assign(**{name: X[name].iloc[order].set_axis(X.index)})


def _precision(
    proba: FloatArray, codes: IntArray, weight: FloatArray, positive: int | None
) -> float:
    """Return average precision, of more than two classes their mean."""
    present = np.unique(codes) if positive is None else [positive]
    each = [
        average_precision(threshold_curve((codes == k).astype(np.uint8), proba[:, k], weight))
        for k in present
    ]
    return float(np.mean(each))
