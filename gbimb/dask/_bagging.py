"""Under-bagging on Dask: bags drawn from all partitions, each trained where it fits."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from dask.utils import format_bytes
from sklearn.utils.validation import validate_data

from gbimb.dask._bag_fits import BagFits, Drawn
from gbimb.dask._bag_size import bag_bytes, room_for_a_bag
from gbimb.dask._classifiers import DaskClassifier
from gbimb.dask._cluster import find_client, gather
from gbimb.dask._estimator import (
    DaskPredictions,
    local_parameters,
    refuse_areas,
    refuse_checkpoints,
)
from gbimb.dask._fit import Placed, see_all
from gbimb.dask._pieces import as_collection, meta_of, split
from gbimb.dask._rows import Deal, encode
from gbimb.dask._summary import Labels, merge_columns
from gbimb.decisions.sampling import resolve_sampling_strategy
from gbimb.estimators import UnderBaggingClassifier
from gbimb.estimators._bag_checks import make_prototype, warn_of_bags
from gbimb.estimators._base import BaseImbalancedClassifier
from gbimb.estimators._fitted import all_or_nothing
from gbimb.exceptions import InvalidParameterError
from gbimb.log import logger
from gbimb.training.bags import OutOfBag, Population
from gbimb.training.copies import copies_among, row_hashes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from distributed import Client, Future
    from numpy.typing import NDArray

    from gbimb.array_types import FloatArray, IntArray
    from gbimb.dask._rows import Encoded
    from gbimb.dask._summary import Summary
    from gbimb.training.rows import Table


JUDGED = 200_000
"""Rows of a common class to judge bags on, beside those that are drawn."""


class DaskUnderBaggingClassifier(DaskPredictions, UnderBaggingClassifier):
    """Bags of all rare rows and some common ones, drawn from a Dask collection.

    Of the common classes as many rows as all bags need are drawn from each partition, in
    proportion. A bag that fits on one worker is gathered there and trains a local model, several
    bags side by side. Larger bags are trained one after the other, each by all workers together
    on the rows that they have, as in :class:`DaskImbalancedXGBClassifier`. What is learnt is an
    :class:`~gbimb.UnderBaggingClassifier` either way.

    Parameters
    ----------
    client : distributed.Client or None, default=None
        None is the client made last.
    **parameters
        Those of :class:`~gbimb.UnderBaggingClassifier`, with the same meaning, except:
        ``estimator`` is one of gbimb's local ones, ``sampling`` is "random", there is no warm
        start, and ``n_jobs`` are threads of each worker.

    Attributes
    ----------
    classes_, estimators_, threshold_, oob_score_, ...
        As in the local estimator, with ``estimators_samples_`` and ``oob_proba_`` of the rows
        that were drawn.

    Notes
    -----
    A bag fits on one worker if as many as train there side by side (one on each thread that Dask
    has) take no more than half of its memory limit, on the worker where that is least; on workers
    without a limit every bag fits. What a bag takes is estimated: its rows and those that judge
    it, two copies of 8 bytes a value (12 of a sparse one), and what the engine keeps of them. The
    log says so where bags are too large. ``eval_metric`` of their estimator is then a function of
    counts or a proper score, and bins are cut from up to 400,000 rows of a bag (LightGBM 200,000).
    Labels, weights and out-of-bag probabilities of the rows drawn are always with the client.
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
        with all_or_nothing(self):
            self._check_parameters()
            refuse_checkpoints(self)
            prototype = _own_prototype(self.estimator)
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
                counts = labels.kept.sum(axis=0)
                of_labels = labels.classes.tolist()
                sizes = resolve_sampling_strategy(self.sampling_strategy, counts, of_labels)
                together = self._are_too_large(client, placed.summaries, counts, sizes)
                drawn = self._draw_candidates(client, placed, labels, sizes)
                del placed  # the rows that were not drawn
                self._train(client, drawn, labels.totals, sizes, together=together)
        return self

    def _train(
        self,
        client: Client,
        drawn: list[Future],
        totals: FloatArray,
        sizes: IntArray,
        *,
        together: bool,
    ) -> None:
        ys = gather(client, client.map(_targets_of, drawn, pure=False))
        targets = np.concatenate([y for y, *_ in ys])
        weights = [w for _, w, _ in ys if w is not None]
        weight = np.concatenate(weights) if weights else np.ones(targets.size, np.float32)
        codes = self._codes_of(targets)
        copies = copies_among(np.concatenate([hashes for *_, hashes in ys]), codes)
        population = Population.make(codes, weight, sizes, self._seed, copies=copies)
        if copies is not None:
            copies.warn(self.classes_, apart=population.groups is not None)
        self._population = population = replace(population, totals=totals)
        self._oob = OutOfBag.empty(population.judged.size, self.classes_.size)
        starts = np.cumsum([0, *(y.size for y, *_ in ys)])
        fits = BagFits(
            client, self._prototype, Drawn(drawn, starts), population, self._seed, self.n_jobs
        )
        bags = [population.bag(i, rows) for i, rows in enumerate(self._draw(sizes))]
        results: Iterable[tuple[Any, FloatArray]] = map(fits.on_all_workers, bags)
        if not together:
            results = gather(client, [fits.on_one_worker(bag) for bag in bags])
        self.estimators_samples_ = [
            self._add(_Judged(), bag, classifier, proba)  # type: ignore[arg-type]
            for bag, (classifier, proba) in zip(bags, results, strict=True)
        ]
        at = np.zeros(codes.size, np.intp)
        at[population.judged] = np.arange(population.judged.size)
        self._decide(at, population.judged.size)
        warn_of_bags(self, np.bincount(codes, minlength=self.classes_.size), sizes)

    def _wanted(self, counts: IntArray, sizes: IntArray) -> IntArray:
        """Return how many rows of each class to draw, for all bags and to judge them."""
        some: IntArray = np.minimum(counts, sizes * self.n_estimators + JUDGED)
        return np.where(sizes < counts, some, counts)

    def _are_too_large(
        self, client: Client, summaries: Sequence[Summary], counts: IntArray, sizes: IntArray
    ) -> bool:
        """Whether bags do not fit on one worker, so that all workers train each of them."""
        unseen = np.maximum(self._wanted(counts, sizes) - sizes, 0).sum()
        rows = int(sizes.sum() + min(int(unseen), JUDGED))
        needed = bag_bytes(self._prototype, summaries, rows)
        room = room_for_a_bag(client, self.n_estimators)
        if needed <= room:
            return False
        reason = (
            f"A bag with the rows that judge it takes about {format_bytes(needed)}, and a worker "
            f"has {format_bytes(int(room))} for it: all workers train it together."
        )
        try:
            refuse_areas(self._prototype.eval_metric)
        except InvalidParameterError as error:
            advice = "Use another metric, smaller bags (sampling_strategy) or more memory."
            msg = f"estimator: {error} {reason} {advice}"
            raise InvalidParameterError(msg) from None
        logger.info(reason)
        return True

    def _draw_candidates(
        self, client: Client, placed: Placed, labels: Labels, sizes: IntArray
    ) -> list[Future]:
        """Draw the rows that bags are drawn from, in proportion from each piece."""
        counts = labels.kept.sum(axis=0)
        wanted = self._wanted(counts, sizes)
        ends = np.cumsum(labels.kept, axis=0) * wanted // np.maximum(counts, 1)
        shares = np.diff(ends, axis=0, prepend=0)
        if self._positive_is_first():
            shares = shares[:, ::-1]  # by target
        shared = client.scatter(self._prototype, broadcast=True, hash=False)
        encoded = [
            client.submit(encode, piece, shared, Deal(0, i, None), pure=False)
            for i, piece in enumerate(placed.futures)
        ]
        see_all(client, self._prototype, encoded)
        return [
            client.submit(draw_of_each, part, tuple(share.tolist()), self._seed, i, pure=False)
            for i, (part, share) in enumerate(zip(encoded, shares, strict=True))
            if share.sum()
        ]

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


def _own_prototype(given: object) -> BaseImbalancedClassifier:
    """Return an unfitted copy of the estimator for the bags, one of gbimb's local ones."""
    prototype = make_prototype(given)
    if not isinstance(prototype, BaseImbalancedClassifier):
        msg = (
            "estimator must be one of gbimb's on Dask, such as ImbalancedXGBClassifier(), got "
            f"{prototype!r}. Use UnderBaggingClassifier for others."
        )
        raise InvalidParameterError(msg)
    if isinstance(prototype, DaskClassifier):
        msg = (
            f"estimator must be a local one, got {type(prototype).__name__}. Give "
            f"{prototype._local_class.__name__}(): whether one worker or all of them train a bag "  # noqa: SLF001
            "depends on its size."
        )
        raise InvalidParameterError(msg)
    return prototype


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


def _targets_of(
    drawn: Table,
) -> tuple[NDArray[Any], NDArray[Any] | None, NDArray[np.uint64]]:
    return drawn.y, drawn.weight, row_hashes(drawn.matrix)
