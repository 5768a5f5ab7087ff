"""Measures of labels and probabilities, for two classes and for many."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss

from gbimb.metrics import (
    ConfusionCounts,
    MulticlassCounts,
    f1_score,
    macro_recall_score,
    mcc_score,
    precision_score,
    recall_score,
    rk_score,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gbimb.array_types import FloatArray


def scores(y: NDArray[Any], labels: NDArray[Any], proba: FloatArray) -> dict[str, float]:
    """Measure predictions.

    With more than two classes MCC is R_K; F1, precision, recall and average precision are means
    over the classes, each against the rest, without those that have no row in ``y``; the Brier
    score is the sum over classes.

    Parameters
    ----------
    y, labels : integer arrays of shape (n,)
        The true and the predicted class, 0 to K - 1; of two, 1 is the positive one.
    proba : array of shape (n, K)
        Probabilities of the classes.
    """
    measure = _of_two if proba.shape[1] == 2 else _of_many
    return measure(y, labels, proba)


def _of_two(y: NDArray[Any], labels: NDArray[Any], proba: FloatArray) -> dict[str, float]:
    positive = proba[:, 1]
    counts = ConfusionCounts.from_labels(y, labels)
    return {
        "mcc": float(mcc_score(counts)),
        "f1": float(f1_score(counts)),
        "precision": float(precision_score(counts)),
        "recall": float(recall_score(counts)),
        "average_precision": float(average_precision_score(y, positive)),
        "log_loss": float(log_loss(y, positive, labels=[0, 1])),
        "brier": float(brier_score_loss(y, positive)),
    }


def _of_many(y: NDArray[Any], labels: NDArray[Any], proba: FloatArray) -> dict[str, float]:
    n, k = proba.shape
    counts = MulticlassCounts.from_labels(y, labels, n_classes=k)
    hits, rows, predicted = np.diag(counts.matrix), counts.matrix.sum(1), counts.matrix.sum(0)
    present = np.flatnonzero(rows)
    is_class = np.eye(k)[y]
    smallest = np.finfo(np.float64).eps
    return {
        "mcc": rk_score(counts),
        "f1": float((2 * hits / np.maximum(rows + predicted, 1))[present].mean()),
        "precision": float((hits / np.maximum(predicted, 1))[present].mean()),
        "recall": macro_recall_score(counts),
        "average_precision": float(
            np.mean([average_precision_score(is_class[:, j], proba[:, j]) for j in present])
        ),
        "log_loss": float(-np.log(np.maximum(proba[np.arange(n), y], smallest)).mean()),
        "brier": float(((proba - is_class) ** 2).sum(axis=1).mean()),
    }
