"""Under-bagging on Dask: each bag is gathered on one worker, which trains a local model on it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from distributed import get_worker
from sklearn.utils.validation import validate_data

from gbimb._parallel import resolve_jobs, thread_limit
from gbimb.dask._classifiers import DaskPredictions, local_parameters, refuse_checkpoints
from gbimb.dask._cluster import find_client, gather
from gbimb.dask._fit import Placed
from gbimb.dask._pieces import as_collection, meta_of, split
from gbimb.dask._rows import Deal, encode, join, stack
from gbimb.dask._summary import Labels, merge_columns
from gbimb.estimators import UnderBaggingClassifier
from gbimb.estimators._bag_checks import make_prototype, warn_of_bags
from gbimb.estimators._bags import Bag, OutOfBag, Population, SharedBinsTrainer
from gbimb.estimators._base import BaseImbalancedClassifier
from gbimb.estimators._labels import LabelCodes
from gbimb.estimators._rows import Table
from gbimb.exceptions import InvalidParameterError
from gbimb.sampling import resolve_sampling_strategy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from distributed import Client, Future
    from numpy.typing import NDArray

    from gbimb._typing import FloatArray, IntArray
    from gbimb.dask._rows import Encoded

JUDGED = 200_000
"""Rows of a common class to judge bags on, beside those that are drawn."""


class DaskUnderBaggingClassifier(DaskPredictions, UnderBaggingClassifier):
    """Bags of all rare rows and some common ones, drawn from a Dask collection.

    Of the common classes as many rows as all bags need are drawn from each partition, in
    proportion. Each bag is then put together on one worker, which trains a local model on it; the
    bags train side by side. What is learnt is an :class:`~gbimb.UnderBaggingClassifier`.

    Parameters
    ----------
    client : distributed.Client or None, default=None
        None is the client made last.
    **parameters
        Those of :class:`~gbimb.UnderBaggingClassifier`, with the same meaning, except:
        ``estimator`` is one of gbimb's, ``sampling`` is "random", there is no warm start, and
        ``n_jobs`` are threads of each worker.

    Attributes
    ----------
    classes_, estimators_, threshold_, oob_score_, ...
        As in the local estimator, with ``estimators_samples_`` and ``oob_proba_`` of the rows
        that were drawn.
    """

    _local_class = UnderBaggingClassifier
    client: Client | None

    @local_parameters(UnderBaggingClassifier)
    def __init__(self, *, client: Client | None = None, **parameters: Any) -> None:  # noqa: ANN401
        super().__init__(**parameters)
        self.client = client

    def fit(
        self,
        X: Any,  # noqa: ANN401
        y: Any = None,  # noqa: ANN401
        sample_weight: Any = None,  # noqa: ANN401
    ) -> DaskUnderBaggingClassifier:
        """Draw the bags and train a model on each.

        Parameters
        ----------
        X : Dask DataFrame, Dask Array or ParquetSource
        y : Dask Series or Array with the partitions of X
        sample_weight : Dask Series or Array, optional

        Returns
        -------
        self

        Raises
        ------
        GbimbError
            If an argument cannot be used, or the cluster fails.
        """
        self._check_parameters()
        refuse_checkpoints(self)
        prototype = make_prototype(self.estimator)
        if not isinstance(prototype, BaseImbalancedClassifier):
            msg = (
                "estimator must be one of gbimb's on Dask, such as ImbalancedXGBClassifier(), got "
                f"{prototype!r}. Use UnderBaggingClassifier for others."
            )
            raise InvalidParameterError(msg)
        client = find_client(self.client)
        with client.as_current():
            placed = Placed.place(client, split(X, y, sample_weight), "y")
            labels = Labels.of(placed.summaries, prototype.pos_label)
            validate_data(self, meta_of(as_collection(X)), reset=True, skip_check_array=True)
            self._start(labels.codes)
            self._make_task()
            names = getattr(self, "feature_names_in_", None)
            prototype.adopt(self, merge_columns(placed.summaries, names))
            if hasattr(prototype, "max_leaves"):
                sparse = any(s.is_sparse for s in placed.summaries)
                prototype._zero_is_missing = sparse  # noqa: SLF001  our own
            self._prototype = prototype
            self._train(client, placed, labels)
        return self

    def _train(self, client: Client, placed: Placed, labels: Labels) -> None:
        counts = labels.kept.sum(axis=0)
        sizes = resolve_sampling_strategy(self.sampling_strategy, counts, labels.classes.tolist())
        drawn = self._draw_candidates(client, placed, labels, sizes)
        ys = gather(client, client.map(_targets_of, drawn, pure=False))
        targets = np.concatenate([y for y, _ in ys])
        weights = [w for _, w in ys if w is not None]
        weight = np.concatenate(weights) if weights else np.ones(targets.size, np.float32)
        codes = self._codes_of(targets)
        population = Population.make(codes, weight, sizes, self._seed)
        self._population = replace(population, totals=labels.totals)
        self._oob = OutOfBag.empty(population.judged.size, self.classes_.size)
        ends = np.cumsum([y.size for y, _ in ys])
        tasks, bags = [], []
        for i, rows in enumerate(self._draw(sizes)):
            bag = self._population.bag(i, rows)
            tasks.append(self._submit(client, bag, drawn, ends))
            bags.append(bag)
        results = gather(client, tasks)
        self.estimators_samples_ = [
            self._add(_Judged(), bag, classifier, proba)  # type: ignore[arg-type]
            for bag, (classifier, proba) in zip(bags, results, strict=True)
        ]
        at = np.zeros(codes.size, np.intp)
        at[population.judged] = np.arange(population.judged.size)
        self._decide(at, population.judged.size)
        warn_of_bags(self, np.bincount(codes, minlength=self.classes_.size), sizes)

    def _draw_candidates(
        self, client: Client, placed: Placed, labels: Labels, sizes: IntArray
    ) -> list[Future]:
        """Draw the rows that bags are drawn from, in proportion from each piece."""
        counts = labels.kept.sum(axis=0)
        wanted = np.where(
            sizes < counts, np.minimum(counts, sizes * self.n_estimators + JUDGED), counts
        )
        ends = np.cumsum(labels.kept, axis=0) * wanted // np.maximum(counts, 1)
        shares = np.diff(ends, axis=0, prepend=0)
        if self._positive_is_first():
            shares = shares[:, ::-1]  # by target
        shared = client.scatter(self._prototype, broadcast=True, hash=False)
        encoded = [
            client.submit(encode, piece, shared, Deal(0, i, None), pure=False)
            for i, piece in enumerate(placed.futures)
        ]
        return [
            client.submit(draw_of_each, part, tuple(share.tolist()), self._seed, i, pure=False)
            for i, (part, share) in enumerate(zip(encoded, shares, strict=True))
            if share.sum()
        ]

    def _submit(self, client: Client, bag: Bag, drawn: Sequence[Future], ends: IntArray) -> Future:
        """Gather a bag, and the rows to judge it on, for one worker to train on."""
        population = self._population
        rows = np.union1d(bag.train, bag.unseen)
        starts = np.concatenate([[0], ends[:-1]])
        bounds = np.searchsorted(rows, starts), np.searchsorted(rows, ends)
        parts = [
            client.submit(_pick, part, rows[low:high] - start, pure=False)
            for part, start, low, high in zip(drawn, starts, *bounds, strict=True)
            if high > low
        ]
        small = replace(
            population,
            codes=population.codes[rows],
            weight=population.weight[rows],
            fold=population.fold[rows],
            judged=np.searchsorted(rows, bag.unseen),
        )
        own = Bag(
            bag.index,
            np.searchsorted(rows, bag.train),
            np.searchsorted(rows, bag.unseen),
            np.searchsorted(rows, bag.held_out),
            bag.weight,
        )
        labels = LabelCodes(self.classes_, small.codes, self.pos_label_)
        return client.submit(
            fit_bag, self._prototype, parts, labels, own, small, self._seed, self.n_jobs, pure=False
        )

    def _codes_of(self, targets: NDArray[Any]) -> IntArray:
        codes = targets.astype(np.intp)
        return 1 - codes if self._positive_is_first() else codes

    def _check_parameters(self) -> None:
        super()._check_parameters()
        if self.sampling != "random":
            msg = (
                f"sampling must be 'random' on Dask, got {self.sampling!r}: it looks at every row "
                "for every bag."
            )
            raise InvalidParameterError(msg)
        if self.warm_start:
            msg = "warm_start must be False on Dask, got True. Fit all bags at once."
            raise InvalidParameterError(msg)


class _Judged:
    """Stands for the trainer of a bag whose probabilities are there."""

    in_bag = False


def draw_of_each(
    encoded: Encoded | None, sizes: tuple[int, ...], seed: int, piece: int
) -> Table | None:
    """Return ``sizes[k]`` rows of each target k, in their order."""
    if encoded is None:
        return None
    y = encoded.train.y.astype(np.intp)
    rng = np.random.default_rng([seed, piece])
    parts = []
    for k, size in enumerate(sizes):
        rows = np.flatnonzero(y == k)
        parts.append(rows if size >= rows.size else rng.choice(rows, size, replace=False))
    return encoded.train.part(np.sort(np.concatenate(parts)))


def _targets_of(drawn: Table) -> tuple[NDArray[Any], NDArray[Any] | None]:
    return drawn.y, drawn.weight


def _pick(drawn: Table, rows: IntArray) -> Table:
    return drawn.part(rows)


def fit_bag(  # noqa: PLR0917  as tasks are called
    prototype: Any,  # noqa: ANN401
    parts: Sequence[Table],
    labels: LabelCodes,
    bag: Bag,
    population: Population,
    seed: int,
    n_jobs: int | None,
) -> tuple[Any, FloatArray]:
    """Return a classifier trained on a bag, and its probabilities of the rows it is judged on."""
    threads = resolve_jobs(n_jobs or get_worker().state.nthreads)
    whole = join(list(parts))
    data = Table(stack([part.matrix for part in parts]), whole.y, whole.weight)
    with thread_limit(threads):
        trainer = SharedBinsTrainer(prototype, data, labels, seed=seed, threads=threads, rows=None)
        classifier = trainer.fit(bag, population, threads)
        if not bag.unseen.size:
            return classifier, np.empty(0)
        return classifier, trainer.probability(classifier, bag.unseen)
