"""What trains a classifier on one bag after the other."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from sklearn.base import clone

from gbimb.engines.parameters import engine_errors
from gbimb.exceptions import InvalidTypeError
from gbimb.tables.read import take
from gbimb.training.bagging.one_bag import bag_model, begin_bag, probability_of_rows, seed_of
from gbimb.training.bagging.population import places
from gbimb.training.cross_fit import train
from gbimb.training.rows import EngineTable, Fold
from gbimb.training.search.foreign import require_weights, seeded
from gbimb.training.stages import Settings

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gbimb.array_types import FloatArray, IntArray
    from gbimb.model.model import BoosterModel
    from gbimb.tables.labels import LabelCodes
    from gbimb.tables.parquet.stream import StreamedFrame
    from gbimb.tables.schema import Schema
    from gbimb.training.bagging.population import Bag, Population
    from gbimb.training.checkpoint import Checkpoint
    from gbimb.training.recipe import Recipe

# For the estimate of what bags of a source take beside their values.
BYTES_PER_ROW = 100
FIXED_BYTES = 300_000_000


class BagTrainer(Protocol):
    """Trains a classifier on a bag, and predicts.

    Its table may lack rows that are in no bag.

    Attributes
    ----------
    in_bag : bool
        Whether the probabilities are those in the bag rather than in the data.
    schema : Schema
        Of the rows that it trains on.
    """

    in_bag: bool
    schema: Schema

    def fit(self, bag: Bag, population: Population, threads: int, rounds: int | None = None) -> Any:
        """Return a fitted classifier; of one that is trained again the rounds are known."""

    def probability(self, classifier: Any, rows: IntArray) -> FloatArray:
        """Return probabilities of training rows, shape (m, K)."""


class SharedBinsTrainer:
    """One of gbimb's estimators: the table is binned once for all bags."""

    in_bag = False

    def __init__(
        self,
        recipe: Recipe,
        data: EngineTable,
        labels: LabelCodes,
        *,
        seed: int,
        threads: int,
        rows: IntArray | None,
        rows_in_bag: int,
        checkpoint: Checkpoint | None = None,
    ) -> None:
        self._recipe = recipe
        self.schema = recipe.schema
        self._checkpoint = checkpoint
        self._data = data
        self._labels = labels
        self._rows = rows
        self._seed = seed
        of_bins: Any = clone(recipe.parameters)
        if getattr(of_bins, "min_child_samples", 0) is None:
            # As in the bags, whose leaves are smaller than those of the table.
            of_bins.min_child_samples = max(1, min(20, rows_in_bag // 50))
        with engine_errors(recipe.engine, recipe.parameters.engine_params):
            self._bins = replace(recipe, parameters=of_bins).bins(data, None, seed, threads)

    def fit(
        self, bag: Bag, population: Population, threads: int, rounds: int | None = None
    ) -> BoosterModel:
        """Return a model stopped early on the bag's held-out rows, or of so many rounds."""
        rows = places(bag.train, self._rows)
        weight = None if self._data.weight is None else self._data.weight[rows]
        recipe, parameters = self._recipe, self._recipe.parameters
        task = begin_bag(recipe, bag, population, self._labels.take(rows), weight)
        seed = seed_of(bag, self._seed)
        held_out = places(bag.held_out, self._rows) if bag.held_out.size else None
        own = self._checkpoint
        name = f"bag-{bag.index}" if rounds is None else f"bag-{bag.index}-newest"
        settings = Settings(
            rounds or recipe.most_rounds(),
            parameters.early_stopping_rounds,
            threads,
            seed,
            parameters.verbose,
            correct=False,
            checkpoint=None if own is None else own.file(name),
            rounds_known=rounds is not None,
        )
        with engine_errors(recipe.engine, parameters.engine_params):
            trained = train(
                engine=recipe.engine,
                bins=self._bins,
                task=task,
                data=self._data,
                folds=[Fold(rows, held_out, bag.weight)],
                settings=settings,
                engine_params=recipe.tree_params(task.loss, bag.train.size, seed, threads),
            )
        return bag_model(recipe, trained, task, seed)

    def probability(self, member: BoosterModel, rows: IntArray) -> FloatArray:
        """Return probabilities of training rows, shape (m, K)."""
        return probability_of_rows(member, self._data.matrix, places(rows, self._rows))


class PlainTrainer:
    """Any scikit-learn classifier with ``predict_proba``."""

    in_bag = True

    def __init__(
        self,
        prototype: Any,  # any classifier
        schema: Schema,
        table: Any,
        y: NDArray[Any],
        weight: NDArray[Any] | None,
        *,
        seed: int,
        rows: IntArray | None,
    ) -> None:
        if not hasattr(prototype, "predict_proba"):
            msg = f"estimator must have predict_proba, got {prototype!r}, which has none."
            raise InvalidTypeError(msg)
        if weight is not None:
            require_weights(prototype, "Leave it out or use another estimator.")
        self.schema = schema
        self._prototype = prototype
        self._table = table
        self._y = y
        self._weight = weight
        self._seed = seed
        self._rows = rows

    def fit(self, bag: Bag, population: Population, threads: int, rounds: int | None = None) -> Any:
        """Return the classifier fitted on the rows of the bag."""
        del population, threads, rounds
        rows = places(bag.train, self._rows)
        fitted = seeded(clone(self._prototype), self._seed, bag.index, every=True)
        options = {} if self._weight is None else {"sample_weight": self._weight[rows]}
        fitted.fit(take(self._table, rows), self._y[rows], **options)
        return fitted

    def probability(self, classifier: Any, rows: IntArray) -> FloatArray:
        """Return probabilities of training rows, shape (m, K)."""
        table = take(self._table, places(rows, self._rows))
        return np.asarray(classifier.predict_proba(table), dtype=np.float64)


def gather_rows(
    table: Any,
    labels: LabelCodes,
    weight: NDArray[Any] | None,
    rows: IntArray | None,
) -> tuple[Any, LabelCodes, NDArray[Any] | None]:
    """Return the rows of a source that are needed (None: all), with their labels and weights."""
    if rows is None:
        return table, labels, weight
    _check_memory(table, rows.size)
    return table[rows], labels.take(rows), None if weight is None else weight[rows]


def _check_memory(frame: StreamedFrame, n_rows: int) -> None:
    """Refuse bags that would take more memory than their source allows."""
    n_columns = len(frame.columns)
    frame.source.budget.check(
        n_rows * (9 * n_columns + BYTES_PER_ROW) + FIXED_BYTES,
        f"Bags that hold {n_rows:,} different rows of {n_columns} features",
        "Allow more, or lower n_estimators or the rows that sampling_strategy draws.",
    )
