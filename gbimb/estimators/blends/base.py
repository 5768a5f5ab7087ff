"""What the two classifiers over many members share: they differ in what is trained."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

from gbimb.constraints import check_constraints
from gbimb.decisions.guarantees import check_confidence
from gbimb.engines.registry import ENGINES, require_library
from gbimb.estimators.decision import DecidingClassifier
from gbimb.estimators.fitted import all_or_nothing, check_is_fitted, shown
from gbimb.estimators.lgbm import ImbalancedLGBMClassifier
from gbimb.estimators.row_costs import refuse_costs_beside_source
from gbimb.estimators.xgb import ImbalancedXGBClassifier
from gbimb.exceptions import InvalidTypeError, MissingDependencyError
from gbimb.tables.dependence import refuse_beside_source
from gbimb.tables.parquet.source import ParquetSource

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from gbimb.array_types import TableLike
    from gbimb.model.model import AveragedModel
    from gbimb.model.states import Saved
    from gbimb.training.objectives.base import SearchObjective
    from gbimb.training.search.compare import Compared
    from gbimb.training.search.cross_fit import CrossFitter
    from gbimb.training.search.search import Clock, Report
    from gbimb.training.tasks import Task

ALONE: Final = {
    "lightgbm": ImbalancedXGBClassifier.__name__,
    "xgboost": ImbalancedLGBMClassifier.__name__,
}
"""What needs no more than the other engine."""
STREAMED: Final = (
    "X must be a table in memory, for each candidate looks at its rows again, got a ParquetSource. "
    "Read it with pandas.read_parquet, or give it to another estimator: those stream it."
)


class BlendedClassifier(DecidingClassifier):
    """Members cross-fitted on the same folds, blended, recalibrated, with one decision rule."""

    metric: str | ArrayLike
    threshold: float | str
    confidence: float | None
    estimators: Sequence[tuple[str, Any]] | None
    pos_label: object
    checkpoint_path: str | os.PathLike[str] | None
    random_state: Any
    n_jobs: int | None
    verbose: int

    model_: AveragedModel
    saved_as: ClassVar[Saved]
    _searches: ClassVar[bool] = False
    """Whether candidates vary one ingredient at a time, so that each can be judged."""

    weights_ = shown("weights")
    best_score_ = shown("score")
    validation_ = shown("validation")

    @abstractmethod
    def _train(
        self, fitter: CrossFitter, objective: SearchObjective, clock: Clock, report: Report
    ) -> Compared:
        """Return what was trained on the rows of ``fitter``."""

    @abstractmethod
    def _expected_end(self) -> tuple[float | None, int | None]:
        """Return the seconds there are, and the number of members; None for no end."""

    def fit(
        self,
        X: TableLike,
        y: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        *,
        groups: ArrayLike | None = None,
        time: ArrayLike | None = None,
        cost_fp: ArrayLike | None = None,
        cost_fn: ArrayLike | None = None,
    ) -> Self:
        """Train the members, and blend them.

        Parameters
        ----------
        X : array, sparse matrix, data frame of shape (n, n_features) or ParquetSource
            NaN is a missing value. Columns of strings and pandas categories are categorical. A
            source, whose labels and weights are columns of its own, goes to
            ``ImbalancedClassifier`` only, which streams it to LightGBM.
        y : array of shape (n,), optional
            Two labels or more, of any kind.
        sample_weight : array of shape (n,), optional
            Weights, >= 0. They count in the losses, the scores and the decision rule. A whole
            weight is as many rows; with a mean below 1 they are a scale, brought to a mean of 1.
        groups : array of shape (n,), optional
            Equal for rows that belong together: no group is held out from a booster that trained
            on another of its rows. A row whose group is missing is a group of its own.
        time : array of shape (n,), optional
            Numbers or dates. Members are trained on windows of the past and judged on the blocks of
            rows after them; what remains is trained again up to the newest row.
        cost_fp, cost_fn : float or array of shape (n,), optional
            Both with ``metric="cost"``, for two classes: what it costs to predict ``pos_label_``
            for the row if it is of the other class, and the other class if it is of
            ``pos_label_``; finite, >= 0. Held-out rows, each decided by its own costs, judge the
            members; the threshold is the cheapest one for rows that :meth:`predict` is given
            without costs.

        Returns
        -------
        self

        Raises
        ------
        GbimbError
            If an argument cannot be used; also a ValueError or a TypeError.
        """
        from gbimb.estimators.fits.blends import fit

        with all_or_nothing(self):
            self._check_parameters()
            if isinstance(X, ParquetSource):
                refuse_beside_source(groups, time)
                refuse_costs_beside_source(self.metric, cost_fp, cost_fn)
                self._fit_streamed(X, y, sample_weight)
                return self
            self._require_engines()
            fit(
                self,
                X,
                y,
                sample_weight,
                train=self._train,
                end=self._expected_end(),
                searches=self._searches,
                groups=groups,
                time=time,
                costs=(cost_fp, cost_fn),
            )
        return self

    def _require_engines(self) -> None:
        """Raise where an engine that is to be trained is not installed."""
        engine = getattr(self, "engine", "auto")
        needed = {engine: ENGINES[engine]} if engine in ENGINES else ENGINES
        for name in needed:
            try:
                require_library(name)
            except MissingDependencyError as error:
                msg = (
                    f"{type(self).__name__} needs {' and '.join(needed.values())}: {error}, or use "
                    f"{ALONE[name]}, which does without."
                )
                raise MissingDependencyError(msg) from None

    def _fit_streamed(self, X: ParquetSource, y: Any, sample_weight: Any) -> None:
        """Train on a source that is read piece by piece, where the class can."""
        del X, y, sample_weight
        raise InvalidTypeError(STREAMED)

    def explain_choice(self) -> str:
        """Return in words what was chosen; after a search also what helped and what did not."""
        from gbimb.training.search.leaderboard import Effect, explain

        check_is_fitted(self)
        found = [Effect(*effect) for effect in self.effects_]
        return explain(
            *(self.metric, self.validation_, self.leaderboard_, self.best_score_, found),
            threshold=self.threshold,
        )

    def _decider(self) -> SearchObjective | Task:
        from gbimb.estimators.fits.blends import decider_of

        return decider_of(self)

    def _check_parameters(self) -> None:
        from gbimb.training.search.foreign import check_estimators

        check_constraints(self, self.saved_as.parameters)
        check_confidence(self.confidence, self.threshold)
        check_estimators(self.estimators)
