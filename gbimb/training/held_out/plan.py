"""Which rows are held out from which booster."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, TypeGuard

import numpy as np
from sklearn.model_selection import check_cv

from gbimb.exceptions import (
    GbimbError,
    InvalidDataError,
    InvalidParameterError,
    InvalidTypeError,
    warn,
)
from gbimb.json_text import percent
from gbimb.training.held_out.folds import Splits, joined, split_groups, stratified
from gbimb.training.held_out.time_plan import plan_windows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from gbimb.array_types import IntArray
    from gbimb.tables.dependence import Dependence
    from gbimb.training.held_out.time_plan import Window

CROSS_FIT_ROWS: Final = 20_000
CROSS_FIT_RARE_ROWS: Final = 200_000
PLENTY: Final = 7_000
SMALLEST_TABLE: Final = 100
SMALLEST_CLASS: Final = 10
FOLDS: Final = 5
MOST_FOLDS: Final = 1_000_000
EVEN_SIZES: Final = 0.8
HOLD_OUT: Final = 5  # one row in so many


@dataclass(frozen=True)
class ValidationPlan:
    """The boosters to train.

    Attributes
    ----------
    splits : Splits
        Empty if no row is held out: one booster is then trained on all rows.
    reason : str
        What was picked, and why.
    uneven : bool
        Whether the boosters are not to have equal shares: they trained on unlike parts.
    windows : tuple of Window
        Parts of the past to train on, where later rows are held out; ``splits`` are those of the
        first one.
    at_random : Splits
        Where whole groups are held out: as many splits of rows drawn at random, to compare.
    groups : int array of shape (n,) or None
        Those of all rows, where whole groups are held out.
    """

    splits: Splits
    reason: str
    uneven: bool = False
    windows: tuple[Window, ...] = ()
    at_random: Splits = ()
    groups: IntArray | None = None

    def hinting(self, hint: str) -> ValidationPlan:
        """Return the plan that also says what rows drawn at random may not be fit for."""
        return replace(self, reason=f"{self.reason}; {hint}") if hint and self.splits else self

    def held_out_groups(self) -> IntArray | None:
        """Return the groups of held-out rows, fold by fold; None where groups are not held out."""
        if self.groups is None:
            return None
        found: IntArray = self.groups[np.concatenate([test for _, test in self.splits])]
        return found

    def compared(self, metric: str, drawn: float) -> ValidationPlan:
        """Return the plan that also says what rows drawn at random would have promised."""
        said = f"{self.reason}; rows held out at random would have promised {metric} {drawn:.3f}"
        return replace(self, reason=said)


def given_splits(cv: object, X: object, codes: NDArray[Any]) -> Splits | None:
    """Return the splits of a scikit-learn splitter or an iterable; None for any other ``cv``."""
    if cv is None or isinstance(cv, str | bool | float | int | np.integer):
        return None
    try:
        splits = tuple(_rows(check_cv(cv, codes, classifier=True), X, codes))
    except GbimbError:
        raise
    except (TypeError, ValueError) as error:
        reason = str(error).rstrip(".")
        if "group" in f"{type(cv).__name__} {reason}".lower():
            msg = (
                f"cv must split the rows without groups, got {type(cv).__name__}. Leave cv out and "
                "give groups to fit, which holds whole groups out, or "
                "cv=list(cv.split(X, y, groups))."
            )
            raise InvalidParameterError(msg) from None
        msg = f"cv must yield pairs (train, test) of row numbers, got {cv!r:.80}: {reason}."
        raise InvalidParameterError(msg) from None
    for train, test in splits:
        _check_split(train, test, codes)
    if not splits:
        msg = (
            f"cv must yield a split, got none from {cv!r:.80}. A generator yields its splits once: "
            "give list(...) of it. Use None to hold out no row."
        )
        raise InvalidParameterError(msg)
    return splits


def plan_of(splits: Splits, n: int) -> ValidationPlan:
    """Return the plan of given splits of ``n`` rows; say where they do not partition the rows.

    Boosters are uneven if they trained on unlike numbers of rows, or each on rows before those
    that it holds out, as time series are split.
    """
    reason = f"{len(splits)} split{'s' if len(splits) > 1 else ''} given by cv"
    held_out = np.bincount(np.concatenate([test for _, test in splits]), minlength=n)
    if (held_out == 1).all() and all(train.size + test.size == n for train, test in splits):
        return ValidationPlan(splits, reason)
    trained = np.zeros(n, bool)
    for train, _ in splits:
        trained[train] = True
    unseen = n - np.count_nonzero(trained)
    sizes = np.array([train.size for train, _ in splits])
    shares = " to ".join(dict.fromkeys(percent(size / n) for size in (sizes.min(), sizes.max())))
    found = f"the boosters trained on {shares} of the rows"
    if unseen:
        found += f" and none on {unseen:,} of them"
    if not held_out.all():
        found += f", {np.count_nonzero(held_out == 0):,} rows were never held out"
    in_time = all(train[-1] < test[0] for train, test in splits)
    uneven = len(splits) > 1 and (sizes.min() < EVEN_SIZES * sizes.max() or in_time)
    if uneven:
        by = "how well it predicts the rows that none trained on" if unseen else "its rows"
        warn(
            f"cv does not hold out each row once: {found}. Each booster counts by {by}; leave cv "
            "at 'auto' to train on all rows, or fit on the newest rows alone if they are unlike "
            "the older ones."
        )
    return ValidationPlan(splits, f"{reason}: {found}", uneven)


def renumber_splits(kept: IntArray, splits: Splits | None, codes: NDArray[Any]) -> Splits | None:
    """Return ``splits`` in the numbering of the rows ``kept``, which have the class ``codes``."""
    if splits is None:
        return None
    last = max(int(rows[-1]) for pair in splits for rows in pair)
    number = np.full(max(last, int(kept[-1])) + 1, -1)
    number[kept] = np.arange(kept.size)

    def renumber(rows: IntArray) -> IntArray:
        found: IntArray = number[rows]
        return found[found >= 0]

    left = tuple((renumber(train), renumber(test)) for train, test in splits)
    for train, test in left:
        _check_split(train, test, codes)
    return left


def make_plan(
    cv: object,
    codes: NDArray[Any],
    random_state: int,
    copies: IntArray | None = None,
    dependence: Dependence | None = None,
) -> ValidationPlan:
    """Return the plan that ``cv`` asks for.

    Parameters
    ----------
    cv : "auto", "holdout", int >= 2 or None
    codes : array of shape (n,), class codes
    random_state : int
    copies : int array of shape (n,), optional
        Equal for copied rows, of a class, to hold out together.
    dependence : Dependence, optional
        Groups to hold out together, or the order of the rows in time.

    Raises
    ------
    InvalidParameterError
        If ``cv`` is something else.
    InvalidDataError
        If a class has fewer rows than folds, or all in one group or at one time.
    """
    counts = np.sort(np.bincount(codes)[np.unique(codes)])[::-1]
    size = f"{codes.size:,} rows, {counts[-1]:,} of the rarest class"
    auto = isinstance(cv, str) and cv == "auto"
    if auto:
        # The second class decides: of many, some may be too rare for every fold.
        cv, why = _pick(codes.size, int(counts[1]))
        size = f"{size}: {why}"
    if cv is None:
        return ValidationPlan((), f"no rows held out ({size})")
    if dependence is not None and dependence.time is not None:
        holdout = not auto and isinstance(cv, str) and cv == "holdout"
        if not (auto or holdout):
            msg = (
                "cv must be 'auto', 'holdout' or None beside time, which says what is held out, "
                f"got {cv!r}. Leave one of the two out."
            )
            raise InvalidParameterError(msg)
        return _in_time(dependence.time, codes, random_state, holdout=holdout)
    if dependence is not None and dependence.groups is not None:
        groups = dependence.groups if copies is None else joined(dependence.groups, copies, FOLDS)
        return _by_groups(cv, groups, codes, random_state, size)
    if isinstance(cv, str) and cv == "holdout":
        ((train, test),) = stratified(codes, HOLD_OUT, random_state, copies, first=1)
        # A class with a single row is there to train on.
        alone = ~np.isin(codes[test], codes[train])
        split = np.sort(np.concatenate([train, test[alone]])), test[~alone]
        return ValidationPlan((split,), f"one row in five held out ({size})")
    if _is_folds(cv):
        splits = stratified(codes, int(cv), random_state, copies)
        return ValidationPlan(splits, f"{cv}-fold cross-fitting ({size})")
    raise _not_a_plan(cv)


def _not_a_plan(cv: object) -> InvalidParameterError:
    return InvalidParameterError(
        f"cv must be 'auto', 'holdout', None, 2 to {MOST_FOLDS:,} folds, a scikit-learn splitter "
        f"or an iterable of (train, test) row numbers, got {cv!r}."
    )


def _is_folds(cv: object) -> TypeGuard[int]:
    """Whether ``cv`` is a number of folds."""
    return (
        isinstance(cv, int | np.integer)
        and not isinstance(cv, bool)
        and bool(2 <= cv <= MOST_FOLDS)
    )


def _by_groups(
    cv: object, groups: IntArray, codes: IntArray, random_state: int, size: str
) -> ValidationPlan:
    """Return the plan of folds that share no group."""
    if isinstance(cv, str) and cv == "holdout":
        folds = HOLD_OUT
    elif _is_folds(cv):
        folds = int(cv)
    else:
        raise _not_a_plan(cv)
    fold = split_groups(groups, codes, folds, random_state)
    found = int(fold.max()) + 1
    about = f"{np.unique(groups).size:,} groups, none on both sides"
    if found < folds:
        about += f", {found} folds instead of {folds} because of few groups"
    about += f"; {size}"
    pairs = _pairs(fold)
    drawn = _pairs(split_groups(np.arange(codes.size), codes, found, random_state))
    if isinstance(cv, str):
        reason = f"one group in {found} held out ({about})"
        return ValidationPlan(pairs[:1], reason, at_random=drawn[:1], groups=groups)
    reason = f"{found}-fold cross-fitting by groups ({about})"
    return ValidationPlan(pairs, reason, at_random=drawn, groups=groups)


def _pairs(fold: IntArray) -> Splits:
    """Return what trains and what is held out for each fold of the rows."""
    folds = range(int(fold.max()) + 1)
    return tuple((np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in folds)


def _in_time(
    time: IntArray, codes: IntArray, random_state: int, *, holdout: bool
) -> ValidationPlan:
    """Return the plan of later blocks that are held out from earlier rows."""
    windows = []
    for window in plan_windows(time, codes, holdout=holdout):
        inner = make_plan("holdout" if holdout else "auto", codes[window.rows], random_state).splits
        folds = tuple((window.rows[train], window.rows[test]) for train, test in inner)
        windows.append(replace(window, folds=folds))
    blocks = windows[0].splits
    later = sum(test.size for _, test in blocks)
    reason = (
        f"the newest {later:,} of {time.size:,} rows, in {len(blocks)} "
        f"block{'s' if len(blocks) > 1 else ''} each predicted from earlier rows"
    )
    return ValidationPlan(blocks, reason, windows=tuple(windows))


def _pick(rows: int, second: int) -> tuple[object, str]:
    if rows < SMALLEST_TABLE or second < SMALLEST_CLASS:
        few = f"{SMALLEST_TABLE} rows, {SMALLEST_CLASS} of the second class"
        return None, f"at least {few}, are needed to hold some out"
    if rows <= CROSS_FIT_ROWS:
        return FOLDS, f"up to {CROSS_FIT_ROWS:,} rows are cross-fitted"
    if rows <= CROSS_FIT_RARE_ROWS and second < PLENTY:
        return FOLDS, f"cross-fitted where the second class has fewer than {PLENTY:,} rows"
    return "holdout", "large enough for one hold-out"


def _rows(
    splitter: Any,
    X: object,
    codes: NDArray[Any],
) -> Iterator[tuple[IntArray, IntArray]]:
    try:
        for train, test in splitter.split(X, codes):
            yield _row_numbers(train, codes.size), _row_numbers(test, codes.size)
    except (GbimbError, TypeError, ValueError):
        raise
    except Exception as error:
        msg = f"cv must yield splits, got {type(splitter).__name__} that raises {error!r:.80}."
        raise InvalidParameterError(msg) from error


def _check_split(train: IntArray, test: IntArray, codes: NDArray[Any]) -> None:
    """Refuse held-out rows that are also trained on, and a class that is missing."""
    both = np.intersect1d(train, test, assume_unique=False)
    if both.size:
        msg = (
            f"cv must keep the rows that train and those held out apart, got {both.size} rows in "
            f"both parts of a split, such as row {both[0]}."
        )
        raise InvalidDataError(msg)
    for rows, part in ((train, "training"), (test, "held-out")):
        if np.unique(codes[rows]).size < 2:
            msg = f"cv must yield parts with two classes, got a {part} part with only one."
            raise InvalidDataError(msg)


def _row_numbers(rows: Any, n: int) -> IntArray:  # row numbers or a mask
    array = np.asarray(rows)
    if array.dtype.kind not in "biu" or array.ndim != 1:
        msg = f"cv must yield arrays of row numbers, got {rows!r:.60}."
        raise InvalidTypeError(msg)
    numbers = np.flatnonzero(array) if array.dtype == np.bool_ else np.sort(array)
    if numbers.size == 0 or numbers[0] < 0 or numbers[-1] >= n:
        msg = f"cv must yield row numbers from 0 to {n - 1}, in both parts of each split."
        raise InvalidDataError(msg)
    return numbers
