"""How boosters are trained on a table of known columns and classes, and what model they make."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from gbimb.decisions.calibration import fit_calibrator
from gbimb.decisions.held_out import HeldOutScores
from gbimb.engines.defaults import SMALL_TABLE, Pace, most_rounds, where_open
from gbimb.engines.parameters import check_interactions, check_monotone
from gbimb.engines.registry import get_engine
from gbimb.model.model import BoosterModel, as_layout, make_rule
from gbimb.model.pairs import gains_of_columns, pair_names, with_pairs
from gbimb.tables.encoder import see_rows
from gbimb.tables.parquet.stream import StreamedMatrix
from gbimb.training.loss import make_loss
from gbimb.training.objectives.named import make_objective
from gbimb.training.tasks import BinaryTask, MulticlassTask
from gbimb.training.trained import ONE_MEMBER, HeldOut, MemberSpec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from gbimb.array_types import FloatArray, IntArray
    from gbimb.engines.interface import Bins, Engine
    from gbimb.losses import BinaryLoss, MulticlassBrierLoss, MulticlassLoss
    from gbimb.model.pairs import Pairs
    from gbimb.tables.encoder import TableEncoder
    from gbimb.tables.labels import LabelCodes
    from gbimb.tables.schema import Classes, Schema
    from gbimb.tables.typical import Observed
    from gbimb.training.rows import EngineTable
    from gbimb.training.stages import Settings
    from gbimb.training.tasks import Task
    from gbimb.training.trained import Trained


@dataclass(frozen=True, eq=False)
class Recipe:
    """A boosting estimator's parameters for a table whose columns and classes are known.

    Attributes
    ----------
    parameters : a boosting estimator
        Its constructor parameters are read, nothing that it was fitted on.
    schema : Schema
    classes : Classes
    zero_is_missing : bool
        Whether zeros of a sparse matrix are missing values to the engine.
    ordered : bool
        Whether trees split categories by their order, as numbers, instead of into sets.
    pairs : tuple of pairs of int
        Columns whose differences and ratios the trees see, too.
    """

    parameters: Any
    schema: Schema
    classes: Classes
    zero_is_missing: bool = False
    ordered: bool = False
    pairs: Pairs = ()

    @classmethod
    def make(cls, parameters: Any, schema: Schema, classes: Classes, *, is_sparse: bool) -> Recipe:
        """Return the recipe for a table that is a sparse matrix or not."""
        drops = get_engine(parameters.engine_name).DROPS_ZEROS
        return cls(parameters, schema, classes, drops and is_sparse)

    def having_seen(self, matrix: Any, codes: NDArray[Any], weight: NDArray[Any] | None) -> Recipe:
        """Return the recipe that knows the typical values of training rows."""
        encoder = see_rows(self.schema.encoder, matrix, codes, weight)
        return self.with_encoder(encoder)

    def having_observed(self, parts: Sequence[Observed]) -> Recipe:
        """Return the recipe that knows what parts of the rows hold, numbered by target."""
        encoder = self.schema.encoder.having_seen(*parts)
        if self.classes.swapped and encoder.marginals is not None:
            encoder = replace(encoder, marginals=encoder.marginals.in_other_order())
        return self.with_encoder(encoder)

    def with_encoder(self, encoder: TableEncoder) -> Recipe:
        """Return the recipe with another encoder of the same columns."""
        return replace(self, schema=replace(self.schema, encoder=encoder))

    @property
    def engine(self) -> Engine:
        """The engine that trains."""
        return get_engine(self.parameters.engine_name)

    def layout(self, encoded: Any) -> Any:  # numbers of a table
        """Return numbers as the engine takes them."""
        matrix = as_layout(self.engine, encoded, zero_is_missing=self.zero_is_missing)
        return with_pairs(matrix, self.pairs)

    def loss(self, labels: LabelCodes, weight: NDArray[Any] | None) -> BinaryLoss | MulticlassLoss:
        """Return the loss for rows with these labels."""
        return make_loss(self.parameters, labels, weight)

    def task(self, loss: BinaryLoss | MulticlassLoss | MulticlassBrierLoss) -> Task:
        """Return what is trained, watched and decided."""
        given = self.parameters.eval_metric
        names = (given,) if isinstance(given, str) else given
        kind: Any = MulticlassTask if loss.n_outputs > 1 else BinaryTask
        task: Task = kind(loss, names, self.parameters.threshold, self.parameters.confidence)
        return task

    def tree_params(
        self, loss: BinaryLoss | MulticlassLoss, rows: int, seed: int, threads: int
    ) -> dict[str, Any]:
        """Return the engine's parameters for training on so many rows."""
        return self.engine.tree_params(self.parameters, rows, self._pace(loss), seed, threads)

    def _pace(self, loss: BinaryLoss | MulticlassLoss | None) -> Pace:
        return Pace(1.0 if loss is None else loss.steepness, self.classes.size)

    def most_rounds(self) -> int:
        """Return the rounds to train at most."""
        return most_rounds(self.parameters.n_estimators, self.classes.size)

    def bins(
        self,
        data: EngineTable,
        loss: BinaryLoss | MulticlassLoss | None,
        seed: int,
        threads: int,
        rows: int | None = None,
    ) -> Bins:
        """Return the bins of ``data``, for training on so many rows (None: those of ``data``).

        Without a loss, the boosters made of them need parameters of their own.
        """
        n_rows = data.y.size if rows is None else rows
        engine, given = self.engine, self.parameters.engine_params
        pace = self._pace(loss)
        params = engine.tree_params(self.parameters, n_rows, pace, seed, threads)
        check_interactions(given, data.matrix.shape[1])
        names = pair_names(self.schema.engine_names(), self.pairs)
        encoder = self.schema.encoder
        nominal = [] if self.ordered else encoder.categorical
        categorical = {i: encoder.columns[i].name for i in nominal}
        check_monotone(engine, given, names, categorical, data.matrix)
        if self.classes.size > 2:
            params["num_class"] = self.classes.size
            if n_rows <= SMALL_TABLE and engine.size_is_open(self.parameters):
                params |= where_open(self.parameters, engine.MANY_CLASSES, n_rows, pace)
        kind = engine.StreamedBins if isinstance(data.matrix, StreamedMatrix) else engine.Bins
        bins: Bins = kind(
            data.matrix,
            data.y,
            data.weight,
            categorical=nominal,
            feature_names=names,
            params=params,
        )
        return bins

    def member_specs(self, loss: BinaryLoss | MulticlassLoss, rows: int) -> Sequence[MemberSpec]:
        """Return the members to average: several on small tables of two classes."""
        engine = self.engine
        if rows > SMALL_TABLE or self.classes.size > 2 or not engine.size_is_open(self.parameters):
            return ONE_MEMBER
        return [
            MemberSpec(name, where_open(self.parameters, member, rows, self._pace(loss)))
            for name, member in engine.SMALL_MEMBERS.items()
        ]

    def members_for(
        self, loss: BinaryLoss | MulticlassLoss, rows: int, settings: Settings
    ) -> Sequence[MemberSpec]:
        """Return the members for a part of the rows, with the parameters for so many."""
        whole = self.tree_params(loss, rows, settings.seed, settings.threads)
        specs = self.member_specs(loss, rows)
        return [MemberSpec(spec.name, {**whole, **spec.params}) for spec in specs]

    def model(self, trained: Trained, task: Task, seed: int, validation: str) -> BoosterModel:
        """Return the model of what was trained, calibrated and with a decision rule."""
        engine = self.engine
        gains = engine.feature_gains(trained.booster)
        gains = gains_of_columns(gains, self.schema.n_features, self.pairs)
        calibrator, held_out = None, None
        proba = trained.proba
        if trained.y is None or proba is None:
            rule = task.undecided()
        else:
            y, weight = trained.y, trained.weight
            calibrator = fit_calibrator(self.parameters.calibration, y, proba, weight)
            if calibrator is not None:
                proba = calibrator(proba)
            rule = task.decide(y, proba, weight, seed)
            held_out = HeldOutScores.of(y, proba, weight)
        history, rounds, blend = _history(trained, task)
        model = BoosterModel(
            schema=self.schema,
            classes=self.classes,
            link=task.link,
            calibrator=calibrator,
            rule=make_rule(rule, self.classes),
            importances=gains / gains.sum() if gains.sum() > 0 else gains,
            validation=validation,
            score=_best_score(trained, task, seed),
            engine=self.parameters.engine_name,
            booster=trained.booster,
            n_rounds=trained.members[0].boosted.rounds,
            rounds=rounds,
            history=history,
            blend=blend,
            zero_is_missing=self.zero_is_missing,
            pairs=self.pairs,
            held_out=held_out,
        )
        if trained.groups is None or trained.y is None or proba is None:
            return model
        rows = HeldOut(trained.y, trained.weight)
        return judged_by_groups(model, task, rows, proba, trained.groups, seed=seed)


def _history(
    trained: Trained, task: Task
) -> tuple[dict[str, dict[str, list[float]]], dict[str, int], dict[str, float]]:
    """Return the histories, the rounds kept and the shares, each by member."""
    names = [metric.name for metric in task.metrics]
    history, rounds, blend = {}, {}, {}
    for i, part in enumerate(trained.members):
        name = "valid" if i == 0 else f"valid, {part.spec.name}"
        past = part.boosted.history
        if watched := {metric: past[metric] for metric in names if metric in past}:
            history[name] = watched
            rounds[name] = part.boosted.rounds
        if len(trained.members) > 1:
            blend[part.spec.name] = part.share
    return history, rounds, blend


def judged_by_groups(
    model: BoosterModel,
    task: Task,
    held_out: HeldOut,
    proba: FloatArray,
    groups: IntArray,
    *,
    seed: int,
) -> BoosterModel:
    """Return the model with the score of decisions that other groups chose, and their effects.

    ``proba`` and ``groups`` are those of the held-out rows.
    """
    y, weight = held_out.y, held_out.weight
    apart, served = None, task.judged_apart(y, weight, rule=False)
    if served:
        objective = make_objective(served, model.classes.size).of_rows(None, groups)
        apart = objective.score_apart(y, proba, weight, seed)
    decided = model.classes.targets(model.rule.decide(model.classes.columns(proba)))
    kept = model.held_out and model.held_out.in_groups(y, proba, decided, groups)
    return replace(model, score=model.score if apart is None else apart, held_out=kept)


def _best_score(trained: Trained, task: Task, seed: int) -> float:
    """Return the first metric on the held-out rows, of the rounds kept.

    Over thresholds it is the best one, but of later blocks what rules chosen on earlier ones give.
    """
    if trained.y is None or trained.raw is None:
        return float("nan")
    name = task.metrics[0].name
    test = trained.backtest
    if test is not None and test.steps:
        served = task.judged_apart(trained.y, trained.weight, rule=False)
        if not served:
            later, raw = test.pooled(trained.as_of)
            return task.evaluate(trained.y[later], raw, test.weight[later])[name]
        probabilities = [task.link.probability(raw) for raw in trained.as_of]
        objective = make_objective(served, max(2, task.loss.n_outputs))
        return test.score(objective, trained.y, probabilities, seed)
    if len(trained.members) > 1 or trained.folds is not None:
        return task.evaluate(trained.y, trained.raw, trained.weight)[name]
    boosted = trained.members[0].boosted
    return boosted.history[name][boosted.rounds - 1]
