"""What a bag is, where its rows come from, and what is judged."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from gbimb.decisions.sampling import by_frequency
from gbimb.model.bags import OUT_OF_BAGS
from gbimb.training.copies import assign_folds
from gbimb.training.held_out.folds import joined, split_groups
from gbimb.training.held_out.time_plan import newest_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gbimb.array_types import BoolArray, FloatArray, IntArray
    from gbimb.tables.dependence import Dependence
    from gbimb.training.copies import Copies

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
    unseen : intp array
        Rising. Rows to be judged that did not train it.
    held_out : intp array
        Rising. Those of them that it is its turn to judge.
    weight : float64 array, the size of ``held_out``
        With these weights the classes have the shares that they have in the data.
    again : intp array or None
        What to train on in the end, once it was judged on later rows: the newest ones, too.
    """

    index: int
    train: IntArray
    unseen: IntArray
    held_out: IntArray
    weight: FloatArray
    again: IntArray | None = None

    def trained(self) -> Bag:
        """Return the bag with the rows that it was trained on in the end."""
        if self.again is None or self.unseen.size == 0:
            return self
        return replace(self, train=self.again)


@dataclass(frozen=True, eq=False)
class Population:
    """The rows that bags are drawn from.

    Attributes
    ----------
    codes : intp array of shape (n,)
        Class codes 0 to K-1.
    weight : float array of shape (n,)
    totals : float64 array of shape (K,)
        Weight of each class.
    held : bool array of shape (K,)
        Classes of which a bag draws more than half, and trains without the fold it is judged on:
        too few of their rows would be left over.
    fold : int8 array of shape (n,)
        Every fifth bag judges a row, and has not trained on it. It is as many of the common
        classes as of those kept whole, for the mean over more bags is steadier: the threshold
        would come out too high. -1 for rows that any bag judges which has not trained on them.
    judged : intp array
        Rising: the rows on which out-of-bag predictions are kept.
    groups : int array of shape (n,) or None
        Equal for copies of a row, or rows of a group: a bag that trains on one judges none of the
        others.
    informed : bool
        Whether rows are drawn by their features. Those left over are then easier than the others:
        a bag only judges rows that were not offered to it.
    folds : int
        Number of folds; 1 where every bag is judged on the newest rows.
    validation : str
        What judges the bags, in words.
    """

    codes: IntArray
    weight: NDArray[Any]
    totals: FloatArray
    held: BoolArray
    fold: NDArray[np.int8]
    judged: IntArray
    groups: IntArray | None
    informed: bool
    folds: int = FOLDS
    validation: str = OUT_OF_BAGS

    @classmethod
    def make(
        cls,
        codes: IntArray,
        weight: NDArray[Any],
        drawn: IntArray,
        seed: int,
        *,
        copies: Copies | None = None,
        dependence: Dependence | None = None,
        informed: bool = False,
    ) -> Population:
        """Assign the rows to folds; sample those to be judged of classes that are drawn from.

        With groups, every class is dealt, a group to one fold, and a bag trains without its fold.
        With times the fold are the newest rows, and their shares of the classes count.

        A class that was oversampled is dealt and held in any case, copies together: of the rows
        that a bag leaves over, it would have trained on most.
        """
        rng = np.random.default_rng([seed, codes.size])
        counts = np.bincount(codes)
        # The only row of a class has to be in every bag. As in cross-fitting, the second class
        # decides whether rows are held out: of many classes, some may be too rare.
        enough = np.sort(counts)[-2] >= SMALLEST_CLASS
        if dependence is not None and enough:
            return cls._dependent(codes, weight, dependence, seed, copies, informed=informed)
        whole = (drawn == counts) & (counts > 1) & enough
        fold = np.full(codes.size, -1, np.int8)
        dealt = whole | ((drawn < counts) & (whole.any() | (informed & enough)))
        held = dealt & (2 * drawn > counts)
        if copies is not None and enough:
            dealt, held = dealt | copies.oversampled, held | copies.oversampled
        for k in by_frequency(counts)[dealt[by_frequency(counts)]]:
            mine = codes == k
            fold[mine] = (
                rng.permutation(np.arange(counts[k]) % FOLDS)
                if copies is None
                else assign_folds(copies.groups[mine], FOLDS, rng)
            )
        groups = None
        halves = [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(FOLDS)]
        if copies is not None and copies.are_apart(halves):
            groups = copies.groups
        rest = np.flatnonzero(~whole[codes])
        if rest.size > LARGEST_WATCH:
            rest = rng.choice(rest, LARGEST_WATCH, replace=False)
        judged = np.sort(np.concatenate([np.flatnonzero(whole[codes]), rest]))
        totals = np.bincount(codes, weights=weight).astype(np.float64)
        return cls(codes, weight, totals, held, fold, judged, groups, informed)

    @classmethod
    def _dependent(
        cls,
        codes: IntArray,
        weight: NDArray[Any],
        dependence: Dependence,
        seed: int,
        copies: Copies | None,
        *,
        informed: bool,
    ) -> Population:
        held = np.ones(int(codes.max()) + 1, bool)
        judged = np.arange(codes.size)
        groups, time = dependence.groups, dependence.time
        if groups is not None:
            groups = groups if copies is None else joined(groups, copies.groups, FOLDS)
            fold = split_groups(groups, codes, FOLDS, seed).astype(np.int8)
            words = f"{OUT_OF_BAGS}, no group on both sides"
        else:
            assert time is not None
            fold = np.full(codes.size, -1, np.int8)
            judged = newest_rows(time, codes, 1 / FOLDS)
            fold[judged] = 0
            words = f"the newest {judged.size:,} of {codes.size:,} rows, after bags of earlier ones"
        totals = np.bincount(codes[judged], weight[judged], held.size).astype(np.float64)
        if judged.size > 2 * LARGEST_WATCH:
            rng = np.random.default_rng([seed, codes.size])
            # Of every class as many, or all: they are weighed by what they stand for.
            judged = np.sort(
                np.concatenate(
                    [
                        rng.permutation(of_class)[:LARGEST_WATCH]
                        for k in range(held.size)
                        if (of_class := judged[codes[judged] == k]).size
                    ]
                )
            )
        folds = int(fold.max()) + 1
        return cls(codes, weight, totals, held, fold, judged, groups, informed, folds, words)

    def offered(self, index: int, rows: IntArray) -> BoolArray:
        """Return which of ``rows`` a bag may draw by their features: those it will not judge."""
        mask: BoolArray = self.fold[rows] != index % self.folds
        return mask

    def bag(self, index: int, drawn: IntArray) -> Bag:
        """Return the bag of the rows ``drawn``, its fold left out."""
        turn = index % self.folds
        codes = self.codes[drawn]
        stays = ~(self.held[codes] & (self.fold[drawn] == turn))
        left = np.bincount(codes[stays], minlength=self.held.size) > 0
        train = drawn[stays | ~left[codes]]  # rows that were drawn twice may all be of the fold
        out = np.ones(self.codes.size, dtype=bool)
        out[train] = False
        if self.groups is not None:
            trained = np.zeros(int(self.groups.max()) + 1, bool)
            trained[self.groups[train]] = True
            out &= ~trained[self.groups]
        unseen = self.judged[out[self.judged]]
        fold = self.fold[unseen]
        held_out = unseen[(fold == turn) | (fold < 0)]
        if self.informed:
            unseen = held_out
        if np.unique(self.codes[held_out]).size < 2:
            unseen, held_out = unseen[:0], held_out[:0]
        again = drawn if self.folds == 1 else None
        return Bag(index, train, unseen, held_out, self.natural_weight(held_out), again)

    @property
    def data_share(self) -> FloatArray:
        """Each class's share of the weight of all rows."""
        share: FloatArray = self.totals / self.totals.sum()
        return share

    def share(self, rows: IntArray) -> FloatArray:
        """Return each class's share of the weight of ``rows``."""
        totals = np.bincount(
            self.codes[rows], weights=self.weight[rows], minlength=self.totals.size
        )
        share: FloatArray = totals / totals.sum()
        return share

    def natural_weight(self, rows: IntArray) -> FloatArray:
        """Return weights of ``rows`` with which the classes have their share in the data."""
        weight = self.weight[rows].astype(np.float64)
        have = np.bincount(self.codes[rows], weights=weight, minlength=self.totals.size)
        scale = np.divide(self.totals, have, out=np.zeros(have.size), where=have > 0)
        return weight * scale[self.codes[rows]]


def places(rows: IntArray, kept: IntArray | None) -> IntArray:
    """Return where ``rows`` are in a table of the rows ``kept``, which rise; None are all."""
    return rows if kept is None else np.searchsorted(kept, rows)
