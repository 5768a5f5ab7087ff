"""True against called classes, with counts and shares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.metrics import confusion_matrix

from gbimb.estimators._fitted import check_is_fitted
from gbimb.exceptions import InvalidDataError
from gbimb.plots._axes import as_written, colour, make_axes, text_colour
from gbimb.plots._base import Display
from gbimb.plots._read import ask_estimator, held_out_rows, read_predictions, two_names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Self

    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike, NDArray

    from gbimb.array_types import FloatArray, TableLike


class ConfusionDisplay(Display):
    """The confusion matrix with counts, and the share of each true class.

    Parameters
    ----------
    matrix : array of shape (K, K)
        Row i, column j: the weight of rows of class i called class j.
    labels : sequence of length K
        Names of the classes.
    threshold : float or None
        For the title.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes and Figure, after ``plot``

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
    def from_predictions(
        cls,
        y_true: ArrayLike,
        y_proba: ArrayLike,
        *,
        threshold: float = 0.5,
        pos_label: Any = None,  # noqa: ANN401  any label
        sample_weight: ArrayLike | None = None,
        ax: Axes | None = None,
    ) -> Self:
        """Draw labels against probabilities that are >= a threshold; for two classes.

        Parameters
        ----------
        y_true : array of shape (n,)
            Two labels of any kind.
        y_proba : array of shape (n,), in [0, 1]
        threshold : float, default=0.5
        pos_label : label, optional
            Defaults to 1 for labels 0 and 1, else to the rarer label.
        sample_weight : array of shape (n,), optional
        ax : matplotlib Axes, optional
            Where to draw; None makes a figure.

        Raises
        ------
        GbimbError
            If an argument cannot be used, or matplotlib is not installed.
        """
        rows = read_predictions(
            y_true, y_proba, what=cls.__name__, pos_label=pos_label, sample_weight=sample_weight
        )
        called = (rows.proba >= threshold).astype(np.uint8)
        matrix = confusion_matrix(rows.y, called, labels=[0, 1], sample_weight=rows.weight)
        return cls(matrix=matrix, labels=rows.names, threshold=threshold).plot(ax)

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,  # noqa: ANN401  any classifier
        X: TableLike,
        y: ArrayLike,
        *,
        threshold: float | None = None,
        pos_label: Any = None,  # noqa: ANN401  any label
        sample_weight: ArrayLike | None = None,
        ax: Axes | None = None,
    ) -> Self:
        """Draw what a fitted classifier calls rows, with its own rule or at a threshold.

        Parameters
        ----------
        estimator : fitted classifier
        X : table of shape (n, n_features)
        y : array of shape (n,)
            Two labels or more.
        threshold : float, optional
            On the probability of ``pos_label``; None takes ``estimator.predict``.
        pos_label : label, optional
            Only with a threshold: as in the other pictures.
        sample_weight : array of shape (n,), optional
        ax : matplotlib Axes, optional
            Where to draw; None makes a figure.

        Raises
        ------
        GbimbError
            If an argument cannot be used, or matplotlib is not installed.
        """
        if threshold is not None:
            held = ask_estimator(estimator, X, cls.__name__, pos_label)
            return cls.from_predictions(
                y,
                held.proba,
                threshold=threshold,
                pos_label=held.pos_label,
                sample_weight=sample_weight,
                ax=ax,
            )
        check_is_fitted(estimator)
        return cls._from_labels([(estimator, X, np.asarray(y))], sample_weight, ax)

    @classmethod
    def from_cv_results(
        cls,
        cv_results: Mapping[str, Any],
        X: TableLike,
        y: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        ax: Axes | None = None,
    ) -> Self:
        """Draw the test rows of all folds together, each called by the estimator of its fold.

        Parameters
        ----------
        cv_results : dict
            Of ``cross_validate(..., return_estimator=True, return_indices=True)``.
        X, y : the table and labels that were cross-validated
        sample_weight : array of shape (n,), optional
        ax : matplotlib Axes, optional
            Where to draw; None makes a figure.

        Raises
        ------
        GbimbError
            If an argument cannot be used, or matplotlib is not installed.
        """
        folds = held_out_rows(cv_results, X, y)
        rows = np.concatenate([fold[3] for fold in folds])
        weight = None if sample_weight is None else np.asarray(sample_weight)[rows]
        return cls._from_labels([fold[:3] for fold in folds], weight, ax)

    @classmethod
    def _from_labels(
        cls,
        folds: Sequence[tuple[Any, Any, NDArray[Any]]],
        sample_weight: ArrayLike | None,
        ax: Axes | None,
    ) -> Self:
        called = np.concatenate([estimator.predict(X) for estimator, X, _ in folds])
        true = np.concatenate([labels for _, _, labels in folds])
        first = folds[0][0]
        classes = np.asarray(first.classes_)
        positive = getattr(first, "pos_label_", classes[-1])
        order = classes if classes.size > 2 else two_names(classes, positive)
        if not np.isin(true, classes).all():
            msg = f"y must hold labels that the estimator knows, {classes.tolist()}, got others."
            raise InvalidDataError(msg)
        matrix = confusion_matrix(true, called, labels=order, sample_weight=sample_weight)
        threshold = getattr(first, "threshold_", None) if len(folds) == 1 else None
        return cls(matrix=matrix, labels=list(order), threshold=threshold).plot(ax)

    def frame(self) -> pd.DataFrame:
        """Return the counts; index true classes, columns called classes."""
        return pd.DataFrame(
            self.matrix,
            index=pd.Index(self.labels, name="true"),
            columns=pd.Index(self.labels, name="called"),
        )

    def shares(self) -> FloatArray:
        """Return the share of each true class, shape (K, K); rows add up to 1 (or are 0)."""
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
            text = count if small else f"{count}\n{shares[i, j]:.1%}"
            ax.text(
                j,
                i,
                text,
                ha="center",
                va="center",
                color=text_colour(),
                fontsize="small" if small else "large",
            )
        ticks, names = range(k), [as_written(label) for label in self.labels]
        turned = 45 if small else 0
        ax.set_xticks(ticks, names, rotation=turned, ha="right" if small else "center")
        ax.set_yticks(ticks, names)
        ax.set(xlabel="called", ylabel="true", xlim=(-0.5, k - 0.5), ylim=(k - 0.5, -0.5))
        ax.grid(visible=False)
        ax.tick_params(length=0)
        if self.threshold is not None:
            ax.set_title(f"threshold {self.threshold:.3g}", fontsize="medium")
        return self._drawn(ax)
