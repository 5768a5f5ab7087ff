"""The three ways to make a picture of probabilities."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np

from gbimb.plots._read import ask_estimator, held_out_rows

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike

    from gbimb.array_types import TableLike


class Display:
    """What every picture has: ``plot``, ``frame``, and after ``plot`` ``ax_`` and ``figure_``."""

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

    @classmethod
    @abstractmethod
    def from_predictions(
        cls,
        y_true: ArrayLike,
        y_proba: ArrayLike,
        *args: Any,  # noqa: ANN401
        **options: Any,  # noqa: ANN401
    ) -> Self:
        """Draw labels and probabilities."""

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
        **options: Any,  # noqa: ANN401
    ) -> Self:
        """Draw what a fitted classifier says about rows.

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
        sample_weight : array of shape (n,), optional
        ax : matplotlib Axes, optional
            Where to draw; None makes a figure.
        **options
            As in ``from_predictions``.

        Raises
        ------
        GbimbError
            If an argument cannot be used, or matplotlib is not installed.
        """
        held = ask_estimator(estimator, X, cls.__name__, pos_label)
        return cls.from_predictions(
            y,
            held.proba,
            threshold=held.threshold if threshold is None else threshold,
            pos_label=held.pos_label,
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
        pos_label: Any = None,  # noqa: ANN401  any label
        sample_weight: ArrayLike | None = None,
        ax: Axes | None = None,
        **options: Any,  # noqa: ANN401
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

        Raises
        ------
        GbimbError
            If an argument cannot be used, or matplotlib is not installed.
        """
        folds = held_out_rows(cv_results, X, y)
        held = [ask_estimator(e, part, cls.__name__, pos_label) for e, part, _, _ in folds]
        chosen = [h.threshold for h in held if h.threshold is not None]
        weight = None if sample_weight is None else np.asarray(sample_weight)
        rows = np.concatenate([fold[3] for fold in folds])
        return cls.from_predictions(
            np.concatenate([labels for _, _, labels, _ in folds]),
            np.concatenate([h.proba for h in held]),
            threshold=float(np.median(chosen)) if threshold is None and chosen else threshold,
            pos_label=held[0].pos_label,
            sample_weight=None if weight is None else weight[rows],
            ax=ax,
            **options,
        )
