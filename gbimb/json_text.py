"""JSON read strictly: one meaning, no surprises."""

from __future__ import annotations

import json
import reprlib
from typing import Any, Final

from gbimb.exceptions import InvalidDataError

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
