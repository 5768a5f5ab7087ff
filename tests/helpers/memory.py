"""What a call allocates."""

from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def least_peak(call: Callable[[], object], repeats: int = 5) -> int:
    """Return the peak of a call in bytes, the least of several.

    What the call allocates, it allocates each time; what other threads allocate meanwhile, it
    does not.
    """
    peaks = []
    for _ in range(repeats):
        tracemalloc.start()
        try:
            call()
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    return min(peaks)
