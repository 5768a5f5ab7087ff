"""What the two boosting estimators share: everything but the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from gbimb.estimators.base_checks import check_parameters
from gbimb.estimators.decision import DecidingClassifier
from gbimb.estimators.fitted import all_or_nothing, check_is_fitted, shown
from gbimb.log import log_to_stderr
from gbimb.tables.read import read_table

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from gbimb.losses import BinaryLoss
    from gbimb.model.model import BoosterModel
    from gbimb.training.tasks import Task


class BaseImbalancedClassifier(DecidingClassifier):
    """Boosting with a loss, a watched metric, true probabilities and a chosen threshold."""

    loss: str | BinaryLoss
    gamma: float | None
    alpha: float | None
    scale_pos_weight: float | str | None
    pos_label: object
    eval_metric: str | Sequence[str]
    early_stopping_rounds: int | None
    threshold: float | str
    calibration: str | None
    cv: Any
    n_estimators: int
    learning_rate: float | None
    min_child_weight: float | None
    subsample: float | None
    colsample_bytree: float | None
    engine_params: dict[str, Any] | None
    checkpoint_path: str | os.PathLike[str] | None
    checkpoint_every: int
    keep_on_interrupt: bool
    random_state: Any
    n_jobs: int | None
    verbose: int

    engine_name: ClassVar[str]
    """Of the engine in the registry."""

    model_: BoosterModel

    booster_ = shown("booster")
    best_iteration_ = shown("n_rounds")
    best_iterations_ = shown("rounds")
    best_score_ = shown("score")
    blend_ = shown("blend")
    evals_result_ = shown("history")
    validation_ = shown("validation")

    def fit(
        self,
        X: Any,  # any table
        y: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        *,
        X_val: Any = None,
        y_val: ArrayLike | None = None,
        sample_weight_val: ArrayLike | None = None,
        eval_set: Sequence[tuple[Any, ArrayLike | None]] | None = None,
        groups: ArrayLike | None = None,
        time: ArrayLike | None = None,
    ) -> BaseImbalancedClassifier:
        """Train on ``X`` and ``y``.

        Parameters
        ----------
        X : array, sparse matrix, data frame of shape (n, n_features) or ParquetSource
            NaN is a missing value. Columns of strings and pandas categories are categorical.
            Of a source, the labels and weights are columns of its own.
        y : array of shape (n,), optional
            Labels of any kind.
        sample_weight : array of shape (n,), optional
            Weights, >= 0. They count in the loss, the metrics and the threshold. A whole weight
            is as many rows; with a mean below 1 they are a scale, and are brought to a mean of 1.
        X_val, y_val, sample_weight_val : optional
            Rows for early stopping and the threshold, instead of those that ``cv`` holds out.
            ``X_val`` may be a ParquetSource, too.
        eval_set : list with one pair, optional
            ``[(X_val, y_val)]``, another way to give the same.
        groups : array of shape (n,), optional
            Numbers or texts, equal for rows that belong together, such as those of a customer. No
            group is held out from a booster that trained on another of its rows. A row whose
            group is missing is a group of its own.
        time : array of shape (n,), optional
            Numbers or dates. Later rows are held out from boosters trained on earlier ones, which
            count by how well they predict them and are trained again on the newest rows.

        Returns
        -------
        self

        Raises
        ------
        GbimbError
            If an argument cannot be used; also a ValueError or a TypeError.
        """
        from gbimb.estimators.fits.boosting import fit

        self._check_parameters()
        with all_or_nothing(self), log_to_stderr(self.verbose):
            given = (X_val, y_val, sample_weight_val, eval_set)
            fit(self, X, y, sample_weight, given=given, groups=groups, time=time)
        return self

    def booster_input(self, X: Any) -> Any:  # any table
        """Return ``X`` as ``booster_`` takes it, for tools that work on the booster, such as SHAP.

        Parameters
        ----------
        X : array, sparse matrix or data frame of shape (n, n_features)

        Returns
        -------
        float array or CSR matrix of shape (n, n_features)
            Categories are whole numbers in the order of ``fit``, missing values NaN. A typical
            value stands in for what training never saw, as in predictions.
        """
        check_is_fitted(self)
        return self.model_.matrix(read_table(self, X, reset=False))

    def _decider(self) -> Task:
        from gbimb.estimators.fits.boosting import task_of

        return task_of(self)

    def _check_parameters(self) -> None:
        check_parameters(self)
