"""What a bag is, and how one classifier is trained on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from sklearn.base import clone
from sklearn.utils.validation import has_fit_parameter


from gbimb.estimators._loss import make_loss
from gbimb.estimators._rows import Fold, Table
from gbimb.estimators._table import take
from gbimb.estimators._training import Settings, train
from gbimb.exceptions import InvalidTypeError

if TYPE_CHECKING:
    from gbimb.estimators._base import BaseImbalancedClassifier
    from numpy.typing import NDArray

    from gbimb._typing import FloatArray, IntArray
    from gbimb.estimators._labels import LabelCodes

FOLDS = 5
SMALLEST_CLASS = 10
LARGEST_WATCH = 200_000


@dataclass(frozen=True, eq=False)
class Bag:
    """The rows that train one classifier, and those it is judged on.

    Attributes
    ----------
    index : int
    train : intp array
        Rising; a row may be there more than once.
    held_out : intp array
        Rising. Rows out of the bag, and a fifth of the rows of the rare classes.
    weight : float64 array, the size of ``held_out``
        With these weights the classes have the shares that they have in the data.
    """

    index: int
    train: IntArray
    held_out: IntArray
    weight: FloatArray


@dataclass(frozen=True, eq=False)
class Population:
    """The rows that bags are drawn from.

    Attributes
    ----------
    codes : intp array of shape (n,)
        Class codes 0 to K-1.
    weight : float array of shape (n,)
    fold : int8 array of shape (n,)
        For rows of classes that bags keep whole, the fold in which they are held out; -1 else.
    judged : intp array
        Rising: the rows on which out-of-bag predictions are kept.
    """

    codes: IntArray
    weight: NDArray[Any]
    fold: NDArray[np.int8]
    judged: IntArray

    @classmethod
    def make(cls, codes: IntArray, weight: NDArray[Any], drawn: IntArray, seed: int) -> Population:
        """Deal the rows of classes that are drawn whole to folds; sample the others."""
        rng = np.random.default_rng([seed, codes.size])
        counts = np.bincount(codes)
        fold = np.full(codes.size, -1, np.int8)
        if counts.min() >= SMALLEST_CLASS:
            for k in np.flatnonzero(drawn == counts):
                fold[codes == k] = rng.permutation(np.arange(counts[k]) % FOLDS)
        rest = np.flatnonzero(fold < 0)
        if rest.size > LARGEST_WATCH:
            rest = rng.choice(rest, LARGEST_WATCH, replace=False)
        judged = np.sort(np.concatenate([np.flatnonzero(fold >= 0), rest]))
        return cls(codes, weight, fold, judged)

    def bag(self, index: int, drawn: IntArray) -> Bag:
        """Return the bag of the rows ``drawn``, its fold left out."""
        train = drawn[self.fold[drawn] != index % FOLDS]
        out = np.ones(self.codes.size, dtype=bool)
        out[drawn] = False
        held_out = self.judged[out[self.judged] | (self.fold[self.judged] == index % FOLDS)]
        if np.unique(self.codes[held_out]).size < np.unique(self.codes).size:
            held_out = held_out[:0]
        return Bag(index, train, held_out, self.natural_weight(held_out))

    def share(self, rows: IntArray | slice) -> FloatArray:
        """Return each class's share of the weight of ``rows``."""
        totals = np.bincount(
            self.codes[rows], weights=self.weight[rows], minlength=int(self.codes.max()) + 1
        )
        share: FloatArray = totals / totals.sum()
        return share

    def natural_weight(self, rows: IntArray) -> FloatArray:
        """Return weights of ``rows`` with which the classes have their share in the data."""
        weight = self.weight[rows].astype(np.float64)
        n_classes = int(self.codes.max()) + 1
        have = np.bincount(self.codes[rows], weights=weight, minlength=n_classes)
        want = np.bincount(self.codes, weights=self.weight, minlength=n_classes)
        scale = np.divide(want, have, out=np.zeros(n_classes), where=have > 0)
        scaled: FloatArray = weight * scale[self.codes[rows]]
        return scaled


class BagTrainer(Protocol):
    """Trains a classifier on a bag; predicts the probability of each class in the bag."""

    def fit(self, bag: Bag, threads: int) -> Any:  # noqa: ANN401  a fitted classifier
        """Return a fitted classifier."""

    def probability(self, classifier: Any, rows: IntArray) -> FloatArray:  # noqa: ANN401
        """Return probabilities of training rows, shape (m, K)."""


class SharedBinsTrainer:
    """One of gbimb's estimators: the table is binned once for all bags."""

    def __init__(
        self,
        prototype: BaseImbalancedClassifier,
        data: Table,
        labels: LabelCodes,
        seed: int,
        threads: int,
    ) -> None:
        self._prototype = prototype
        self._data = data
        self._labels = labels
        self._seed = seed
        self._bins = prototype._make_bins(data, seed, threads)  # noqa: SLF001  same package

    def fit(self, bag: Bag, threads: int) -> BaseImbalancedClassifier:
        """Return a classifier stopped early on the bag's held-out rows."""
        fitted: BaseImbalancedClassifier = clone(self._prototype)
        fitted.adopt(self._prototype, self._prototype._encoder)  # noqa: SLF001
        weight = None if self._data.weight is None else self._data.weight[bag.train]
        fitted.loss_ = make_loss(fitted, self._labels.take(bag.train), weight)
        seed = self._seed + bag.index
        task = fitted._make_task()  # noqa: SLF001
        held_out = bag.held_out if bag.held_out.size else None
        settings = Settings(
            fitted.n_estimators,
            fitted.early_stopping_rounds,
            threads,
            seed,
            fitted.verbose,
            correct=False,
        )
        trained = train(
            fitted._engine,  # noqa: SLF001
            self._bins,
            task,
            self._data,
            [Fold(bag.train, held_out, bag.weight)],
            settings,
            fitted._seed_params(seed, threads),  # noqa: SLF001
        )
        fitted.validation_ = "rows out of the bag"
        fitted._keep(trained, task, seed)  # noqa: SLF001
        return fitted

    def probability(self, classifier: BaseImbalancedClassifier, rows: IntArray) -> FloatArray:
        """Return probabilities of training rows, shape (m, K)."""
        return classifier._probability_of(self._data.matrix[rows])  # noqa: SLF001


class PlainTrainer:
    """Any scikit-learn classifier with ``predict_proba``."""

    def __init__(
        self,
        prototype: Any,
        table: Any,
        y: NDArray[Any],
        weight: NDArray[Any] | None,  # noqa: ANN401
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

    def fit(self, bag: Bag, threads: int) -> Any:  # noqa: ANN401  a fitted classifier
        """Return the classifier fitted on the rows of the bag."""
        del threads
        fitted = clone(self._prototype)
        options = {} if self._weight is None else {"sample_weight": self._weight[bag.train]}
        fitted.fit(take(self._table, bag.train), self._y[bag.train], **options)
        return fitted

    def probability(self, classifier: Any, rows: IntArray) -> FloatArray:  # noqa: ANN401
        """Return probabilities of training rows, shape (m, K)."""
        return np.asarray(classifier.predict_proba(take(self._table, rows)), dtype=np.float64)
