"""The bags of one machine: trained side by side, or in turn where each is drawn by those before."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from joblib import Parallel, delayed

from gbimb.decisions.sampling import by_frequency, self_paced_draw
from gbimb.model.model import BoosterModel
from gbimb.parallel import thread_limit
from gbimb.training.bagging.average import add_bag, rightness

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gbimb.array_types import FloatArray, IntArray
    from gbimb.model.bags import Bags
    from gbimb.training.bagging.population import Bag, Population
    from gbimb.training.bagging.trainers import BagTrainer

LARGEST_SHARE: Final = 0.25
"""Bags in training hold at most this share of the rows of a large table between them."""

LARGE_TABLE: Final = 100_000


def fit_bags(
    trainer: BagTrainer,
    bags: Bags,
    population: Population,
    sizes: IntArray,
    drawn: Iterable[IntArray] | None,
    *,
    kept: IntArray,
    n_bags: int,
    threads: int,
    verbose: int,
) -> None:
    """Train the bags that are missing of ``n_bags``, and add them to ``bags``.

    Parameters
    ----------
    trainer : BagTrainer
    bags : Bags
        They grow.
    population : Population
    sizes : intp array of shape (K,)
        Rows of each class in a bag.
    drawn : iterable of intp arrays, or None
        The rows of every bag; None draws each by how wrong those before it are.
    kept : intp array
        Row i of the population is row ``kept[i]`` of the table that was given.
    n_bags, threads, verbose : int
        ``verbose`` is joblib's.
    """
    add = partial(add_bag, bags, population=population, trainer=trainer)
    done = len(bags.members)
    if drawn is None:
        drawing = SelfPacedDrawing(population, sizes, n_bags, bags.seed)
        for i in range(n_bags):
            if i >= done:
                bag = population.bag(i, drawing.draw())
                _, fitted, proba = _fit_bag(trainer, bag, population, threads)
                add(bag=bag, rows=kept[bag.train], fitted=fitted, proba=proba)
            drawing.note(rightness(bags, population, trainer, i, drawing.rows))
        return
    side_by_side = max(1, min(threads, n_bags - done))
    if not trainer.in_bag and population.codes.size > LARGE_TABLE:
        # Each bag is a copy of its rows: large ones are trained one after the other, each
        # on all threads.
        at_once = int(LARGEST_SHARE * population.codes.size / sizes.sum())
        side_by_side = max(1, min(side_by_side, at_once))
    missing = (population.bag(i, rows) for i, rows in enumerate(drawn) if i >= done)
    results = Parallel(
        n_jobs=side_by_side, require="sharedmem", verbose=verbose, return_as="generator"
    )(delayed(_fit_bag)(trainer, bag, population, threads // side_by_side) for bag in missing)
    for bag, fitted, proba in results:
        add(bag=bag, rows=kept[bag.train], fitted=fitted, proba=proba)


def _fit_bag(
    trainer: BagTrainer, bag: Bag, population: Population, threads: int
) -> tuple[Bag, Any, FloatArray]:
    with thread_limit(max(1, threads)):
        fitted, proba = fit_and_judge(trainer, bag, population, max(1, threads))
    return bag.trained(), fitted, proba


def fit_and_judge(
    trainer: BagTrainer, bag: Bag, population: Population, threads: int
) -> tuple[Any, FloatArray]:
    """Return a classifier, and probabilities of the rows that the bag did not see.

    One that was judged on later rows is trained again, as many rounds, on these too.
    """
    fitted = trainer.fit(bag, population, threads)
    if bag.unseen.size == 0:
        return fitted, np.empty(0)
    proba = trainer.probability(fitted, bag.unseen)
    if bag.again is not None:
        rounds = fitted.n_rounds if isinstance(fitted, BoosterModel) else None
        nothing = bag.held_out[:0]
        newest = replace(bag.trained(), held_out=nothing, weight=np.empty(0))
        fitted = trainer.fit(newest, population, threads, rounds)
    return fitted, proba


class SelfPacedDrawing:
    """Draws each bag by how wrong the bags so far are about the rows of the common classes.

    Attributes
    ----------
    rows : intp array
        Those of the common classes, of which some are drawn.
    """

    def __init__(self, population: Population, sizes: IntArray, n_bags: int, seed: int) -> None:
        counts = np.bincount(population.codes)
        order = by_frequency(counts)
        self._common = order[sizes[order] < counts[order]]
        self._is_common = np.isin(population.codes, self._common)
        self.rows = np.flatnonzero(self._is_common)
        self._right = np.zeros(self.rows.size)
        self._noted = 0
        self._population, self._sizes = population, sizes
        self._n_bags, self._seed = n_bags, seed

    def note(self, right: FloatArray) -> None:
        """Count in the probability that one more bag gives to the class of each of the rows."""
        self._right += right
        self._noted += 1

    def draw(self) -> IntArray:
        """Return the rows of the next bag."""
        bag = self._noted
        rng = np.random.default_rng([self._seed, bag])
        hardness = 1.0 - self._right / bag if bag else self._right
        offered = self._population.offered(bag, self.rows)
        parts = [np.flatnonzero(~self._is_common)]
        for k in self._common:
            at = offered & (self._population.codes[self.rows] == k)
            size = min(int(self._sizes[k]), int(at.sum()))
            parts.append(
                self_paced_draw(self.rows[at], hardness[at], size, bag / self._n_bags, rng)
            )
        return np.sort(np.concatenate(parts))
