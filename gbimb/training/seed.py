"""The seed of a fit."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from sklearn.utils import check_random_state

from gbimb.exceptions import InvalidParameterError

LARGEST_SEED: Final = int(np.iinfo(np.int32).max)


def draw_seed(random_state: Any) -> int:  # int, RandomState or None
    """Return a seed for the engines and NumPy, drawn from ``random_state``.

    Raises
    ------
    InvalidParameterError
        If ``random_state`` is something else.
    """
    try:
        generator = check_random_state(random_state)
    except ValueError:
        msg = (
            "random_state must be a whole number from 0 to 2**32 - 1, a numpy RandomState or "
            f"None, got {random_state!r}."
        )
        raise InvalidParameterError(msg) from None
    return int(generator.randint(LARGEST_SEED))
