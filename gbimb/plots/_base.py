"""The three ways to make a picture of labels and probabilities."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from gbimb.plots._read import cv_test_folds, predict_with, read_predictions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Self

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike

    from gbimb.array_types import TableLike


class Display:
    """A picture and its numbers.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes and Figure, after ``plot``
    """

    ax_: Axes
    figure_: Figure

    @abstractmethod
    def plot(self, ax: Axes | None = None) -> Self:
        """Draw on ``ax``, or on a new figure."""

    @abstractmethod
    def frame(self) -> pd.DataFrame:
        """Return the numbers that are drawn."""

    def _drawn(self, ax: Axes) -> Self:
        self.ax_, self.figure_ = ax, ax.get_figure(root=True)  # type: ignore[assignment]
        return self


class PredictionsDisplay(Display):
    """A picture of labels and probabilities of two classes."""

    _of_rows: ClassVar[Callable[..., Any]]
    """A class method: from checked rows, the threshold and options to a display, not drawn yet."""

    @classmethod
    def from_predictions(
        cls,
        y_true: ArrayLike,
        y_proba: ArrayLike,
        *,
        threshold: float | None = None,
        pos_label: Any = None,  # any label
        sample_weight: ArrayLike | None = None,
        ax: Axes | None = None,
        **options: Any,
    ) -> Self:
        """Draw labels and probabilities of the positive one.

        Parameters
        ----------
        y_true : array of shape (n,)
            Two labels of any kind.
        y_proba : array of shape (n,), in [0, 1]
        threshold : float, optional
            The one marked, where the picture has one.
        pos_label : label, optional
            Defaults to 1 for labels 0 and 1, else to the rarer label.
        sample_weight : array of shape (n,), optional
        ax : matplotlib Axes, optional
            Where to draw; None makes a figure.
        **options
            Those of the class: ``metrics`` of ThresholdDisplay, ``y_proba_before`` of
            ReliabilityDisplay.

        Raises
        ------
        GbimbError
            If an argument cannot be used, or matplotlib is not installed.
        """
        rows = read_predictions(
            y_true, y_proba, what=cls.__name__, pos_label=pos_label, sample_weight=sample_weight
        )
        display: Self = cls._of_rows(rows, threshold, **options)
        return display.plot(ax)

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,  # any classifier
        X: TableLike,
        y: ArrayLike,
        *,
        threshold: float | None = None,
        pos_label: Any = None,  # any label
        sample_weight: ArrayLike | None = None,
        ax: Axes | None = None,
        **options: Any,
    ) -> Self:
        """Draw what a fitted classifier predicts for rows.

        Parameters
        ----------
        estimator : fitted classifier with ``predict_proba``
        X : table of shape (n, n_features)
        y : array of shape (n,)
        threshold : float, optional
            The one marked; defaults to ``estimator.threshold_``.
        pos_label : label, optional
            Defaults to ``estimator.pos_label_``, else to the second of two classes. With more
            classes this one is drawn against the rest.
        sample_weight, ax, **options
            As in ``from_predictions``.
        """
        found = predict_with(estimator, X, cls.__name__, pos_label)
        return cls.from_predictions(
            y,
            found.proba,
            threshold=found.threshold if threshold is None else threshold,
            pos_label=found.pos_label,
            sample_weight=sample_weight,
            ax=ax,
            **options,
        )

    @classmethod
    def from_cv_results(
        cls,
        cv_results: Mapping[str, Any],
        X: TableLike,
        y: ArrayLike,
        *,
        threshold: float | None = None,
        pos_label: Any = None,  # any label
        sample_weight: ArrayLike | None = None,
        ax: Axes | None = None,
        **options: Any,
    ) -> Self:
        """Draw the test rows of all folds together, each scored by the estimator of its fold.

        Parameters
        ----------
        cv_results : dict
            Of ``cross_validate(..., return_estimator=True, return_indices=True)``.
        X, y : the table and labels that were cross-validated
        threshold : float, optional
            The one marked; defaults to the median over the folds' estimators.
        pos_label, sample_weight, ax, **options
            As in ``from_estimator``.
        """
        folds = cv_test_folds(cv_results, X, y)
        found = [predict_with(f.estimator, f.X, cls.__name__, pos_label) for f in folds]
        chosen = [each.threshold for each in found if each.threshold is not None]
        weight = None if sample_weight is None else np.asarray(sample_weight)
        return cls.from_predictions(
            np.concatenate([fold.y for fold in folds]),
            np.concatenate([each.proba for each in found]),
            threshold=float(np.median(chosen)) if threshold is None and chosen else threshold,
            pos_label=found[0].pos_label,
            sample_weight=None if weight is None else weight[np.concatenate([f.at for f in folds])],
            ax=ax,
            **options,
        )
