"""JSON read strictly and written plainly, and texts as they are shown."""

from __future__ import annotations

import json
import math
import reprlib
from typing import TYPE_CHECKING, Any, Final

from gbimb.exceptions import InvalidDataError

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_SHOWN: Final = 120


def write_json(value: object) -> bytes:
    """Return ``value`` as ASCII, the same bytes every time."""
    return json.dumps(value, sort_keys=True, allow_nan=False, indent=1).encode("ascii")


def shown(value: object) -> str:
    """Return what to show of a value in an error, one line of bounded length."""
    try:
        text = " ".join(reprlib.repr(value).split())
    except ValueError:  # a whole number of thousands of digits
        text = f"{type(value).__name__} of too many digits"
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}..."


def percent(share: float, digits: int = 0) -> str:
    """Return a share as it is shown everywhere.

    >>> percent(0.4567), percent(0.004567, 2)
    ('46 %', '0.46 %')
    """
    return f"{100.0 * share:.{digits}f} %"


def read_json(data: bytes, name: str, *, constants: bool = False) -> Any:
    """Return the value in ``data``, whole or not at all.

    Parameters
    ----------
    data : bytes
    name : str
        For errors.
    constants : bool
        Whether the words NaN and Infinity are numbers.
    """
    options: dict[str, Any] = {} if constants else {"parse_constant": _refuse_constant}
    try:
        return json.loads(data.decode("utf-8"), object_pairs_hook=_unique, **options)
    except InvalidDataError as error:
        reason = str(error)
    except UnicodeDecodeError as error:
        reason = f"invalid UTF-8 at byte {error.start}"
    except RecursionError:
        reason = "it nests too deep"
    except ValueError as error:  # JSONDecodeError, or an integer of thousands of digits
        reason = str(error).partition(";")[0]
    msg = f"{name} must be valid JSON, got: {reason.rstrip('.')}."
    raise InvalidDataError(msg)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        msg = "an object holds a name twice"
        raise InvalidDataError(msg)
    return found


def _refuse_constant(word: str) -> None:
    msg = f"the bare word {word}"
    raise InvalidDataError(msg)


def plain(value: Any) -> Any:
    """Return values that JSON knows; NaN and infinity are None.

    >>> import numpy as np
    >>> plain({"a": np.float64("nan"), "b": np.arange(2), "c": (1, True)})
    {'a': None, 'b': [0, 1], 'c': [1, True]}
    """
    if hasattr(value, "tolist"):  # of NumPy, which not every command has loaded
        value = value.tolist()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def to_json(value: Any) -> str:
    """Return JSON text for people to read."""
    return json.dumps(plain(value), indent=2, ensure_ascii=False, allow_nan=False)


def some_of(texts: Sequence[str], most: int) -> str:
    """Return texts one after the other, the first ones of many.

    >>> some_of(["a", "b", "c"], 2)
    'a, b and 1 more'
    """
    more = f" and {len(texts) - most} more" if len(texts) > most else ""
    return ", ".join(texts[:most]) + more


def printable(text: str) -> str:
    r"""Replace control characters, which could move the cursor, by their escapes.

    >>> printable("a\x1b[2J")
    'a\\x1b[2J'
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
