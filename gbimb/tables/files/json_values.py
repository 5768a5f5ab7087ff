"""Numbers of any kind as JSON that every reader takes."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np


def plain(value: Any) -> Any:
    """Return values that JSON knows; NaN and infinity are None.

    >>> plain({"a": np.float64("nan"), "b": np.arange(2), "c": (1, True)})
    {'a': None, 'b': [0, 1], 'c': [1, True]}
    """
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def to_json(value: Any, indent: int | None = 2) -> str:
    """Return JSON text."""
    return json.dumps(plain(value), indent=indent, ensure_ascii=False, allow_nan=False)
