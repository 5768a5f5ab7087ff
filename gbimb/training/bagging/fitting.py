"""The bags of one machine: trained side by side, or in turn where each is drawn by those before."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from joblib import Parallel, delayed

from gbimb.model.model import BoosterModel
from gbimb.parallel import thread_limit
from gbimb.training.bagging.average import add_bag, rightness
from gbimb.training.bagging.self_paced import SelfPacedDrawing

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
