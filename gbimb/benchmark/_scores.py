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
    """Measure predictions for two classes.

    Parameters
    ----------
    y, labels : integer arrays of shape (n,)
        What is and what is predicted, 0 or 1.
    proba : array of shape (n,)
        Probabilities of 1.
    """
    counts = ConfusionCounts.from_labels(y, labels)
    return {
        "mcc": float(mcc_score(counts)),
        "f1": float(f1_score(counts)),
        "precision": float(precision_score(counts)),
        "recall": float(recall_score(counts)),
        "average_precision": float(average_precision_score(y, proba)),
        "log_loss": float(log_loss(y, proba, labels=[0, 1])),
        "brier": float(brier_score_loss(y, proba)),
    }


def many_scores(y: NDArray[Any], labels: NDArray[Any], proba: FloatArray) -> dict[str, float]:
    """Measure predictions for more than two classes.

    MCC is R_K. F1, precision, recall and average precision are means over the classes, each
    against the rest; those without a row in ``y`` are left out of the mean. The Brier score is
    the sum over classes.

    Parameters
    ----------
    y, labels : integer arrays of shape (n,)
        What is and what is predicted, 0 to K - 1.
    proba : array of shape (n, K)
    """
    n, k = proba.shape
    counts = MulticlassCounts.from_labels(y, labels, n_classes=k)
    hits, rows, calls = (np.diag(counts.matrix), counts.matrix.sum(1), counts.matrix.sum(0))
    there = np.flatnonzero(rows)
    is_class = np.eye(k)[y]
    smallest = np.finfo(np.float64).eps
    return {
        "mcc": rk_score(counts),
        "f1": float((2 * hits / np.maximum(rows + calls, 1))[there].mean()),
        "precision": float((hits / np.maximum(calls, 1))[there].mean()),
        "recall": macro_recall_score(counts),
        "average_precision": float(
            np.mean([average_precision_score(is_class[:, j], proba[:, j]) for j in there])
        ),
        "log_loss": float(-np.log(np.maximum(proba[np.arange(n), y], smallest)).mean()),
        "brier": float(((proba - is_class) ** 2).sum(axis=1).mean()),
    }
