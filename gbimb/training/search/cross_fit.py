"""Train one candidate on every fold, and score the rows that each fold holds out."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy import sparse

from gbimb.decisions.calibration import Calibrator
from gbimb.engines.parameters import engine_errors
from gbimb.model.model import ForeignMember
from gbimb.model.pairs import strongest_pairs
from gbimb.tables.read import take
from gbimb.training.backtest import Backtest
from gbimb.training.bagging.one_bag import certainty_limit, link_after_drawing
from gbimb.training.checkpoint import digest
from gbimb.training.cross_fit import train
from gbimb.training.held_out.plan import make_plan
from gbimb.training.in_time import train_in_time
from gbimb.training.recipe import Recipe
from gbimb.training.rows import EngineTable, Fold, mean_by_place
from gbimb.training.search.candidate import CrossFitted, JudgedRows
from gbimb.training.search.foreign import cross_fit_foreign
from gbimb.training.search.forest import ForestRows, grow
from gbimb.training.search.later import best_window, calibrate_steps, drawn, one_member
from gbimb.training.seed import LARGEST_SEED
from gbimb.training.stages import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from gbimb.array_types import BoolArray, FloatArray, IntArray
    from gbimb.decisions.rules import RowCosts
    from gbimb.model.pairs import Pairs
    from gbimb.tables.dependence import Dependence
    from gbimb.tables.labels import LabelCodes
    from gbimb.tables.schema import Schema
    from gbimb.training.boosting import Stop
    from gbimb.training.checkpoint import Checkpoint, CheckpointFile
    from gbimb.training.held_out.folds import Splits
    from gbimb.training.held_out.plan import ValidationPlan
    from gbimb.training.held_out.time_plan import Window
    from gbimb.training.search.candidate import Candidate
    from gbimb.training.search.forest import Forest, GrownForest
    from gbimb.training.search.later import Fitted
    from gbimb.training.tasks import Task
    from gbimb.training.trained import Trained

FEWEST_DRAWN: Final = 50
"""Rows of a class that are drawn, on average: where the rarest has three, none might be."""

SMALLEST: Final = 1e-15
EVENLY_DRAWN: Final = 0.99
"""Shares of the classes in a part that differ by less are a matter of rounding."""


@dataclass(eq=False)
class CrossFitter:
    """Trains candidates on the folds of one table, encoded once and binned once an engine.

    Attributes
    ----------
    make : mapping of engine to class
        The boosting estimator of each engine, whose parameters describe a candidate.
    splits : Splits
        Of all candidates; empty if there are too few rows to hold any out.
    held_out : intp array of shape (m,)
        Rows that are held out from a booster, rising.
    judged : JudgedRows
        Their labels.
    groups : int array of shape (n,) or None
        Equal for copied rows, which are held out together.
    dependence : Dependence or None
        Groups or times of the rows.
    stands_for : float64 array of shape (K,) or None
        Of a part with more of the rare classes than their share: how many rows of all each row
        of a class stands for, less a common factor. It counts where held-out rows are judged.
    costs : RowCosts or None
        What each row costs, if that is known.
    foreign : mapping of name to classifier
        Those of other packages.
    table : data frame, array or CSR matrix of shape (n, n_features), or None
        What they are trained on.
    """

    make: Mapping[str, Any]
    schema: Schema
    encoded: Any
    labels: LabelCodes
    weight: NDArray[Any] | None
    plan: ValidationPlan
    seed: int
    threads: int
    checkpoint: Checkpoint | None = None
    groups: IntArray | None = None
    dependence: Dependence | None = None
    stands_for: FloatArray | None = None
    costs: RowCosts | None = None
    foreign: Mapping[str, Any] = field(default_factory=dict)
    table: Any = None
    _bins: dict[tuple[str, bool, Pairs], tuple[Any, EngineTable]] = field(default_factory=dict)
    _rows: ForestRows | None = None
    _gains: FloatArray | None = None

    def __post_init__(self) -> None:
        self.splits = self.plan.splits
        parts = [test for _, test in self.splits]
        self.held_out: IntArray = np.unique(np.concatenate([np.empty(0, np.intp), *parts]))
        weight = None if self.weight is None else self.weight[self.held_out]
        if self.stands_for is not None:
            natural = self.stands_for[self.labels.codes[self.held_out]]
            weight = natural if weight is None else natural * weight
        y, test = self.labels.targets[self.held_out], None
        if self.plan.windows:
            test = Backtest.of([np.searchsorted(self.held_out, p) for p in parts], y, weight)
            weight = test.weight
        self.judged = JudgedRows(
            self.schema,
            self.labels.classes,
            y,
            weight,
            self.plan.reason,
            self.seed,
            None if self.costs is None else self.costs.part(self.held_out),
            None if self.plan.groups is None else self.plan.groups[self.held_out],
            test,
        )

    def fit(self, candidate: Candidate, index: int, stop: Stop | None = None) -> CrossFitted:
        """Return the candidate, trained on every fold."""
        if candidate.forest is not None:
            return self._fit_forest(candidate, candidate.forest, index, stop)
        if candidate.foreign:
            return self._fit_foreign(candidate, index)
        parameters = candidate.estimator
        recipe = Recipe.make(
            parameters, self.schema, self.labels.classes, is_sparse=sparse.issparse(self.encoded)
        )
        recipe = replace(
            recipe,
            ordered=candidate.ordered,
            pairs=self._strongest_pairs() if candidate.pairs else (),
        )
        with engine_errors(recipe.engine, parameters.engine_params):
            trained, task, rows = self._train(candidate, recipe, index, stop)
        seed = (self.seed + index) % LARGEST_SEED
        model = recipe.model(trained, task, seed, self.plan.reason)
        if self._gains is None:
            self._gains = model.importances
        if trained.proba is None:
            return CrossFitted(candidate, model, np.empty(0))
        proba = self._by_row(rows, trained.proba)
        as_of = (self._by_row(rows, task.link.probability(raw)) for raw in trained.as_of)
        return CrossFitted(candidate, model, proba, tuple(as_of))

    def _train(
        self, candidate: Candidate, recipe: Recipe, index: int, stop: Stop | None
    ) -> tuple[Trained, Task, IntArray]:
        """Return the boosters, their task, and the rows that were held out, fold by fold."""
        bins, data = self._bins_of(recipe)
        seed = (self.seed + index) % LARGEST_SEED
        parameters = candidate.estimator
        options: dict[str, Any] = {
            "engine": recipe.engine,
            "bins": bins,
            "data": data,
            "settings": Settings(
                recipe.most_rounds(),
                parameters.early_stopping_rounds,
                self.threads,
                seed,
                0,
                stop=stop,
                checkpoint=self._file(candidate, seed),
            ),
        }
        if self.plan.windows:
            windows = [self._window(w, candidate, index) for w in self.plan.windows]
            used = np.concatenate([train for train, _ in windows[0].folds])
            task = self._task(recipe, used if candidate.drawn else None)
            members = one_member(recipe, task, windows, seed, self.threads)
            trained, _ = train_in_time(task=task, windows=windows, members=members, **options)
            return trained, task, np.concatenate([test for _, test in windows[0].splits])
        folds = self._folds(candidate, index)
        used_rows = [fold.train for fold in folds if fold.train is not None]
        # Of all folds: of a class with few rows the first may have none.
        task = self._task(recipe, np.concatenate(used_rows) if candidate.drawn else None)
        threads = max(1, self.threads // len(folds))
        params = recipe.tree_params(task.loss, data.y.size, seed, threads)
        trained = train(task=task, folds=folds, engine_params=params, **options)
        held_out = [fold.held_out for fold in folds if isinstance(fold.held_out, np.ndarray)]
        return trained, task, np.concatenate(held_out) if held_out else np.empty(0, np.intp)

    def _window(self, window: Window, candidate: Candidate, index: int) -> Window:
        """Return the window with the rows that the candidate draws."""
        ratio = candidate.drawn
        if ratio is None:
            return window
        rng = np.random.default_rng([self.seed, index, window.rows.size])
        return drawn(window, lambda rows: rows[self._draw(rows, ratio, rng)])

    def _fit_forest(
        self, candidate: Candidate, forest: Forest, index: int, stop: Stop | None
    ) -> CrossFitted:
        if self._rows is None:
            classes = self.labels.classes.size
            self._rows = ForestRows.of(self.encoded, self.labels.targets, self.weight, classes)
        seed = (self.seed + index) % LARGEST_SEED
        file, rows = self._file(candidate, seed), self._rows

        def train_forest(splits: Splits, name: str) -> tuple[GrownForest, FloatArray]:
            grown = grow(
                rows,
                forest,
                splits,
                self.schema.engine_names(),
                seed=seed,
                threads=self.threads,
                stop=stop,
                checkpoint=file.beside(name) if file is not None and name else file,
            )
            return grown, grown.proba

        grown, proba, as_of = self._judged(train_forest)
        calibration, proba, as_of = calibrate_steps(self.judged, proba, as_of)
        model = grown.model(self.schema, self.labels.classes, calibration, self.plan.reason)
        return CrossFitted(candidate, model, proba, as_of)

    def _fit_foreign(self, candidate: Candidate, index: int) -> CrossFitted:
        classes = self.labels.classes
        seed = (self.seed + index) % LARGEST_SEED
        train_on = partial(
            cross_fit_foreign,
            candidate.estimator,
            self.table,
            labels=classes.labels[self.labels.codes],
            classes=classes.labels,
            weight=self.weight,
            seed=seed,
        )
        fitted, columns, as_of = self._judged(lambda splits, _: train_on(splits=splits))
        equal = np.full(classes.size, 1.0 / classes.size)
        member = ForeignMember(fitted, certainty_limit(columns, self.labels.codes.size), equal)
        if not self.splits:
            return CrossFitted(candidate, member, np.empty(0))
        proba, *before = (
            classes.positive_of(member.in_data(each, equal)) for each in (columns, *as_of)
        )
        if classes.size > 2:
            return CrossFitted(candidate, member, proba, tuple(before))
        calibration, proba, as_of = calibrate_steps(self.judged, proba, before)
        assert isinstance(calibration, Calibrator), "of two classes"
        return CrossFitted(candidate, replace(member, calibrator=calibration), proba, as_of)

    def _judged(
        self, train_on: Callable[[Splits, str], tuple[Fitted, FloatArray]]
    ) -> tuple[Fitted, FloatArray, tuple[FloatArray, ...]]:
        """Return what is trained, and probabilities of held-out rows: by row, and at each step."""
        if self.plan.windows:
            return best_window(self.plan.windows, train_on, self.judged, self.held_out)
        fitted, proba = train_on(self.splits, "")
        if not self.splits:
            return fitted, proba, ()
        return fitted, self._by_row(np.concatenate([test for _, test in self.splits]), proba), ()

    def _file(self, candidate: Candidate, seed: int) -> CheckpointFile | None:
        """Return the file of a candidate, named by what it is and the number of rows."""
        if self.checkpoint is None:
            return None
        rows = self.labels.codes.size
        how = candidate.drawn, candidate.bags, candidate.forest, candidate.ordered, candidate.pairs
        what = digest(candidate.estimator, *how, seed, rows)
        return self.checkpoint.file(f"candidate-{what}")

    def part(self, rows: IntArray) -> CrossFitter:
        """Return a fitter for some of the rows, with folds of its own."""
        groups = None if self.groups is None else self.groups[rows]
        dependence = None if self.dependence is None else self.dependence.take(rows)
        weight = None if self.weight is None else self.weight[rows]
        labels = self.labels.take(rows)
        n = labels.classes.size
        each = np.bincount(self.labels.codes, minlength=n) / np.bincount(labels.codes, minlength=n)
        each /= each.max()
        return replace(
            self,
            encoded=self.encoded[rows],
            labels=labels,
            weight=weight,
            plan=make_plan("auto", labels.codes, self.seed, groups, dependence),
            groups=groups,
            dependence=dependence,
            costs=None if self.costs is None else self.costs.part(rows),
            table=None if self.table is None else take(self.table, rows),
            stands_for=each if each.min() < EVENLY_DRAWN else None,
            _bins={},
            _rows=None,
            _gains=None,
        )

    def _strongest_pairs(self) -> Pairs:
        """Return the pairs of the columns that the first booster used most; none before it."""
        if self._gains is None or sparse.issparse(self.encoded):
            return ()
        return strongest_pairs(self._gains, self.schema.encoder.numbers(self.schema.n_features))

    def _bins_of(self, recipe: Recipe) -> tuple[Any, EngineTable]:
        key = recipe.parameters.engine_name, recipe.ordered, recipe.pairs
        if key not in self._bins:
            data = EngineTable(recipe.layout(self.encoded), self.labels.targets, self.weight)
            self._bins[key] = recipe.bins(data, None, self.seed, self.threads), data
        return self._bins[key]

    def _task(self, recipe: Recipe, drawn: IntArray | None) -> Task:
        """Return the task; ``drawn`` are the rows, where not all of them train."""
        labels, weight = self.labels, self.weight
        if drawn is None:
            return recipe.task(recipe.loss(labels, weight))
        labels, weight = labels.take(drawn), None if weight is None else weight[drawn]
        task = recipe.task(recipe.loss(labels, weight))
        n = self.labels.classes.size
        whole = np.bincount(self.labels.codes, self.weight, n)
        factor = np.bincount(labels.codes, weight, n) / whole
        task.link = link_after_drawing(task.loss, recipe.classes.in_other_order(factor))
        return task

    def _folds(self, candidate: Candidate, index: int) -> list[Fold]:
        folds = [] if self.splits else [Fold(None, None)]
        for i, (rows, held_out) in enumerate(self.splits):
            for bag in range(candidate.bags):
                train_rows = rows
                if candidate.drawn is not None:
                    rng = np.random.default_rng([self.seed, index, i, bag])
                    train_rows = rows[self._draw(rows, candidate.drawn, rng)]
                folds.append(Fold(train_rows, held_out))
        return folds

    def _draw(self, rows: IntArray, ratio: float, rng: np.random.Generator) -> BoolArray:
        codes = self.labels.codes[rows]
        counts = np.bincount(codes)
        most = max(ratio * counts[counts > 0].min(), FEWEST_DRAWN)
        drawn: BoolArray = rng.random(rows.size) * counts[codes] < most
        return drawn

    def _by_row(self, rows: IntArray, proba: FloatArray) -> FloatArray:
        return mean_by_place(np.searchsorted(self.held_out, rows), proba)
