"""What the two classifiers over many members share: they differ in what is trained."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import astuple
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

import numpy as np

from gbimb.constraints import check_constraints
from gbimb.decisions.guarantees import check_confidence
from gbimb.decisions.rules import Threshold
from gbimb.engines.registry import ENGINES, require_library
from gbimb.estimators.decision import DecidingClassifier
from gbimb.estimators.fitted import all_or_nothing, check_is_fitted, shown
from gbimb.estimators.lgbm import ImbalancedLGBMClassifier
from gbimb.estimators.row_costs import costs_of_fit, is_cost, refuse_costs_beside_source
from gbimb.estimators.xgb import ImbalancedXGBClassifier
from gbimb.exceptions import InvalidTypeError, MissingDependencyError, warn
from gbimb.log import logger
from gbimb.model.model import BoosterModel
from gbimb.model.states import with_model
from gbimb.parallel import resolve_jobs, thread_limit
from gbimb.tables.dependence import refuse_beside_source
from gbimb.tables.encoder import learn_columns
from gbimb.tables.labelled import LabelledTable
from gbimb.tables.parquet.source import ParquetSource
from gbimb.tables.schema import Schema
from gbimb.training.bagging.average import averaged_task
from gbimb.training.checkpoint import open_checkpoint
from gbimb.training.copies import find_copies
from gbimb.training.held_out.plan import make_plan
from gbimb.training.search.blend import blend, is_open
from gbimb.training.search.cross_fit import CrossFitter
from gbimb.training.search.foreign import check_estimators
from gbimb.training.search.leaderboard import Effect, effects, explain, leaderboard
from gbimb.training.search.objective import CostObjective, make_objective
from gbimb.training.search.progress import progress
from gbimb.training.seed import draw_seed

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from gbimb.array_types import FloatArray, TableLike
    from gbimb.decisions.rules import RowCosts
    from gbimb.model.model import AveragedModel, ForeignMember
    from gbimb.model.states import Saved
    from gbimb.training.search.candidate import Candidate
    from gbimb.training.search.compare import Compared
    from gbimb.training.search.objective import SearchObjective
    from gbimb.training.search.search import Clock, Report, TrialResult
    from gbimb.training.tasks import Task

BOOSTERS: Final = (ImbalancedLGBMClassifier, ImbalancedXGBClassifier)
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
    def _clock(self) -> Clock:
        """Return what is left of the time there is."""

    @abstractmethod
    def _expected_end(self) -> tuple[float | None, int | None]:
        """Return seconds or the number of members for a progress bar."""

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
        with all_or_nothing(self):
            self._check_parameters()
            if isinstance(X, ParquetSource):
                refuse_beside_source(groups, time)
                refuse_costs_beside_source(self.metric, cost_fp, cost_fn)
                self._fit_streamed(X, y, sample_weight)
                return self
            self._require_engines()
            clock = self._clock()
            beside: dict[str, Any] = {"groups": groups, "time": time}
            rows = LabelledTable.read(self, X, y, sample_weight, self.pos_label, **beside)
            n = rows.labels.codes.size
            rows = rows.with_weight(self.pos_label)
            rows.labels.require_all_classes()
            classes = rows.labels.classes
            costs = costs_of_fit(self.metric, classes.size, n, cost_fp, cost_fn)
            objective = make_objective(self.metric, classes.size, swap=classes.swapped)
            threads = resolve_jobs(self.n_jobs)
            whole = self._fitter(rows, threads, costs)
            with thread_limit(threads), progress(*self._expected_end(), self.verbose) as show:
                compared = self._train(whole, objective, clock, show)
                model, shares = blend(
                    compared.fitter.judged,
                    compared.results,
                    objective,
                    self.threshold,
                    self.confidence,
                )
            on = "all rows" if compared.fitter is whole else "a part"
            self._finish(model, compared.results, shares, whole.seed, before=compared.before, on=on)
            logger.info("blend: %s %.4f", objective.name, self.best_score_)
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
        check_is_fitted(self)
        found = [Effect(*effect) for effect in self.effects_]
        return explain(
            *(self.metric, self.validation_, self.leaderboard_, self.best_score_, found),
            threshold=self.threshold,
        )

    def _fitter(self, rows: LabelledTable, threads: int, costs: RowCosts | None) -> CrossFitter:
        """Return what trains candidates on these rows; the costs are those of all rows given."""
        labels, weight = rows.labels, rows.weight
        seed = draw_seed(self.random_state)
        encoder, encoded = learn_columns(rows.table, labels.codes, weight)
        copies = find_copies(encoded, labels.codes)
        groups = None if copies is None else copies.groups
        plan = make_plan("auto", labels.codes, seed, groups, rows.dependence).hinting(rows.hint())
        if copies is not None:
            copies.warn_of_folds(labels.classes.labels, plan.splits, (), encoded)
        return CrossFitter(
            make={each.engine_name: each for each in BOOSTERS},
            schema=Schema.of(self, encoder),
            encoded=encoded,
            labels=labels,
            weight=weight,
            plan=plan,
            seed=seed,
            threads=threads,
            checkpoint=open_checkpoint(self, encoded, labels.codes, weight),
            groups=groups,
            dependence=rows.dependence,
            costs=costs if costs is None or rows.kept is None else costs.part(rows.kept),
            foreign=dict(self.estimators or ()),
            table=rows.table if self.estimators else None,
        )

    def _finish(
        self,
        model: AveragedModel,
        results: list[TrialResult],
        shares: FloatArray,
        seed: int,
        *,
        before: Sequence[TrialResult] = (),
        on: str = "all rows",
    ) -> None:
        """Set what was fitted; ``before`` are results on a part of the rows."""
        self.model_, self.seed_ = model, seed
        fitted = [t.fitted for t in results if t.fitted]
        self.members_ = [
            _shown(fitted[i].candidate, member)
            for i, member in zip(np.flatnonzero(shares), model.members, strict=True)
        ]
        # Fixed members differ in several things at once: no difference is due to one of them.
        found = effects(results) if self._searches else []
        self.effects_ = [astuple(effect) for effect in found]
        self.leaderboard_ = leaderboard(results, shares, before, on)
        if model.importances is not None and not model.importances.any():
            msg = (
                "The trees of no candidate have a split, so every row gets the same probability. "
                "There may be no signal in X."
            )
            warn(msg)

    def _decider(self) -> SearchObjective | Task:
        classes = self.model_.classes
        if not is_open(self.threshold):
            return averaged_task(classes.size, "mcc", self.threshold, self.confidence)
        if isinstance(self.model_.rule, Threshold) and is_cost(self.metric):
            # What costs say of a probability does not depend on the prevalence.
            value = self.model_.rule.value
            return CostObjective(np.array([[0.0, value], [1.0 - value, 0.0]]))
        return make_objective(self.metric, classes.size, swap=classes.swapped)

    def _check_parameters(self) -> None:
        check_constraints(self, self.saved_as.parameters)
        check_confidence(self.confidence, self.threshold)
        check_estimators(self.estimators)


def _shown(candidate: Candidate, member: BoosterModel | ForeignMember) -> Any:  # an estimator
    """Return a member as a fitted estimator."""
    if isinstance(member, BoosterModel):
        return with_model(candidate.estimator, member)
    return member.classifier
