"""How a classifier is trained on a bag."""

from __future__ import annotations

from copy import copy
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from sklearn.base import clone
from sklearn.utils.validation import has_fit_parameter

from gbimb.estimators._bags import places
from gbimb.estimators._engine_params import engine_sentences
from gbimb.estimators._loss import make_loss
from gbimb.estimators._rows import Fold, Table
from gbimb.estimators._seed import LARGEST_SEED
from gbimb.estimators._stages import Settings
from gbimb.estimators._table import take
from gbimb.estimators._training import train
from gbimb.exceptions import InvalidParameterError, InvalidTypeError
from gbimb.losses import MulticlassLoss

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gbimb._typing import FloatArray, IntArray
    from gbimb.estimators._bags import Bag, Population
    from gbimb.estimators._base import BaseImbalancedClassifier
    from gbimb.estimators._checkpoint import Checkpoint
    from gbimb.estimators._labels import LabelCodes
    from gbimb.estimators._tasks import Task
    from gbimb.estimators._training import Trained
    from gbimb.losses import BinaryLoss

ROWS_AT_ONCE = 50_000


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


def certainty_limit(proba: FloatArray, n_rows: int) -> float:
    """Return how near to 0 and 1 a classifier's probabilities may come.

    Trees, forests and neighbours give 0 and 1, which no bag can know: half a row of the bag, or
    half the smallest that is not 0 where the classifier tells such rows apart.

    Parameters
    ----------
    proba : float64 array of shape (m, K)
        Of rows out of the bag.
    n_rows : int
        Rows in the bag.
    """
    smallest = np.min(proba, where=proba > 0, initial=1.0)
    return min(0.5 / n_rows, 0.5 * float(smallest))


def keep_from_certainty(proba: FloatArray, limit: float) -> FloatArray:
    """Return probabilities >= ``limit`` with sum 1, shape (m, K)."""
    bounded = np.maximum(proba, limit)
    bounded /= bounded.sum(axis=1, keepdims=True)
    return bounded


def link_after_drawing(
    loss: BinaryLoss | MulticlassLoss, factor: FloatArray
) -> BinaryLoss | MulticlassLoss:
    """Return the loss whose link takes a shift of the classes out again.

    To draw a class ``factor`` times as often is, in expectation, to weigh it so.

    Parameters
    ----------
    loss : a loss
        That of the trees on the drawn rows.
    factor : float64 array of shape (2,) or (K,)
        Share in the drawn rows over share in the data; of two classes the positive one last.

    Raises
    ------
    InvalidParameterError
        If the loss has no weight for the classes.
    """
    name = "class_weight" if isinstance(loss, MulticlassLoss) else "scale_pos_weight"
    if name not in {field.name for field in fields(loss)}:  # type: ignore[arg-type]
        msg = f"A loss to be trained on bags must have the field {name}, got {loss!r}."
        raise InvalidParameterError(msg)
    weight: Any
    if isinstance(loss, MulticlassLoss):
        weight = tuple((loss.class_constants * factor).tolist())
    else:
        weight = getattr(loss, name) * float(factor[1] / factor[0])
    return replace(loss, **{name: weight})  # type: ignore[type-var]


def seed_of(bag: Bag, seed: int) -> int:
    """Return the seed of a bag from that of all."""
    return (seed + bag.index) % LARGEST_SEED


def begin_bag(
    prototype: BaseImbalancedClassifier,
    bag: Bag,
    population: Population,
    labels: LabelCodes,
    weight: NDArray[Any] | None,
) -> tuple[BaseImbalancedClassifier, Task]:
    """Return an estimator to be trained on a bag, and its task.

    ``labels`` and ``weight`` are those of the rows that train it.
    """
    fitted = copy(prototype)  # with what it adopted
    fitted.loss_ = make_loss(fitted, labels, weight)
    task = fitted._make_task()  # noqa: SLF001  same package
    factor = population.share(bag.train) / population.data_share
    if fitted._positive_is_first():  # noqa: SLF001
        factor = factor[::-1]
    task.link = link_after_drawing(fitted.loss_, factor)
    return fitted, task


def keep_bag(fitted: BaseImbalancedClassifier, trained: Trained, task: Task, seed: int) -> None:
    """Set the fitted attributes of an estimator that was trained on a bag."""
    fitted.loss_ = task.link
    fitted.validation_ = "rows out of the bag"
    fitted._keep(trained, task, seed)  # noqa: SLF001


def probability_of_rows(
    classifier: BaseImbalancedClassifier,
    matrix: Any,  # noqa: ANN401  an ndarray or a CSR matrix
    rows: IntArray,
) -> FloatArray:
    """Return probabilities of some rows of a matrix, shape (m, K)."""
    parts = [rows[i : i + ROWS_AT_ONCE] for i in range(0, rows.size, ROWS_AT_ONCE)]
    return np.concatenate(
        [classifier._probability_of(matrix[part]) for part in parts]  # noqa: SLF001
    )


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
        with engine_sentences(prototype):
            self._bins = prototype._make_bins(data, seed, threads)  # noqa: SLF001  same package

    def fit(self, bag: Bag, population: Population, threads: int) -> BaseImbalancedClassifier:
        """Return a classifier stopped early on the bag's held-out rows."""
        rows = places(bag.train, self._rows)
        weight = None if self._data.weight is None else self._data.weight[rows]
        labels = self._labels.take(rows)
        fitted, task = begin_bag(self._prototype, bag, population, labels, weight)
        seed = seed_of(bag, self._seed)
        held_out = places(bag.held_out, self._rows) if bag.held_out.size else None
        settings = Settings(
            fitted.n_estimators,
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
