"""Under-bagging on Dask: bags drawn from all partitions, each trained where it fits."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from dask.utils import format_bytes
from sklearn.utils.validation import validate_data

from gbimb.dask._bag_fits import (
    BagFits,
    Drawn,
    bag_bytes,
    dependence_of,
    draw_of_each,
    keys_of_drawn,
    room_for_a_bag,
)
from gbimb.dask._classifiers import DaskClassifier
from gbimb.dask._cluster import find_client, gather
from gbimb.dask._estimator import (
    DaskPredictions,
    local_parameters,
    refuse_areas,
    refuse_checkpoints,
)
from gbimb.dask._pieces import as_collection, meta_of, split_dependent
from gbimb.dask._prepared import ClusterTable, see_all
from gbimb.dask._rows import HoldOutRule, encode
from gbimb.dask._summary import Labels
from gbimb.decisions.sampling import resolve_sampling_strategy
from gbimb.estimators import UnderBaggingClassifier
from gbimb.estimators.bag_checks import make_prototype
from gbimb.estimators.base import BaseImbalancedClassifier
from gbimb.estimators.fits.bagging import finish, task_of, warn_of_bags
from gbimb.estimators.fitted import all_or_nothing
from gbimb.exceptions import InvalidParameterError
from gbimb.log import logger
from gbimb.model.bags import Bags, OutOfBag
from gbimb.training.bagging.average import add_bag
from gbimb.training.bagging.population import Population
from gbimb.training.bagging.preparation import draw_rows
from gbimb.training.copies import copies_among, row_hashes
from gbimb.training.recipe import Recipe
from gbimb.training.seed import draw_seed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from distributed import Client, Future
    from numpy.typing import NDArray

    from gbimb.array_types import FloatArray, IntArray
    from gbimb.dask._summary import Summary
    from gbimb.tables.dependence import Dependence
    from gbimb.training.rows import EngineTable
    from gbimb.training.tasks import Task

JUDGED = 200_000
"""Rows of a common class to judge bags on, beside those that are drawn."""


class DaskUnderBaggingClassifier(DaskPredictions, UnderBaggingClassifier):
    """Bags of all rare rows and some common ones, drawn from a Dask collection.

    Of the common classes as many rows as all bags need are drawn from each partition, in
    proportion. A bag that fits on one worker is gathered there and trains a local model, several
    bags side by side. Larger bags are trained one after the other, each by all workers together
    on the rows that they have, as in :class:`DaskImbalancedXGBClassifier`. What is trained is an
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
    def __init__(self, *, client: Client | None = None, **parameters: Any) -> None:
        super().__init__(**parameters)
        self.client = client

    def fit(
        self,
        X: Any,
        y: Any = None,
        sample_weight: Any = None,
        *,
        groups: Any = None,
        time: Any = None,
    ) -> DaskUnderBaggingClassifier:
        """Draw the bags and train a model on each.

        Parameters
        ----------
        X : Dask DataFrame, Dask Array or ParquetSource
        y : Dask Series or Array with the partitions of X
        sample_weight : Dask Series or Array, optional
        groups, time : Dask Series or Array with the partitions of X, optional
            As in the local estimator. A bag that all workers train together, for it is too large
            for one of them, is not trained again on the newest rows.

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
                pieces, by = split_dependent(X, y, sample_weight, groups, time)
                table = ClusterTable.load(client, pieces, "y")
                labels = Labels.of(table.summaries, prototype.pos_label)
                meta = meta_of(as_collection(X))
                validate_data(self, meta, reset=True, skip_check_array=True)
                # Refuses what cannot be before rows are drawn.
                task = task_of(self, labels.classes.size)
                schema = table.schema(self)
                validate_data(prototype, meta, reset=True, skip_check_array=True)
                recipe = Recipe.make(prototype, schema, labels.classes, is_sparse=table.is_sparse)
                bags = Bags(draw_seed(self.random_state))
                counts = labels.kept.sum(axis=0)
                of_labels = labels.classes.labels.tolist()
                sizes = resolve_sampling_strategy(self.sampling_strategy, counts, of_labels)
                together = self._are_too_large(client, recipe, table.summaries, counts, sizes)
                drawn, keys, recipe = self._draw_candidates(
                    client, recipe, table, labels, sizes, bags.seed, by=by
                )
                del table  # the rows that were not drawn
                self._train(
                    client,
                    recipe,
                    bags,
                    task,
                    drawn,
                    labels.totals,
                    sizes,
                    together=together,
                    dependence=dependence_of(by, keys),
                )
        return self

    def _train(  # noqa: PLR0917  passed on as they come
        self,
        client: Client,
        recipe: Recipe,
        bags: Bags,
        task: Task,
        drawn: list[Future],
        totals: FloatArray,
        sizes: IntArray,
        *,
        together: bool,
        dependence: Dependence | None,
    ) -> None:
        ys = gather(client, client.map(_targets_of, drawn, pure=False))
        targets = np.concatenate([y for y, *_ in ys])
        weights = [w for _, w, _ in ys if w is not None]
        weight = np.concatenate(weights) if weights else np.ones(targets.size, np.float32)
        codes = recipe.classes.codes(targets)
        copies = copies_among(np.concatenate([hashes for *_, hashes in ys]), codes)
        population = Population.make(
            codes, weight, sizes, bags.seed, copies=copies, dependence=dependence
        )
        if copies is not None:
            copies.warn(recipe.classes.labels, apart=population.groups is not None)
        of_drawn = np.bincount(codes, weights=weight, minlength=totals.size)
        population = replace(population, totals=population.totals * totals / of_drawn)
        bags = replace(bags, oob=OutOfBag.empty(population.judged.size, recipe.classes.size))
        starts = np.cumsum([0, *(y.size for y, *_ in ys)])
        fits = BagFits(client, recipe, Drawn(drawn, starts), population, bags.seed, self.n_jobs)
        rows_of = draw_rows(self, bags, population, sizes)
        each = [population.bag(i, rows) for i, rows in enumerate(rows_of)]
        results: Iterable[tuple[Any, FloatArray]] = map(fits.on_all_workers, each)
        if not together:
            results = gather(client, [fits.on_one_worker(bag) for bag in each])
        for bag, (fitted, proba) in zip(each, results, strict=True):
            of_bag = bag if together else bag.trained()
            add_bag(
                bags,
                population=population,
                bag=of_bag,
                rows=of_bag.train,
                fitted=fitted,
                proba=proba,
            )
        at = np.zeros(codes.size, np.intp)
        at[population.judged] = np.arange(population.judged.size)
        finish(
            self,
            bags,
            population=population,
            schema=recipe.schema,
            classes=recipe.classes,
            task=task,
            kept=at,
            n_rows=population.judged.size,
        )
        warn_of_bags(self, np.bincount(codes, minlength=recipe.classes.size), sizes)

    def _wanted(self, counts: IntArray, sizes: IntArray) -> IntArray:
        """Return how many rows of each class to draw, for all bags and to judge them."""
        some: IntArray = np.minimum(counts, sizes * self.n_estimators + JUDGED)
        return np.where(sizes < counts, some, counts)

    def _are_too_large(
        self,
        client: Client,
        recipe: Recipe,
        summaries: Sequence[Summary],
        counts: IntArray,
        sizes: IntArray,
    ) -> bool:
        """Whether bags do not fit on one worker, so that all workers train each of them."""
        unseen = np.maximum(self._wanted(counts, sizes) - sizes, 0).sum()
        rows = int(sizes.sum() + min(int(unseen), JUDGED))
        needed = bag_bytes(recipe, summaries, rows)
        room = room_for_a_bag(client, self.n_estimators)
        if needed <= room:
            return False
        reason = (
            f"A bag with the rows that judge it takes about {format_bytes(needed)}, and a worker "
            f"has {format_bytes(int(room))} for it: all workers train it together."
        )
        try:
            refuse_areas(recipe.parameters.eval_metric)
        except InvalidParameterError as error:
            advice = "Use another metric, smaller bags (sampling_strategy) or more memory."
            msg = f"estimator: {error} {reason} {advice}"
            raise InvalidParameterError(msg) from None
        logger.info(reason)
        return True

    def _draw_candidates(  # noqa: PLR0917  passed on as they come
        self,
        client: Client,
        recipe: Recipe,
        table: ClusterTable,
        labels: Labels,
        sizes: IntArray,
        seed: int,
        *,
        by: str | None,
    ) -> tuple[list[Future], list[NDArray[Any]], Recipe]:
        """Draw the rows that bags are drawn from, in proportion from each piece.

        Return them, the keys of their groups or times, and the recipe that saw all rows.
        """
        counts = labels.kept.sum(axis=0)
        wanted = self._wanted(counts, sizes)
        ends = np.cumsum(labels.kept, axis=0) * wanted // np.maximum(counts, 1)
        shares = np.diff(ends, axis=0, prepend=0)
        shares = recipe.classes.in_other_order(shares)  # by target
        shared = client.scatter(recipe, broadcast=True, hash=False)
        encoded = [
            client.submit(encode, piece, shared, HoldOutRule(0, i, None), pure=False)
            for i, piece in enumerate(table.futures)
        ]
        recipe = see_all(client, recipe, encoded)
        some = [
            (part, piece, tuple(share.tolist()), i)
            for i, (part, piece, share) in enumerate(
                zip(encoded, table.futures, shares, strict=True)
            )
            if share.sum()
        ]
        drawn = [client.submit(draw_of_each, p, s, seed, i, pure=False) for p, _, s, i in some]
        keys: list[NDArray[Any]] = []
        if by is not None:
            tasks = [
                client.submit(keys_of_drawn, p, piece, s, seed, i, pure=False)
                for p, piece, s, i in some
            ]
            keys = gather(client, tasks)
        return drawn, keys, recipe

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
            f"{prototype._local_class.__name__}(): whether one worker or all of them train a bag "  # noqa: SLF001  its own family
            "depends on its size."
        )
        raise InvalidParameterError(msg)
    return prototype


def _targets_of(
    drawn: EngineTable,
) -> tuple[NDArray[Any], NDArray[Any] | None, NDArray[np.uint64]]:
    return drawn.y, drawn.weight, row_hashes(drawn.matrix)
