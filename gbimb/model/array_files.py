"""Arrays as lists of values or base64, and back; None where they are not what they should be."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

NUMBERS: Final = (
    *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)),
    *("float16", "float32", "float64", "bool"),
)
TEXT: Final = re.compile(r"str(\d{1,6})", re.ASCII)
MOST_CHARACTERS: Final = 1 << 24  # of a text array, which NumPy pads to the longest one
MOST_LISTED: Final = 32  # longer arrays of numbers are base64


def to_base64(array: NDArray[Any]) -> str:
    """Return the bytes of numbers, little-endian and in C order."""
    raw = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()
    return base64.b64encode(raw).decode("ascii")


def from_base64(content: str, code: str, size: int) -> NDArray[Any] | None:
    """Return ``size`` numbers of the dtype ``code``."""
    dtype = np.dtype(code).newbyteorder("<")
    try:
        raw = base64.b64decode(content, validate=True)
    except ValueError:
        return None
    if len(raw) != size * dtype.itemsize or (code == "bool" and raw.strip(b"\0\1")):
        return None
    return np.frombuffer(raw, dtype).astype(code)


def from_numbers(values: Sequence[Any], dtype: np.dtype[Any]) -> NDArray[Any] | None:
    """Return numbers of one kind as an array; none is rounded to another."""
    allowed = {"b": (bool,), "f": (float,)}.get(dtype.kind, (int,))
    if not all(type(value) in allowed for value in values):
        return None
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        if not all(limits.min <= value <= limits.max for value in values):
            return None
    with np.errstate(over="ignore"):  # infinity is refused where it is not allowed
        return np.array(values, dtype=dtype)


def from_texts(values: Sequence[Any], code: object) -> NDArray[Any] | None:
    """Return strings as an array of the width that ``code`` names."""
    width = TEXT.fullmatch(code) if isinstance(code, str) else None
    if width is None or not all(type(value) is str for value in values):
        return None
    longest = int(width[1])
    if longest * len(values) > MOST_CHARACTERS or any(len(value) > longest for value in values):
        return None
    return np.array(values, dtype=f"U{longest}")
