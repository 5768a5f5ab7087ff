"""The metrics of every round of training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from gbimb.estimators import check_is_fitted
from gbimb.exceptions import InvalidDataError
from gbimb.plots._base import Display
from gbimb.plots.axes import colour, legend_above, make_axes, text_colour

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D


class TrainingDisplay(Display):
    """The watched metrics of every round, and the number of rounds that were kept.

    Losses, which fall, have their own axis on the right if scores are drawn as well.

    Parameters
    ----------
    evals_result : dict
        ``{data: {metric: [value of each round]}}``, as the estimators and both engines keep it.
    best_iteration : int, dict or None
        Number of rounds kept; with several fits or members, ``{data: number}``.

    Examples
    --------
    >>> display = TrainingDisplay.from_evals_result({"valid": {"mcc": [0.2, 0.4, 0.3]}}, 2)
    >>> display.frame()["value"].tolist()
    [0.2, 0.4, 0.3]
    """

    def __init__(
        self,
        *,
        evals_result: Mapping[str, Mapping[str, Sequence[float]]],
        best_iteration: int | Mapping[str, int] | None = None,
    ) -> None:
        self.evals_result = evals_result
        self.best_iteration = best_iteration

    @classmethod
    def from_estimator(cls, estimator: Any, *, ax: Axes | None = None) -> Self:
        """Draw the ``evals_result_`` of a fitted estimator.

        Raises
        ------
        GbimbError
            If the estimator has none, or matplotlib is not installed.
        """
        return cls.from_evals_result(_history(estimator), rounds_kept(estimator), ax=ax)

    @classmethod
    def from_cv_results(cls, cv_results: Mapping[str, Any], *, ax: Axes | None = None) -> Self:
        """Draw the first metric of each fold's estimator, with a dot at the last round kept.

        Parameters
        ----------
        cv_results : dict
            Of ``cross_validate(..., return_estimator=True)``.
        ax : matplotlib Axes, optional
            Where to draw; None makes a figure.

        Raises
        ------
        GbimbError
            If there are no estimators, one has no history, or matplotlib is not installed.
        """
        if "estimator" not in cv_results:
            msg = (
                "cv_results must hold 'estimator': call cross_validate with "
                f"return_estimator=True; got {sorted(cv_results)}."
            )
            raise InvalidDataError(msg)
        history: dict[str, Mapping[str, Sequence[float]]] = {}
        kept: dict[str, int] = {}
        for i, estimator in enumerate(cv_results["estimator"], 1):
            metrics = next(iter(_history(estimator).values()))
            metric, values = next(iter(metrics.items()))
            history[f"fold {i}"] = {metric: values}
            kept[f"fold {i}"] = int(getattr(estimator, "best_iteration_", len(values)))
        return cls.from_evals_result(history, kept, ax=ax)

    @classmethod
    def from_evals_result(
        cls,
        evals_result: Mapping[str, Mapping[str, Sequence[float]]],
        best_iteration: int | Mapping[str, int] | None = None,
        *,
        ax: Axes | None = None,
    ) -> Self:
        """Draw a history, also one of LightGBM or XGBoost themselves.

        Raises
        ------
        GbimbError
            If there is no round in it, or matplotlib is not installed.
        """
        if not any(len(v) for metrics in evals_result.values() for v in metrics.values()):
            msg = "evals_result must be {data: {metric: [values]}} with a round or more, got none."
            raise InvalidDataError(msg)
        return cls(evals_result=evals_result, best_iteration=best_iteration).plot(ax)

    def frame(self) -> pd.DataFrame:
        """Return a row for each round, data set and metric; the first round is 1."""
        parts = [
            pd.DataFrame(
                {"data": data, "metric": metric, "round": range(1, len(v) + 1), "value": list(v)}
            )
            for data, metrics in self.evals_result.items()
            for metric, v in metrics.items()
        ]
        return pd.concat(parts, ignore_index=True)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw on ``ax``, or on a new figure."""
        ax = make_axes(ax)
        groups = list(self.frame().groupby(["data", "metric"], sort=False))
        falling = [_falls(str(metric)) for (_, metric), _ in groups]
        losses = ax.twinx() if any(falling) and not all(falling) else ax
        lines: list[Line2D] = []
        kept = self.best_iteration
        dots = {**kept} if isinstance(kept, Mapping) else {}
        for i, ((data, metric), values) in enumerate(groups):
            label = str(metric) if len(self.evals_result) == 1 else f"{data} {metric}"
            own, note = (losses, " (right)") if falling[i] and losses is not ax else (ax, "")
            lines += own.plot(
                values["round"],
                values["value"],
                color=colour(i),
                label=label + note,
                marker="o" if len(values) == 1 else None,
            )
            if end := dots.get(str(data)):
                own.plot([end], [values["value"].iloc[end - 1]], "o", color=colour(i))
        if dots:
            label = f"last round of each member: {', '.join(map(str, dots.values()))}"
            lines += ax.plot([], [], "o", color=text_colour(), label=label)
        elif isinstance(kept, int | np.integer):
            label, ink = f"last round of the model: {kept}", text_colour()
            lines.append(ax.axvline(kept, color=ink, linestyle=":", linewidth=1.2, label=label))
        metrics = {str(metric) for (_, metric), _ in groups}
        quantity = _in_words(metrics.pop()) if len(metrics) == 1 else "scores"
        ax.set(xlabel="round of boosting", ylabel=f"{quantity} on held-out rows")
        legend_above(ax, lines, 3)
        return self._drawn(ax)


def _history(estimator: Any) -> Mapping[str, Mapping[str, Sequence[float]]]:
    check_is_fitted(estimator)
    history: Mapping[str, Mapping[str, Sequence[float]]] = getattr(estimator, "evals_result_", {})
    if not history:
        msg = (
            f"{type(estimator).__name__} has no evals_result_: no rows were held out, or it "
            "consists of several models. Draw one of them."
        )
        raise InvalidDataError(msg)
    return history


def rounds_kept(estimator: Any) -> int | Mapping[str, int] | None:
    """Return the rounds kept; with several members, those of each."""
    each: Mapping[str, int] = getattr(estimator, "best_iterations_", {})
    return each if len(each) > 1 else getattr(estimator, "best_iteration_", None)


def _in_words(metric: str) -> str:
    return metric.upper() if metric in ("mcc", "f1") else metric.replace("_", " ")


def _falls(metric: str) -> bool:
    return any(word in metric for word in ("loss", "brier", "error", "rmse", "mae"))
