"""What trains a classifier on one bag after the other."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from sklearn.base import clone
from sklearn.utils.validation import has_fit_parameter

from gbimb.estimators._bag_checks import is_own
from gbimb.estimators._bag_training import begin_bag, keep_bag, probability_of_rows, seed_of
from gbimb.estimators._engine_params import engine_sentences
from gbimb.exceptions import InvalidParameterError, InvalidTypeError
from gbimb.tables.encoder import learn_columns, take
from gbimb.training.bags import places
from gbimb.training.checkpoint import open_checkpoint
from gbimb.training.cross_fit import train
from gbimb.training.rows import Fold, Table
from gbimb.training.seed import LARGEST_SEED
from gbimb.training.stages import Settings, most_rounds

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gbimb.array_types import FloatArray, IntArray
    from gbimb.estimators._base import BaseImbalancedClassifier
    from gbimb.tables.labels import LabelCodes
    from gbimb.tables.parquet.stream import StreamedFrame
    from gbimb.training.bags import Bag, Population
    from gbimb.training.checkpoint import Checkpoint

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
    """

    in_bag: bool

    def fit(self, bag: Bag, population: Population, threads: int) -> Any:  # noqa: ANN401
        """Return a fitted classifier."""

    def probability(self, classifier: Any, rows: IntArray) -> FloatArray:  # noqa: ANN401
        """Return probabilities of training rows, shape (m, K)."""


class SharedBinsTrainer:
    """One of gbimb's estimators: the table is binned once for all bags."""

    in_bag = False

    def __init__(
        self,
        prototype: BaseImbalancedClassifier,
        data: Table,
        labels: LabelCodes,
        *,
        seed: int,
        threads: int,
        rows: IntArray | None,
        checkpoint: Checkpoint | None = None,
    ) -> None:
        self._prototype = prototype
        self._checkpoint = checkpoint
        self._data = data
        self._labels = labels
        self._rows = rows
        self._seed = seed
        of_bins: Any = copy(prototype)
        if getattr(of_bins, "min_child_samples", 0) is None:
            of_bins.min_child_samples = 1  # small bags have small leaves
        with engine_sentences(prototype):
            self._bins = of_bins._make_bins(data, seed, threads)  # noqa: SLF001  same package

    def fit(self, bag: Bag, population: Population, threads: int) -> BaseImbalancedClassifier:
        """Return a classifier stopped early on the bag's held-out rows."""
        rows = places(bag.train, self._rows)
        weight = None if self._data.weight is None else self._data.weight[rows]
        labels = self._labels.take(rows)
        fitted, task = begin_bag(self._prototype, bag, population, labels, weight)
        seed = seed_of(bag, self._seed)
        held_out = places(bag.held_out, self._rows) if bag.held_out.size else None
        settings = Settings(
            most_rounds(fitted.n_estimators, fitted.classes_.size),
            fitted.early_stopping_rounds,
            threads,
            seed,
            fitted.verbose,
            correct=False,
            unit=None if self._checkpoint is None else self._checkpoint.unit(f"bag-{bag.index}"),
        )
        with engine_sentences(fitted):
            trained = train(
                engine=fitted._engine,  # noqa: SLF001
                bins=self._bins,
                task=task,
                data=self._data,
                folds=[Fold(rows, held_out, bag.weight)],
                settings=settings,
                engine_params=fitted._tree_params(seed, threads, bag.train.size),  # noqa: SLF001
            )
        keep_bag(fitted, trained, task, seed)
        return fitted

    def probability(self, classifier: BaseImbalancedClassifier, rows: IntArray) -> FloatArray:
        """Return probabilities of training rows, shape (m, K)."""
        return probability_of_rows(classifier, self._data.matrix, places(rows, self._rows))


class PlainTrainer:
    """Any scikit-learn classifier with ``predict_proba``."""

    in_bag = True

    def __init__(
        self,
        prototype: Any,  # noqa: ANN401  any classifier
        table: Any,  # noqa: ANN401
        y: NDArray[Any],
        weight: NDArray[Any] | None,
        *,
        seed: int,
        rows: IntArray | None,
    ) -> None:
        if not hasattr(prototype, "predict_proba"):
            msg = f"estimator must have predict_proba, got {prototype!r}, which has none."
            raise InvalidTypeError(msg)
        if weight is not None and not has_fit_parameter(prototype, "sample_weight"):
            msg = (
                f"sample_weight was given, but {type(prototype).__name__}.fit takes none. "
                "Leave it out or use another estimator."
            )
            raise InvalidTypeError(msg)
        self._prototype = prototype
        self._table = table
        self._y = y
        self._weight = weight
        self._seed = seed
        self._rows = rows

    def fit(self, bag: Bag, population: Population, threads: int) -> Any:  # noqa: ANN401
        """Return the classifier fitted on the rows of the bag."""
        del population, threads
        rows = places(bag.train, self._rows)
        fitted = clone(self._prototype)
        seeds = np.random.default_rng([self._seed, bag.index])
        names = [n for n in sorted(fitted.get_params()) if n.split("__")[-1] == "random_state"]
        fitted.set_params(**{name: int(seeds.integers(LARGEST_SEED)) for name in names})
        options = {} if self._weight is None else {"sample_weight": self._weight[rows]}
        fitted.fit(take(self._table, rows), self._y[rows], **options)
        return fitted

    def probability(self, classifier: Any, rows: IntArray) -> FloatArray:  # noqa: ANN401
        """Return probabilities of training rows, shape (m, K)."""
        table = take(self._table, places(rows, self._rows))
        return np.asarray(classifier.predict_proba(table), dtype=np.float64)


def make_trainer(
    bagging: Any,  # noqa: ANN401  the bagging
    prototype: Any,  # noqa: ANN401  any classifier
    table: Any,  # noqa: ANN401
    labels: LabelCodes,
    weight: NDArray[Any] | None,
    *,
    rows: IntArray | None,
    threads: int,
) -> BagTrainer:
    """Return what trains copies of ``prototype`` on bags of the table.

    ``rows`` are those of a source that are needed; None is all.
    """
    if rows is not None:
        _check_memory(table, rows.size)
        table, labels = table[rows], labels.take(rows)
        weight = None if weight is None else weight[rows]
    seed = bagging._seed  # noqa: SLF001  same package
    if not is_own(prototype):
        if bagging.checkpoint_path is not None:
            msg = (
                "checkpoint_path needs one of gbimb's estimators in the bags, got "
                f"{prototype!r:.60}, which could only be pickled. Leave it out."
            )
            raise InvalidParameterError(msg)
        y = labels.classes[labels.codes]
        loaded = table if rows is None else table.load()
        return PlainTrainer(prototype, loaded, y, weight, seed=seed, rows=rows)
    encoder, encoded = learn_columns(table, labels.codes, weight)
    prototype.adopt(bagging, encoder)
    if rows is not None:
        encoded = encoded.load()
    matrix = prototype._matrix(encoded, reset=True)  # noqa: SLF001
    data = Table(matrix, labels.targets, weight)
    return SharedBinsTrainer(
        prototype,
        data,
        labels,
        seed=seed,
        threads=threads,
        rows=rows,
        checkpoint=open_checkpoint(bagging, matrix, data.y, weight, rows),
    )


def _check_memory(frame: StreamedFrame, n_rows: int) -> None:
    """Refuse bags that would take more memory than their source allows."""
    n_columns = len(frame.columns)
    frame.source.budget.check(
        n_rows * (9 * n_columns + BYTES_PER_ROW) + FIXED_BYTES,
        f"Bags that hold {n_rows:,} different rows of {n_columns} features",
        "Allow more, or lower n_estimators or the rows that sampling_strategy draws.",
    )
