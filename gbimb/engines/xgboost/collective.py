"""XGBoost's connection between processes: what distributed boosters and metrics add up with."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

import xgboost as xgb
from xgboost import collective
from xgboost.tracker import RabitTracker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

OPERATIONS: Final = {
    "sum": collective.Op.SUM,
    "min": collective.Op.MIN,
    "max": collective.Op.MAX,
}
# A process waits for a slower one as long as it takes: whoever started them watches them.
DAY_SECONDS: Final = 86_400
SECONDS_TO_LEAVE: Final = 10


class Tracker:
    """Brings processes together; lives in one of them.

    Parameters
    ----------
    n_processes : int
    host : str
        Address of this machine, under which the others reach it.

    Attributes
    ----------
    address : dict
        For :func:`joined`.
    """

    def __init__(self, n_processes: int, host: str) -> None:
        self._tracker = RabitTracker(n_processes, host, sortby="task")
        self._tracker.start()
        self.address: dict[str, Any] = dict(self._tracker.worker_args())

    def stop(self) -> None:
        """Let go of the processes, whether they are done or not.

        Those that are there leave through the tracker, and would wait for it if it were gone.
        """
        with suppress(xgb.core.XGBoostError, ValueError):
            self._tracker.wait_for(SECONDS_TO_LEAVE)
        with suppress(xgb.core.XGBoostError):  # it complains of those that it still waited for
            self._tracker.free()


@contextmanager
def joined(address: dict[str, Any], rank: int) -> Iterator[None]:
    """Be one of the processes of a tracker, the one with this rank, in this thread."""
    with (
        xgb.config_context(verbosity=0),
        collective.CommunicatorContext(
            **address, dmlc_task_id=f"{rank:06d}", dmlc_timeout=DAY_SECONDS
        ),
    ):
        yield


def all_reduce(values: NDArray[Any], how: str) -> NDArray[Any]:
    """Return the "sum", "min" or "max" of an array over all processes, in its own shape."""
    return collective.allreduce(values, OPERATIONS[how]).reshape(values.shape)
