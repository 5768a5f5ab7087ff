"""Folds of rows, of each class as many in one as in another, and groups of rows kept together."""

from __future__ import annotations

import warnings
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph
from sklearn.model_selection import PredefinedSplit, StratifiedKFold

from gbimb.exceptions import InvalidDataError, warn
from gbimb.training.copies import assign_folds

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gbimb.array_types import BoolArray, FloatArray, IntArray

Splits: TypeAlias = "tuple[tuple[IntArray, IntArray], ...]"
"""Pairs of row numbers: those that train a booster and those held out from it, both rising."""


def stratified(
    codes: NDArray[Any],
    folds: int,
    random_state: int,
    groups: IntArray | None,
    first: int | None = None,
) -> Splits:
    """Assign the rows of each class to the folds, as evenly as they go; return the first splits."""
    counts = np.bincount(codes)
    scarce = np.flatnonzero((counts > 0) & (counts < folds))
    enough = np.count_nonzero(counts >= folds)
    if enough < 2:
        needs = f"{folds} folds need" if first is None else f"To hold out one row in {folds} needs"
        fewer = "fewer folds, " if first is None else ""
        msg = (
            f"{needs} at least {folds} rows of two classes, got "
            f"{np.sort(counts)[-2]} of the second. Use {fewer}cv=None, or X_val and y_val."
        )
        raise InvalidDataError(msg)
    if scarce.size:
        some = f"{scarce.size} of {enough + scarce.size} classes have fewer"
        msg = (
            f"{some} rows than {folds} folds: they are held out from some boosters only, and "
            "little can be learned about them."
            if first is None
            else f"{some} than {folds} rows, of which one row in {folds} is held out: none or most "
            "of theirs may be, and little can be learned about them."
        )
        warn(msg)
    splitter: Any = StratifiedKFold(folds, shuffle=True, random_state=random_state)
    if groups is not None:
        rng = np.random.default_rng(random_state)
        fold = np.empty(codes.size, np.intp)
        for k in np.unique(codes):
            fold[codes == k] = assign_folds(groups[codes == k], folds, rng)
        splitter = PredefinedSplit(fold)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The least populated class", category=UserWarning)
        return tuple(islice(splitter.split(codes, codes), first))


ONE_BY_ONE: Final = 1_000
"""The largest groups, each dealt to the fold that lacks it most; the others fill what is left."""


def deal_groups(
    groups: IntArray, codes: IntArray, folds: int, rng: np.random.Generator
) -> IntArray:
    """Return the fold of each row, one for rows of a group, all with a share of every class.

    The largest groups go one by one to the fold that has least of their classes, as in
    scikit-learn's StratifiedGroupKFold; all smaller ones, in random order and those with rows of
    rare classes first, fill what the folds lack.

    Parameters
    ----------
    groups : int array of shape (n,)
        From 0 on.
    codes : int array of shape (n,)
        Class codes.
    folds : int
        Not more than there are groups.
    rng : Generator

    Returns
    -------
    int array of shape (n,)
    """
    present, of_class = np.unique(codes, return_inverse=True)
    totals = np.bincount(of_class)
    shares = sparse.csr_matrix(
        (1.0 / totals[of_class], (groups, of_class)), shape=(int(groups.max()) + 1, present.size)
    )
    norms = np.asarray(shares.multiply(shares).sum(axis=1)).ravel()
    order = np.lexsort((rng.random(norms.size), -norms))
    fold = np.full(norms.size, -1, np.intp)
    have = np.zeros((folds, present.size))
    largest = order[:ONE_BY_ONE]
    for group, share in zip(largest, shares[largest].toarray(), strict=True):
        # Least sum of squares after; of equal ones the one with the least in all.
        lacks = np.lexsort((have.sum(axis=1), np.round(have @ share, 12)))
        fold[group] = lacks[0]
        have[lacks[0]] += share
    _fill(fold, shares, have, rng)
    return fold[groups]


def _fill(
    fold: IntArray, shares: sparse.csr_matrix, have: FloatArray, rng: np.random.Generator
) -> None:
    """Deal the groups that are left (``fold`` is -1), by the rarest class that they hold."""
    columns = shares.tocsc()
    # A class with one row has a share of 1 in its group: the rarest classes first.
    smallest = np.array([columns[:, k].max() for k in range(shares.shape[1])])
    for k in np.argsort(-smallest, kind="stable"):
        own = columns[:, k]
        members = own.indices[own.data > 0]
        members = rng.permutation(members[fold[members] < 0])
        if members.size == 0:
            continue
        share = np.asarray(shares[members, k].toarray()).ravel()
        lacking = np.maximum(1.0 / have.shape[0] - have[:, k], 0.0)
        if lacking.sum() == 0:
            lacking[:] = 1.0
        turn = rng.permutation(lacking.size)
        edges = np.cumsum(lacking[turn] / lacking.sum())
        middle = (np.cumsum(share) - share / 2) / share.sum()
        dealt = turn[np.minimum(np.searchsorted(edges, middle), lacking.size - 1)]
        fold[members] = dealt
        together = sparse.csr_matrix(
            (np.ones(members.size), (dealt, np.arange(members.size))),
            shape=(lacking.size, members.size),
        )
        have += (together @ shares[members]).toarray()


def split_groups(groups: IntArray, codes: IntArray, folds: int, seed: int) -> IntArray:
    """Return the fold of each row, of as many folds up to ``folds`` as the groups allow.

    In each fold, and outside each, are rows of two classes.

    Raises
    ------
    InvalidDataError
        If not even two folds can be.
    """
    there = np.unique(codes)
    spread = [np.count_nonzero(np.bincount(groups[codes == k])) for k in there]
    second = int(np.sort(spread)[-2])
    for k in range(min(folds, second), 1, -1):
        fold = deal_groups(groups, codes, k, np.random.default_rng(seed))
        if _have_two_classes(fold, codes, k):
            return fold
    n_groups = np.count_nonzero(np.bincount(groups))
    msg = (
        f"groups must let rows of two classes be held out and others train, got {n_groups:,} "
        f"group{'s' if n_groups > 1 else ''}, of which {second} "
        f"ha{'ve' if second > 1 else 's'} rows of the second class. Leave groups out, give X_val "
        "and y_val, or use cv=None."
    )
    raise InvalidDataError(msg)


def _have_two_classes(fold: IntArray, codes: IntArray, folds: int) -> bool:
    classes = int(codes.max()) + 1
    table = np.bincount(fold * classes + codes, minlength=folds * classes).reshape(folds, -1)
    inside: BoolArray = (table > 0).sum(axis=1) >= 2
    outside: BoolArray = (table < table.sum(axis=0)).sum(axis=1) >= 2
    return bool(inside.all() and outside.all())


def joined(groups: IntArray, copies: IntArray, folds: int) -> IntArray:
    """Return groups that also hold copies of their rows; ``groups`` where one would be too large.

    Parameters
    ----------
    groups, copies : int arrays of shape (n,)
        Equal for rows that belong together.
    folds : int
        No group that was joined is larger than a fold.
    """
    n = int(groups.max()) + 1
    edges = sparse.coo_matrix(
        (np.ones(groups.size, bool), (groups, copies + n)), shape=(n + int(copies.max()) + 1,) * 2
    )
    labels: IntArray = csgraph.connected_components(edges, directed=False)[1][groups]
    largest = max(groups.size / folds, float(np.bincount(groups).max()))
    return labels if np.bincount(labels).max() <= largest else groups
