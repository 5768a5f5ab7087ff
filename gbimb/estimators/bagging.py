"""Bags of undersampled rows, their probabilities averaged and made true."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from zlib import crc32

import numpy as np
from scipy import sparse
from sklearn.utils import get_tags

from gbimb.decisions.sampling import draw_bags, resolve_sampling_strategy
from gbimb.estimators.bag_checks import check_parameters, is_own, make_prototype, warn_of_bags
from gbimb.estimators.decision import DecidingClassifier
from gbimb.estimators.fitted import all_or_nothing, shown
from gbimb.exceptions import InvalidDataError, InvalidParameterError
from gbimb.model.bags import Bags, OutOfBag
from gbimb.model.model import BoosterModel
from gbimb.model.states import BAGGING, with_model
from gbimb.parallel import resolve_jobs, thread_limit
from gbimb.tables.encoder import TableEncoder, learn_columns
from gbimb.tables.labels import read_labels, read_weight, unpack
from gbimb.tables.parquet.stream import StreamedFrame
from gbimb.tables.read import read_table, take
from gbimb.tables.schema import Schema
from gbimb.training.bagging.average import average_bags, averaged_task
from gbimb.training.bagging.fitting import fit_bags
from gbimb.training.bagging.population import FOLDS, Population
from gbimb.training.bagging.trainers import PlainTrainer, SharedBinsTrainer, gather_rows
from gbimb.training.checkpoint import open_checkpoint
from gbimb.training.copies import find_in_table
from gbimb.training.recipe import Recipe
from gbimb.training.rows import EngineTable
from gbimb.training.seed import draw_seed

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Sequence

    from numpy.typing import ArrayLike, NDArray
    from sklearn.utils import Tags

    from gbimb.array_types import IntArray
    from gbimb.tables.classes import Classes
    from gbimb.tables.labels import LabelCodes
    from gbimb.training.bagging.trainers import BagTrainer
    from gbimb.training.copies import Copies
    from gbimb.training.tasks import Task


class UnderBaggingClassifier(DecidingClassifier):
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
        estimator: Any = None,  # any classifier
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
        random_state: Any = None,  # int or RandomState
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
        X: Any,  # any table
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
            prototype = make_prototype(self.estimator)
            own = is_own(prototype)
            done = self._warm_bags()
            self._check_same_kind(done, prototype, own=own)
            table: Any = read_table(self, X, reset=done is None)
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
            bags = Bags(draw_seed(self.random_state)) if done is None else done.copy()
            # Refuses what cannot be before bags are trained.
            task = averaged_task(labels.classes.size, self.eval_metric, self.threshold)
            threads = resolve_jobs(self.n_jobs)
            with thread_limit(threads):
                copies = find_in_table(table, labels.codes)
                bags, population, sizes = self._populate(bags, labels, weight, copies)
                rows = None
                if isinstance(table, StreamedFrame):
                    rows = self._rows_needed(bags, population, sizes)
                schema = Schema.of(self, TableEncoder.fit(table))
                trainer = self._trainer(
                    bags,
                    prototype,
                    schema,
                    (table, labels, weight),
                    rows=rows,
                    smallest=int(sizes.sum() * (FOLDS - 1) // FOLDS),
                    threads=threads,
                )
                common_left_out = (sizes < np.bincount(population.codes)).any()
                by_hardness = self.sampling == "self_paced" and common_left_out
                fit_bags(
                    trainer,
                    bags,
                    population,
                    sizes,
                    None if by_hardness else self._draw(bags, population, sizes),
                    kept=kept,
                    n_bags=self.n_estimators,
                    threads=threads,
                    verbose=self.verbose,
                )
            self._finish(
                bags,
                population=population,
                schema=trainer.schema,
                classes=labels.classes,
                task=task,
                kept=kept,
                n_rows=n_rows,
                before=[] if done is None else self.estimators_,
            )
            warn_of_bags(self, labels.counts, sizes)
        return self

    def _finish(
        self,
        bags: Bags,
        *,
        population: Population,
        schema: Schema,
        classes: Classes,
        task: Task,
        kept: IntArray,
        n_rows: int,
        before: Sequence[Any] = (),
    ) -> None:
        """Set what was fitted; the row ``kept[i]`` of ``n_rows`` is row i of the population.

        ``before`` are the classifiers of bags that were there before.
        """
        model, rows, proba = average_bags(
            bags,
            population=population,
            schema=schema,
            classes=classes,
            task=task,
            calibration=self.calibration,
        )
        self.model_, self.bags_, self.seed_ = model, bags, bags.seed
        self.estimators_samples_ = bags.samples
        prototype = make_prototype(self.estimator)
        new = [
            with_model(prototype, member) if isinstance(member, BoosterModel) else member.classifier
            for member in bags.members[len(before) :]
        ]
        self.estimators_ = [*before, *new]
        self.oob_proba_ = np.full((n_rows, classes.size), np.nan)
        self.oob_proba_[kept[rows]] = proba

    saved_as = BAGGING
    oob_score_ = shown("score")

    def _warm_bags(self) -> Bags | None:
        """Return the bags that further ones are added to."""
        return vars(self).get("bags_") if self.warm_start else None

    def _check_same_kind(self, done: Bags | None, prototype: Any, *, own: bool) -> None:
        if done is not None and own != isinstance(done.members[0], BoosterModel):
            msg = (
                "warm_start adds bags of the same kind, gbimb's own estimators or others, got "
                f"{type(prototype).__name__} after another. Fit them with warm_start=False."
            )
            raise InvalidParameterError(msg)

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

    def _populate(
        self, bags: Bags, labels: LabelCodes, weight: NDArray[Any] | None, copies: Copies | None
    ) -> tuple[Bags, Population, IntArray]:
        """Return the rows that bags are drawn from, and how many of each class a bag has."""
        counts = labels.counts
        names = labels.classes.labels.tolist()
        sizes = resolve_sampling_strategy(self.sampling_strategy, counts, names)
        ones = np.ones(labels.codes.size, np.float32) if weight is None else weight
        population = Population.make(
            labels.codes,
            ones,
            sizes,
            bags.seed,
            copies=copies,
            informed=self.sampling == "self_paced",
        )
        if copies is not None:
            copies.warn(labels.classes.labels, apart=population.groups is not None)
        digest = 0
        for part in (labels.codes, population.fold, sizes, ones):
            digest = crc32(np.ascontiguousarray(part).data, digest)
        if bags.members and (digest != bags.digest or names != list(self.classes_)):
            msg = (
                "warm_start adds bags of the same labels and weights with the same "
                "sampling_strategy, got others. Fit them with warm_start=False."
            )
            raise InvalidDataError(msg)
        oob = bags.oob or OutOfBag.empty(population.judged.size, labels.classes.size)
        return replace(bags, digest=digest, oob=oob), population, sizes

    def _trainer(
        self,
        bags: Bags,
        prototype: Any,  # any classifier
        schema: Schema,
        rows_of: tuple[Any, LabelCodes, NDArray[Any] | None],
        *,
        rows: IntArray | None,
        smallest: int,
        threads: int,
    ) -> BagTrainer:
        """Return what trains copies of ``prototype`` on bags of the table.

        ``smallest`` is the number of rows that a bag has at least.
        """
        table, labels, weight = gather_rows(*rows_of, rows)
        if not is_own(prototype):
            if self.checkpoint_path is not None:
                msg = (
                    "checkpoint_path needs one of gbimb's estimators in the bags, got "
                    f"{prototype!r:.60}, which could only be pickled. Leave it out."
                )
                raise InvalidParameterError(msg)
            y = labels.classes.labels[labels.codes]
            loaded = table if rows is None else table.load()
            return PlainTrainer(prototype, schema, loaded, y, weight, seed=bags.seed, rows=rows)
        encoder, encoded = learn_columns(table, labels.codes, weight)
        if rows is not None:
            encoded = encoded.load()
        schema = replace(schema, encoder=encoder)
        is_sparse = sparse.issparse(encoded)
        recipe = Recipe.make(prototype, schema, labels.classes, is_sparse=is_sparse)
        matrix = recipe.layout(encoded)
        data = EngineTable(matrix, labels.targets, weight)
        return SharedBinsTrainer(
            recipe,
            data,
            labels,
            seed=bags.seed,
            threads=threads,
            rows=rows,
            rows_in_bag=smallest,
            checkpoint=open_checkpoint(self, matrix, data.y, weight, rows),
        )

    def _draw(self, bags: Bags, population: Population, sizes: IntArray) -> Iterator[IntArray]:
        """Yield the rows of each bag, the same each time."""
        codes, n_bags = population.codes, self.n_estimators
        return draw_bags(codes, sizes, n_bags, bags.seed, replacement=self.replacement)

    def _rows_needed(self, bags: Bags, population: Population, sizes: IntArray) -> IntArray:
        """Return the rows that are in a bag or judged."""
        if self.sampling == "self_paced":
            msg = (
                "sampling='self_paced' looks at every row for every bag, which a ParquetSource "
                "would read as often. Use sampling='random'."
            )
            raise InvalidParameterError(msg)
        needed = np.zeros(population.codes.size, dtype=bool)
        needed[population.judged] = True
        for rows in self._draw(bags, population, sizes):
            needed[rows] = True
        return np.flatnonzero(needed)
