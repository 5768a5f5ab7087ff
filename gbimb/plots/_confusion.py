"""True against predicted classes, with counts and shares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.metrics import confusion_matrix

from gbimb.estimators import check_is_fitted
from gbimb.exceptions import InvalidDataError
from gbimb.json_text import percent
from gbimb.plots._base import PredictionsDisplay
from gbimb.plots._read import CvFold, cv_test_folds, two_names
from gbimb.plots.axes import colour, escape_dollars, make_axes, text_colour

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Self

    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike

    from gbimb.array_types import FloatArray, TableLike
    from gbimb.plots.statistics import Predictions


class ConfusionDisplay(PredictionsDisplay):
    """The confusion matrix with counts, and the share of each true class.

    Of probabilities, those >= the threshold (0.5 unless it is given) are predicted positive.

    Parameters
    ----------
    matrix : array of shape (K, K)
        Row i, column j: the weight of the rows of class i predicted as class j.
    labels : sequence of length K
        Names of the classes.
    threshold : float or None
        For the title.

    Examples
    --------
    >>> y, proba = [0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]
    >>> ConfusionDisplay.from_predictions(y, proba, threshold=0.3).matrix
    array([[1., 1.],
           [0., 2.]])
    """

    def __init__(
        self, *, matrix: ArrayLike, labels: Sequence[Any], threshold: float | None = None
    ) -> None:
        self.matrix: FloatArray = np.asarray(matrix, np.float64)
        self.labels = [str(label) for label in labels]
        self.threshold = threshold

    @classmethod
    def _of_rows(cls, rows: Predictions, threshold: float | None) -> Self:
        threshold = 0.5 if threshold is None else threshold
        flagged = (rows.proba >= threshold).astype(np.uint8)
        matrix = confusion_matrix(rows.y, flagged, labels=[0, 1], sample_weight=rows.weight)
        return cls(matrix=matrix, labels=rows.names, threshold=threshold)

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,  # any classifier
        X: TableLike,
        y: ArrayLike,
        *,
        threshold: float | None = None,
        sample_weight: ArrayLike | None = None,
        ax: Axes | None = None,
        **options: Any,
    ) -> Self:
        """Draw what a fitted classifier predicts for rows of two classes or more.

        By its own ``predict``; given a threshold, by that on the probability of ``pos_label``.
        """
        if threshold is not None:
            given = {"threshold": threshold, "sample_weight": sample_weight, "ax": ax, **options}
            return super().from_estimator(estimator, X, y, **given)
        check_is_fitted(estimator)
        labels = np.asarray(y)
        whole = CvFold(estimator, X, labels, np.arange(len(labels)))
        return cls._from_folds([whole], sample_weight, ax)

    @classmethod
    def from_cv_results(
        cls,
        cv_results: Mapping[str, Any],
        X: TableLike,
        y: ArrayLike,
        *,
        threshold: float | None = None,
        sample_weight: ArrayLike | None = None,
        ax: Axes | None = None,
        **options: Any,
    ) -> Self:
        """Draw the test rows of all folds together, predicted by the estimator of each fold.

        By its own ``predict``; given a threshold, by that on the probability of ``pos_label``.
        """
        if threshold is not None:
            given = {"threshold": threshold, "sample_weight": sample_weight, "ax": ax, **options}
            return super().from_cv_results(cv_results, X, y, **given)
        return cls._from_folds(cv_test_folds(cv_results, X, y), sample_weight, ax)

    @classmethod
    def _from_folds(
        cls, folds: Sequence[CvFold], sample_weight: ArrayLike | None, ax: Axes | None
    ) -> Self:
        predicted = np.concatenate([fold.estimator.predict(fold.X) for fold in folds])
        true = np.concatenate([fold.y for fold in folds])
        weight = None
        if sample_weight is not None:
            weight = np.asarray(sample_weight)[np.concatenate([fold.at for fold in folds])]
        first = folds[0].estimator
        classes = np.asarray(first.classes_)
        positive = getattr(first, "pos_label_", classes[-1])
        order = classes if classes.size > 2 else two_names(classes, positive)
        if not np.isin(true, classes).all():
            msg = f"y must hold labels from training, {classes.tolist()}, got others."
            raise InvalidDataError(msg)
        matrix = confusion_matrix(true, predicted, labels=order, sample_weight=weight)
        threshold = getattr(first, "threshold_", None) if len(folds) == 1 else None
        return cls(matrix=matrix, labels=list(order), threshold=threshold).plot(ax)

    def frame(self) -> pd.DataFrame:
        """Return the counts: true classes as rows, predicted classes as columns."""
        return pd.DataFrame(
            self.matrix,
            index=pd.Index(self.labels, name="true"),
            columns=pd.Index(self.labels, name="predicted"),
        )

    def shares(self) -> FloatArray:
        """Return the counts over those of the true class, shape (K, K); 0 for an empty class."""
        total = self.matrix.sum(axis=1, keepdims=True)
        shares: FloatArray = np.divide(
            self.matrix, total, out=np.zeros_like(self.matrix), where=total > 0
        )
        return shares

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw on ``ax``, or on a new figure."""
        ax = make_axes(ax)
        shares, k = self.shares(), len(self.labels)
        small = k > 5
        for i, j in np.ndindex(k, k):
            shade = {"facecolor": colour(0), "alpha": 0.55 * shares[i, j], "linewidth": 0}
            ax.axvspan(j - 0.5, j + 0.5, 1 - (i + 1) / k, 1 - i / k, **shade)
            count = f"{self.matrix[i, j]:,.{1 if self.matrix[i, j] % 1 else 0}f}"
            text = count if small else f"{count}\n{percent(float(shares[i, j]), 1)}"
            ax.text(
                j,
                i,
                text,
                ha="center",
                va="center",
                color=text_colour(),
                fontsize="small" if small else "large",
            )
        ticks, names = range(k), [escape_dollars(label) for label in self.labels]
        turned = 45 if small else 0
        ax.set_xticks(ticks, names, rotation=turned, ha="right" if small else "center")
        ax.set_yticks(ticks, names)
        ax.set(xlabel="predicted", ylabel="true", xlim=(-0.5, k - 0.5), ylim=(k - 0.5, -0.5))
        ax.grid(visible=False)
        ax.tick_params(length=0)
        if self.threshold is not None:
            ax.set_title(f"threshold {self.threshold:.3g}", fontsize="medium")
        return self._drawn(ax)
