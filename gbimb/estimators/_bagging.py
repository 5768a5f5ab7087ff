"""Bags of undersampled rows, their probabilities averaged and made true."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any
from zlib import crc32

import numpy as np
from joblib import Parallel, delayed
from sklearn.utils import get_tags

from gbimb.decisions.prior import correct_prior
from gbimb.decisions.sampling import draw_bags, resolve_sampling_strategy
from gbimb.estimators._averaged_bags import AveragedBags
from gbimb.estimators._bag_checks import check_parameters, is_own, make_prototype, warn_of_bags
from gbimb.estimators._bag_trainers import BagTrainer, make_trainer
from gbimb.estimators._bag_training import certainty_limit, keep_from_certainty
from gbimb.estimators._fitted import all_or_nothing
from gbimb.exceptions import (
    InvalidDataError,
    InvalidParameterError,
)
from gbimb.losses import LogisticLoss, SoftmaxLoss
from gbimb.parallel import resolve_jobs, thread_limit
from gbimb.tables.encoder import read_table, take
from gbimb.tables.labels import LabelCodes, read_labels, read_weight, unpack
from gbimb.tables.parquet.stream import StreamedFrame
from gbimb.training.bags import Bag, OutOfBag, Population
from gbimb.training.copies import find_in_table
from gbimb.training.seed import draw_seed
from gbimb.training.self_paced import SelfPacedDrawing

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from numpy.typing import ArrayLike, NDArray
    from sklearn.utils import Tags

    from gbimb.array_types import FloatArray, IntArray
    from gbimb.training.copies import Copies

# Bags in training hold at most this share of the rows of a large table between them.
LARGEST_SHARE = 0.25
LARGE_TABLE = 100_000


class UnderBaggingClassifier(AveragedBags):
    """Classifiers trained on bags that keep the rare classes and draw from the common ones.

    Each bag holds all rows of the rarest class and as many of the others as ``sampling_strategy``
    says. Where a class is kept whole, a fifth, in turn, of each class of which a bag draws more
    than half is left out to judge the bag. The probabilities of the bags are freed from the shift
    that the drawing brings, averaged, and recalibrated on rows out of the bags; the threshold is
    chosen on those rows, too.

    Parameters
    ----------
    estimator : classifier or None, default=None
        One of gbimb's estimators (None: ``ImbalancedLGBMClassifier()``), for which the table is
        binned once and each bag is stopped early on rows out of it (``cv`` stays at "auto",
        ``random_state`` and ``n_jobs`` are those given here); or any scikit-learn classifier
        with ``predict_proba``.
    n_estimators : int, default=10
        Number of bags.
    sampling_strategy : float, "auto" or dict, default="auto"
        Up to 1, rows of the rarest class for each row of another (imbalanced-learn's meaning);
        above 1, rows of another class for each row of the rarest; "auto" is 1, but at least
        5,000 rows of a class that has them. A dict gives the number of rows of each label.
    replacement : bool, default=False
        Draw rows independently. Otherwise the bags together cover the common classes as evenly
        as can be.
    sampling : {"random", "self_paced"}, default="random"
        "self_paced" draws by how hard rows are for the bags so far (Liu et al. 2020), one bag
        after the other; undoing the shift is then an approximation that the recalibration mends.
    eval_metric : str, default="mcc"
        What the threshold serves and ``oob_score_`` reports.
    threshold : "auto", metric name or float, default="auto"
        As in the boosting estimators.
    calibration : {"platt", "isotonic", "beta"} or None, default="platt"
        How the probabilities are made to fit the rows out of the bags, as in the boosting
        estimators (there it stays "platt").
    warm_start : bool, default=False
        Keep the bags of the last fit and add those that ``n_estimators`` lacks, of the same rows.
        Random bags are then those of one longer fit.
    checkpoint_path : str, path or None, default=None
        A folder in which ``fit`` keeps each bag that is done, and goes on from. Needs one of
        gbimb's estimators in the bags, and a number for ``random_state``.
    random_state : int, RandomState or None, default=None
        Seed of the bags and of all that is in them; the result does not depend on ``n_jobs``.
    n_jobs : int or None, default=None
        Threads; None is all. Bags run side by side.
    verbose : int, default=0
        Passed on to joblib.

    Attributes
    ----------
    classes_, pos_label_, threshold_, class_weights_, n_features_in_, feature_names_in_
        As in the boosting estimators.
    estimators_ : list of fitted classifiers
        gbimb's own give the probabilities in the data, others those in their bag.
    estimators_samples_ : list of intp arrays
        Rows that trained each of them.
    oob_score_ : float
        ``eval_metric`` of the decision on rows out of the bags; NaN where there were none.
    oob_proba_ : float64 array of shape (n, K)
        Probabilities of the training rows from every fifth bag, where it did not train on them:
        the mean over as many bags for rows of all classes. NaN for rows without one. Of larger
        tables 200,000 rows of the common classes are judged.
    feature_importances_ : array of shape (n_features,)
        Mean over the bags, where they have some.

    References
    ----------
    B. C. Wallace, K. Small, C. E. Brodley, T. A. Trikalinos. Class imbalance, redux. 2011.
    doi:10.1109/ICDM.2011.33.
    Z. Liu et al. Self-paced ensemble for highly imbalanced massive data classification. 2020.
    arXiv:1909.03500.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(3000, 4))
    >>> y = X[:, 0] + rng.normal(size=3000) > 2.8
    >>> clf = UnderBaggingClassifier(n_estimators=5, random_state=0).fit(X, y)
    >>> len(clf.estimators_)
    5
    >>> bool(abs(clf.predict_proba(X)[:, 1].mean() / y.mean() - 1) < 0.2)
    True
    """

    def __init__(
        self,
        estimator: Any = None,  # noqa: ANN401  any classifier
        n_estimators: int = 10,
        *,
        sampling_strategy: float | str | dict[Any, int] = "auto",
        replacement: bool = False,
        sampling: str = "random",
        eval_metric: str = "mcc",
        threshold: float | str = "auto",
        calibration: str | None = "platt",
        warm_start: bool = False,
        checkpoint_path: str | os.PathLike[str] | None = None,
        random_state: Any = None,  # noqa: ANN401  int or RandomState
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> None:
        self.estimator = estimator
        self.n_estimators = n_estimators
        self.sampling_strategy = sampling_strategy
        self.replacement = replacement
        self.sampling = sampling
        self.eval_metric = eval_metric
        self.threshold = threshold
        self.calibration = calibration
        self.warm_start = warm_start
        self.checkpoint_path = checkpoint_path
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose

    def fit(
        self,
        X: Any,  # noqa: ANN401  any table
        y: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> UnderBaggingClassifier:
        """Draw the bags and train a classifier on each.

        Parameters
        ----------
        X : array, sparse matrix, data frame of shape (n, n_features) or ParquetSource
            Of a source, the labels and weights are columns of its own, and only rows that are
            in a bag or judged are kept in memory.
        y : array of shape (n,), optional
            Two labels or more, of any kind.
        sample_weight : array of shape (n,), optional
            Weights, >= 0. Rows are drawn without regard to them; they count in the training of
            each bag, the probabilities and the threshold. A whole weight is as many rows; with a
            mean below 1 they are a scale, and are brought to a mean of 1.

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
            done = len(self.estimators_) if self.warm_start and hasattr(self, "estimators_") else 0
            prototype = make_prototype(self.estimator)
            if done and is_own(prototype) != is_own(self.estimators_[0]):
                msg = (
                    "warm_start adds bags to such with gbimb's own estimators, or to such with "
                    f"others, got {type(prototype).__name__} after "
                    f"{type(self.estimators_[0]).__name__}. Fit them with warm_start=False."
                )
                raise InvalidParameterError(msg)
            table: Any = read_table(self, X, reset=done == 0)
            y, sample_weight = unpack(X, y, sample_weight)
            pos_label = getattr(prototype, "pos_label", None)
            labels = read_labels(y, table, pos_label)
            weight = read_weight(sample_weight, labels.codes.size)
            n_rows = labels.codes.size
            kept = np.arange(n_rows)
            if weight is not None and not weight.all():
                kept = np.flatnonzero(weight)
                table, weight = take(table, kept), weight[kept]
                labels = labels.with_weight(kept, pos_label)
            labels.require_all_classes()
            if done == 0:
                self._start(labels)
            else:
                self._go_on()
            self._make_task()  # refuses what cannot be before bags are trained
            threads = resolve_jobs(self.n_jobs)
            with thread_limit(threads):
                copies = find_in_table(table, labels.codes)
                sizes = self._populate(labels, weight, done, copies)
                rows = self._rows_needed(sizes) if isinstance(table, StreamedFrame) else None
                trainer = make_trainer(
                    self, prototype, table, labels, weight, rows=rows, threads=threads
                )
                self.__dict__.pop("_prototype", None)  # of a fit with another estimator
                if is_own(prototype):
                    self._prototype = prototype
                drawn = self._fit_bags(trainer, sizes, done, threads)
            self.estimators_samples_ += [kept[rows] for rows in drawn]
            self._decide(kept, n_rows)
            warn_of_bags(self, np.bincount(labels.codes), sizes)
        return self

    def __sklearn_tags__(self) -> Tags:
        """Say what the estimator in the bags accepts."""
        tags = super().__sklearn_tags__()
        if hasattr(self.estimator, "__sklearn_tags__"):
            accepted = get_tags(self.estimator).input_tags
            tags.input_tags.allow_nan = accepted.allow_nan
            tags.input_tags.sparse = accepted.sparse
        return tags

    def _check_parameters(self) -> None:
        check_parameters(self)

    def _start(self, labels: LabelCodes) -> None:
        self.classes_, self.pos_label_ = labels.classes, labels.positive
        self._seed = draw_seed(self.random_state)
        many = labels.classes.size > 2
        self.loss_ = SoftmaxLoss(labels.classes.size) if many else LogisticLoss()
        self.estimators_: list[Any] = []
        self.estimators_samples_: list[IntArray] = []
        self._shares: list[FloatArray] = []
        self._limits: list[float] = []
        self._digest = 0  # of the rows that bags were drawn from
        self._oob: OutOfBag | None = None

    def _go_on(self) -> None:
        """Copy what further bags are added to, so that a fit that fails leaves it as it was."""
        self._oob = deepcopy(self._oob)
        for name in ("estimators_", "estimators_samples_", "_shares", "_limits"):
            setattr(self, name, [*getattr(self, name)])

    def _populate(
        self, labels: LabelCodes, weight: NDArray[Any] | None, done: int, copies: Copies | None
    ) -> IntArray:
        """Set the rows that bags are drawn from; return how many of each class a bag has."""
        counts = np.bincount(labels.codes, minlength=labels.classes.size)
        sizes = resolve_sampling_strategy(self.sampling_strategy, counts, labels.classes.tolist())
        ones = np.ones(labels.codes.size, np.float32) if weight is None else weight
        population = Population.make(
            labels.codes,
            ones,
            sizes,
            self._seed,
            copies=copies,
            informed=self.sampling == "self_paced",
        )
        if copies is not None:
            copies.warn(labels.classes, apart=population.groups is not None)
        digest = 0
        for part in (labels.codes, population.fold, sizes, ones):
            digest = crc32(np.ascontiguousarray(part).data, digest)
        if done and (digest != self._digest or list(labels.classes) != list(self.classes_)):
            msg = (
                "warm_start adds bags of the same labels and weights with the same "
                "sampling_strategy, got others. Fit them with warm_start=False."
            )
            raise InvalidDataError(msg)
        self._digest = digest
        self._population = population
        if self._oob is None:
            self._oob = OutOfBag.empty(population.judged.size, labels.classes.size)
        return sizes

    def _draw(self, sizes: IntArray) -> Iterator[IntArray]:
        """Yield the rows of each bag, the same each time."""
        codes, n_bags = self._population.codes, self.n_estimators
        return draw_bags(codes, sizes, n_bags, self._seed, replacement=self.replacement)

    def _rows_needed(self, sizes: IntArray) -> IntArray:
        """Return the rows that are in a bag or judged."""
        if self.sampling == "self_paced":
            msg = (
                "sampling='self_paced' looks at every row for every bag, which a ParquetSource "
                "would read as often. Use sampling='random'."
            )
            raise InvalidParameterError(msg)
        needed = np.zeros(self._population.codes.size, dtype=bool)
        needed[self._population.judged] = True
        for rows in self._draw(sizes):
            needed[rows] = True
        return np.flatnonzero(needed)

    def _fit_bags(
        self, trainer: BagTrainer, sizes: IntArray, done: int, threads: int
    ) -> list[IntArray]:
        """Train the bags that are missing; return the rows of each."""
        population = self._population
        if self.sampling == "self_paced" and (sizes < np.bincount(population.codes)).any():
            return self._fit_self_paced(trainer, sizes, done, threads)
        bags = (population.bag(i, rows) for i, rows in enumerate(self._draw(sizes)) if i >= done)
        side_by_side = max(1, min(threads, self.n_estimators - done))
        if not trainer.in_bag and population.codes.size > LARGE_TABLE:
            # Each bag is a copy of its rows: large ones are trained one after the other, each
            # on all threads.
            at_once = int(LARGEST_SHARE * population.codes.size / sizes.sum())
            side_by_side = max(1, min(side_by_side, at_once))
        results = Parallel(
            n_jobs=side_by_side, require="sharedmem", verbose=self.verbose, return_as="generator"
        )(delayed(_fit_bag)(trainer, bag, population, threads // side_by_side) for bag in bags)
        return [self._add(trainer, bag, classifier, proba) for bag, classifier, proba in results]

    def _fit_self_paced(
        self, trainer: BagTrainer, sizes: IntArray, done: int, threads: int
    ) -> list[IntArray]:
        """Train the bags that are missing one after the other, each drawn by those before it."""
        population = self._population
        drawing = SelfPacedDrawing(population, sizes, self.n_estimators, self._seed)
        bags = []
        for i in range(self.n_estimators):
            if i >= done:
                bag = population.bag(i, drawing.draw())
                _, classifier, proba = _fit_bag(trainer, bag, population, threads)
                bags.append(self._add(trainer, bag, classifier, proba))
            drawing.note(self._rightness(trainer, i, drawing.rows))
        return bags

    def _rightness(self, trainer: BagTrainer, i: int, rows: IntArray) -> FloatArray:
        """Return the probability, in its bag, that classifier i gives to the class of each row."""
        proba = trainer.probability(self.estimators_[i], rows)
        if not trainer.in_bag:
            proba = correct_prior(proba, self._population.data_share, self._shares[i])
        right: FloatArray = proba[np.arange(rows.size), self._population.codes[rows]]
        return right

    def _add(
        self,
        trainer: BagTrainer,
        bag: Bag,
        classifier: Any,  # noqa: ANN401
        proba: FloatArray,
    ) -> IntArray:
        assert self._oob is not None
        share = self._population.share(bag.train)
        self.estimators_.append(classifier)
        self._shares.append(share)
        if trainer.in_bag:
            judged = proba if bag.unseen.size else trainer.probability(classifier, bag.train)
            self._limits.append(certainty_limit(judged, bag.train.size))
        if bag.unseen.size:
            if trainer.in_bag:
                proba = keep_from_certainty(proba, self._limits[-1])
                proba = correct_prior(proba, share, self._population.data_share)
            at = np.searchsorted(self._population.judged, bag.unseen)
            self._oob.add(at, np.isin(bag.unseen, bag.held_out, assume_unique=True), proba)
        return bag.train


def _fit_bag(
    trainer: BagTrainer, bag: Bag, population: Population, threads: int
) -> tuple[Bag, Any, FloatArray]:
    with thread_limit(max(1, threads)):
        classifier = trainer.fit(bag, population, max(1, threads))
        proba = trainer.probability(classifier, bag.unseen) if bag.unseen.size else np.empty(0)
    return bag, classifier, proba
