"""What boosting gives: the members of a blend, and the one booster merged of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from gbimb.array_types import FloatArray, IntArray
    from gbimb.training.backtest import Backtest
    from gbimb.training.boosting import Boosted


@dataclass(frozen=True, eq=False)
class MemberSpec:
    """What sets one member of a blend apart: its parameters of the engine."""

    name: str
    params: Mapping[str, Any]


ONE_MEMBER: Final = (MemberSpec("trees", {}),)


@dataclass(frozen=True, eq=False)
class TrainedMember:
    """The boosters of one member, one for each fold.

    Attributes
    ----------
    spec : MemberSpec
    boosted : Boosted
        History and number of rounds.
    models : list of str or bytes
        In the engine's own form.
    raw : float64 array of shape (m,) or (m, K)
        Of the held-out rows.
    sample : list of float64 arrays
        What each booster gives to the same rows; empty for one alone.
    unseen : list of float64 arrays
        What each booster gives to rows that none trained on, to compare them by.
    share : float
        Of this member in the mean.
    """

    spec: MemberSpec
    boosted: Boosted
    models: Sequence[Any]
    raw: FloatArray
    sample: Sequence[FloatArray] = ()
    unseen: Sequence[FloatArray] = ()
    share: float = 1.0


@dataclass(frozen=True, eq=False)
class Trained:
    """One merged booster, and what was learned about it on held-out rows.

    Attributes
    ----------
    booster : the engine's booster
        Its raw score is corrected.
    members : sequence of TrainedMember
        What it was merged from.
    y, raw, proba, weight : arrays of shape (m,), (m,) or (m, K) twice, and (m,) or None
        Labels, corrected raw scores, probabilities and weights of the held-out rows, fold by
        fold; None if there are none.
    folds : int array or None
        Those with a share in the booster; None is all, with equal shares.
    groups : int array of shape (m,) or None
        Of the held-out rows, where whole groups are held out.
    backtest : Backtest or None
        Of rows that were held out in blocks by time.
    as_of : tuple of float64 arrays
        ``raw`` as it was at each of its steps.
    """

    booster: Any
    members: Sequence[TrainedMember]
    y: NDArray[Any] | None = None
    raw: FloatArray | None = None
    proba: FloatArray | None = None
    weight: NDArray[Any] | None = None
    folds: IntArray | None = None
    groups: IntArray | None = None
    backtest: Backtest | None = None
    as_of: tuple[FloatArray, ...] = ()


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Labels and weights of rows that trained none of the trees that score them.

    Of those that were held out in blocks by time, how they are tested, too.
    """

    y: NDArray[Any]
    weight: NDArray[Any] | None
    backtest: Backtest | None = None


@dataclass(frozen=True, eq=False)
class Newest:
    """The newest rows, scored by boosters that they did not train.

    Attributes
    ----------
    raw : dict of str to float64 array
        Raw scores by the name of the member.
    share : float64 array of shape (K,)
        Of the classes to expect, by target.
    weight : array or None
    """

    raw: Mapping[str, FloatArray]
    share: FloatArray
    weight: NDArray[Any] | None
