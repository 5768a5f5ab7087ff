"""Check labels and probabilities, and ask estimators for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn.utils.validation import column_or_1d

from gbimb.estimators import check_is_fitted
from gbimb.exceptions import InvalidDataError, InvalidParameterError, InvalidTypeError
from gbimb.plots.statistics import Predictions
from gbimb.validation import as_float, check_weight

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray

    from gbimb.array_types import FloatArray, TableLike


class EstimatorPredictions(NamedTuple):
    """Probabilities of the positive label, and the threshold if the estimator has one."""

    proba: FloatArray
    pos_label: Any
    threshold: float | None


class CvFold(NamedTuple):
    """The test rows of a fold, where they stand in the table, and the estimator fitted for it."""

    estimator: Any
    X: Any
    y: NDArray[Any]
    at: NDArray[np.intp]


def read_predictions(
    y_true: ArrayLike,
    y_proba: ArrayLike,
    *,
    what: str,
    pos_label: Any = None,  # any label
    sample_weight: ArrayLike | None = None,
) -> Predictions:
    """Check labels and probabilities of the positive one of two labels.

    ``pos_label`` defaults to 1 for labels 0 and 1, else to the rarer one.
    """
    labels = column_or_1d(y_true)
    proba = np.asarray(as_float(y_proba, "y_proba"), np.float64)
    if proba.shape != labels.shape:
        msg = (
            f"y_proba must have the probability of the positive class of each row, shape "
            f"{labels.shape}, got shape {proba.shape}. Give one column of predict_proba."
        )
        raise InvalidDataError(msg)
    if not ((proba >= 0) & (proba <= 1)).all():
        msg = "y_proba must hold probabilities in [0, 1], got others or NaN."
        raise InvalidDataError(msg)
    if labels.size == 0:
        msg = "y_true must hold at least one row, got none."
        raise InvalidDataError(msg)
    missing = int(pd.isna(labels).sum())
    if missing:
        msg = f"y_true must have no missing label, got {missing:,} in {labels.size:,} rows."
        raise InvalidDataError(msg)
    positive = _positive(labels, what, pos_label)
    y = (labels == positive).astype(np.uint8)
    negative, named = two_names(np.unique(labels), positive)
    weight = check_weight(sample_weight, y.size)
    return Predictions(y, proba, weight, (str(negative), str(named)))


def two_names(classes: NDArray[Any], positive: Any) -> list[Any]:  # a label
    """Return the negative label, or a name for all the others, and the positive one."""
    others = [label for label in classes.tolist() if label != positive]
    return [others[0] if len(others) == 1 else f"not {positive}", positive]


def _positive(labels: NDArray[Any], what: str, pos_label: Any) -> Any:
    classes, counts = np.unique(labels, return_counts=True)
    if pos_label is not None:
        if labels.dtype.kind not in "OUT" and isinstance(pos_label, str):
            msg = f"pos_label must be a label of y_true, {classes[:5].tolist()}, got {pos_label!r}."
            raise InvalidParameterError(msg)
        return pos_label
    if classes.size > 2:
        raise many_classes(what, int(classes.size))
    if set(classes.tolist()) <= {0, 1}:
        return 1
    return classes[int(np.argmin(counts))].item()


def many_classes(what: str, n_classes: int) -> InvalidParameterError:
    """Build the error for a picture of two classes that was given more."""
    msg = (
        f"{what} draws two classes, got {n_classes}. Give pos_label to draw one of them against "
        "the rest, or use ConfusionDisplay or TrainingDisplay."
    )
    return InvalidParameterError(msg)


def predict_with(
    estimator: Any,  # any classifier
    X: TableLike,
    what: str,
    pos_label: Any,  # any label
) -> EstimatorPredictions:
    """Return the probability of the positive label, and the fitted threshold on it."""
    check_is_fitted(estimator)
    if not hasattr(estimator, "predict_proba"):
        msg = f"estimator must have predict_proba, got {type(estimator).__name__}, which has none."
        raise InvalidTypeError(msg)
    classes = np.asarray(estimator.classes_)
    own = getattr(estimator, "pos_label_", None)
    chosen = own if pos_label is None else pos_label
    if chosen is None:
        if classes.size > 2:
            raise many_classes(what, int(classes.size))
        chosen = classes[-1].item()
    (at,) = np.flatnonzero(classes == chosen)[:1] if chosen in classes.tolist() else (None,)
    if at is None:
        msg = f"pos_label must be one of {classes.tolist()}, got {pos_label!r}."
        raise InvalidParameterError(msg)
    proba = np.asarray(estimator.predict_proba(X), np.float64)[:, at]
    has_rule = classes.size == 2 and own is not None and chosen == own
    return EstimatorPredictions(proba, chosen, float(estimator.threshold_) if has_rule else None)


def cv_test_folds(cv_results: Mapping[str, Any], X: TableLike, y: ArrayLike) -> list[CvFold]:
    """List the test folds of ``cross_validate``."""
    if not {"estimator", "indices"} <= set(cv_results):
        msg = (
            "cv_results must hold 'estimator' and 'indices': call cross_validate with "
            f"return_estimator=True and return_indices=True; got {sorted(cv_results)}."
        )
        raise InvalidDataError(msg)
    from sklearn.utils import _safe_indexing

    labels = np.asarray(y)
    tests = [np.asarray(rows) for rows in cv_results["indices"]["test"]]
    return [
        CvFold(estimator, _safe_indexing(X, rows), labels[rows], rows)
        for estimator, rows in zip(cv_results["estimator"], tests, strict=True)
    ]
