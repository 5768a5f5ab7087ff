"""Python and NumPy values as JSON with explicit types, and back."""

from __future__ import annotations

import base64
import math
import re
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from sklearn.model_selection import (
    KFold,
    PredefinedSplit,
    ShuffleSplit,
    StratifiedKFold,
    StratifiedShuffleSplit,
    TimeSeriesSplit,
)

from gbimb.exceptions import GbimbError, InvalidDataError
from gbimb.json_text import shown
from gbimb.losses import loss_classes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

SURROGATE: Final = re.compile("[\ud800-\udfff]")  # half a character, which no text has
WORDS_OF_STATE: Final = 624  # of the Mersenne Twister
INTEGERS: Final = range(-(1 << 63), 1 << 64)

SPLITTERS: Final[dict[str, tuple[type, tuple[str, ...]]]] = {
    "KFold": (KFold, ("n_splits", "shuffle", "random_state")),
    "PredefinedSplit": (PredefinedSplit, ("test_fold",)),
    "ShuffleSplit": (ShuffleSplit, ("n_splits", "test_size", "train_size", "random_state")),
    "StratifiedKFold": (StratifiedKFold, ("n_splits", "shuffle", "random_state")),
    "StratifiedShuffleSplit": (
        StratifiedShuffleSplit,
        ("n_splits", "test_size", "train_size", "random_state"),
    ),
    "TimeSeriesSplit": (TimeSeriesSplit, ("n_splits", "max_train_size", "test_size", "gap")),
}


def encode(value: Any, name: str) -> Any:
    """Return ``value`` in terms of JSON; ``name`` is for errors."""
    kind = type(value)
    if value is None or kind in (bool, str) or (kind is int and value in INTEGERS):
        return value
    if kind is float:
        return value if math.isfinite(value) else {"type": "float", "value": repr(value)}
    if kind in (list, tuple):
        items = [encode(item, name) for item in value]
        return items if kind is list else {"type": "tuple", "items": items}
    if kind is dict:
        pairs = [[encode(k, name), encode(v, name)] for k, v in value.items()]
        return {"type": "dict", "items": pairs}
    if isinstance(value, np.generic | np.ndarray):
        return _encode_array(value, name)
    return _encode_object(value, name)


def decode(data: Any, name: str) -> Any:
    """Return the value that ``encode`` made ``data`` of, or raise."""
    if data is None or isinstance(data, bool):
        return data
    if isinstance(data, str):
        if data.isascii() or not SURROGATE.search(data):
            return data
    elif isinstance(data, int | float):
        if data in INTEGERS if isinstance(data, int) else math.isfinite(data):
            return data
    elif isinstance(data, list):
        return [decode(item, name) for item in data]
    elif isinstance(data, dict) and isinstance(data.get("type"), str):
        decoder = DECODERS.get(data["type"])
        if decoder is not None:
            return decoder(data, name)
    raise malformed(name, data)


def malformed(name: str, data: object) -> InvalidDataError:
    """Build the error for JSON that is not what it should be."""
    return InvalidDataError(
        f"{name} does not have the form that the format asks for, got {shown(data)}."
    )


def check_keys(data: object, name: str, *keys: str) -> dict[str, Any]:
    """Return ``data``, an object with just these names, or raise."""
    if not isinstance(data, dict) or data.keys() != set(keys):
        raise malformed(name, data)
    return data


def _encode_object(value: Any, name: str) -> dict[str, Any]:
    kind = type(value)
    if loss_classes().get(kind.__name__) is kind:
        params = {f.name: encode(getattr(value, f.name), name) for f in fields(value)}
        return {"type": "loss", "name": kind.__name__, "params": params}
    if SPLITTERS.get(kind.__name__, (None,))[0] is kind:
        names = SPLITTERS[kind.__name__][1]
        params = {p: encode(getattr(value, p), name) for p in names}
        return {"type": "splitter", "name": kind.__name__, "params": params}
    if kind is np.random.RandomState:
        state = value.get_state(legacy=True)
        if state[0] == "MT19937":
            return {"type": "random_state", "state": [encode(part, name) for part in state[1:]]}
    if kind is pd.Interval:
        ends = [encode(value.left, name), encode(value.right, name)]
        return {"type": "interval", "ends": ends, "closed": value.closed}
    if kind is pd.Timestamp and value.tzinfo is None:
        ticks = int(value.asm8.astype(np.int64))
        return {"type": "timestamp", "ticks": ticks, "unit": value.unit}
    msg = (
        f"{name} must be made of numbers, strings, lists, arrays, gbimb's losses or scikit-learn's "
        f"plain splitters to be saved without code, got {shown(value)} ({kind.__name__}). "
        "Replace it, or use joblib.dump for files that only you will load."
    )
    raise InvalidDataError(msg)


def _encode_array(value: np.generic | NDArray[Any], name: str) -> dict[str, Any]:
    array = np.asarray(value)
    code = f"str{array.itemsize // 4}" if array.dtype.kind == "U" else array.dtype.name
    head: dict[str, Any] = {
        "type": "array" if isinstance(value, np.ndarray) else "scalar",
        "dtype": code,
    }
    if isinstance(value, np.ndarray):
        head["shape"] = list(array.shape)
    if code in NUMBERS and array.size > MOST_LISTED:
        return {**head, "base64": to_base64(array)}
    if code in NUMBERS or code == "object" or array.dtype.kind == "U":
        return {**head, "values": [encode(item, name) for item in array.ravel().tolist()]}
    return _encode_object(value, name)  # raises, in the usual words


def _decode_array(data: dict[str, Any], name: str) -> Any:
    scalar = data["type"] == "scalar"
    held = "base64" if "base64" in data else "values"
    check_keys(data, name, "type", "dtype", held, *(() if scalar else ("shape",)))
    shape = [] if scalar else data["shape"]
    if not isinstance(shape, list) or not all(type(n) is int and n >= 0 for n in shape):
        raise malformed(name, data)
    size = math.prod(shape)
    code, content = data["dtype"], data[held]
    if held == "base64" and code in NUMBERS and isinstance(content, str):
        array = from_base64(content, code, size)
    elif held == "values" and isinstance(content, list) and len(content) == size:
        array = _from_values(content, code, name)
    else:
        array = None
    if array is None or len(shape) > 2 or (scalar and array.dtype == object):
        raise malformed(name, data)
    try:
        return array[0] if scalar else array.reshape(shape)
    except (IndexError, OverflowError, ValueError):  # such as (0, 2**62)
        raise malformed(name, data) from None


def _from_values(content: list[Any], code: object, name: str) -> NDArray[Any] | None:
    values = [decode(item, name) for item in content]
    if code == "object":
        array = np.empty(len(values), dtype=object)
        for i, value in enumerate(values):
            if not isinstance(value, str | bool | int | float):
                return None
            array[i] = value
        return array
    if code in NUMBERS:
        return from_numbers(values, np.dtype(str(code)))
    return from_texts(values, code)


def _decode_float(data: dict[str, Any], name: str) -> float:
    word = check_keys(data, name, "type", "value")["value"]
    if word not in ("nan", "inf", "-inf"):
        raise malformed(name, data)
    return float(word)


def _items(data: dict[str, Any], name: str) -> list[Any]:
    items = check_keys(data, name, "type", "items")["items"]
    if not isinstance(items, list):
        raise malformed(name, data)
    return [decode(item, name) for item in items]


def _decode_dict(data: dict[str, Any], name: str) -> dict[Any, Any]:
    try:
        return dict(_items(data, name))
    except (TypeError, ValueError):  # no pairs, or keys that cannot be keys
        raise malformed(name, data) from None


def _decode_params(data: dict[str, Any], name: str) -> tuple[str, dict[str, Any]]:
    check_keys(data, name, "type", "name", "params")
    if not isinstance(data["params"], dict) or not isinstance(data["name"], str):
        raise malformed(name, data)
    return data["name"], {key: decode(value, name) for key, value in data["params"].items()}


def _decode_loss(data: dict[str, Any], name: str) -> Any:
    kind, params = _decode_params(data, name)
    known: dict[str, Any] = loss_classes()
    if kind not in known or not params.keys() <= {f.name for f in fields(known[kind])}:
        raise malformed(name, data)
    try:
        return known[kind](**params)
    except (GbimbError, TypeError) as error:
        msg = f"{name} must be a valid loss: {str(error)[:200].rstrip('.')}."
        raise InvalidDataError(msg) from None


def _decode_splitter(data: dict[str, Any], name: str) -> Any:
    kind, params = _decode_params(data, name)
    if kind not in SPLITTERS or params.keys() != set(SPLITTERS[kind][1]):
        raise malformed(name, data)
    try:
        return SPLITTERS[kind][0](**params)
    except (TypeError, ValueError):
        raise malformed(name, data) from None


def _decode_random_state(data: dict[str, Any], name: str) -> np.random.RandomState:
    """Return the generator; NumPy does not check the position, and reads where it points."""
    state = decode(check_keys(data, name, "type", "state")["state"], name)
    kinds = [type(part) for part in state] if isinstance(state, list) else []
    if (
        kinds != [np.ndarray, int, int, float]
        or (state[0].dtype, state[0].shape) != (np.uint32, (WORDS_OF_STATE,))
        or not 0 <= state[1] <= WORDS_OF_STATE
        or state[2] not in {0, 1}
    ):
        raise malformed(name, data)
    generator = np.random.RandomState(0)
    generator.set_state(("MT19937", *state))
    return generator


def _decode_interval(data: dict[str, Any], name: str) -> pd.Interval[Any]:
    check_keys(data, name, "type", "ends", "closed")
    try:
        left, right = decode(data["ends"], name)
        return pd.Interval(left, right, closed=data["closed"])
    except InvalidDataError:
        raise
    except (TypeError, ValueError):
        raise malformed(name, data) from None


def _decode_timestamp(data: dict[str, Any], name: str) -> pd.Timestamp:
    check_keys(data, name, "type", "ticks", "unit")
    try:
        return pd.Timestamp(np.datetime64(data["ticks"], data["unit"]))
    except (TypeError, ValueError, OverflowError):
        raise malformed(name, data) from None


DECODERS: Final[dict[str, Callable[[dict[str, Any], str], Any]]] = {
    "array": _decode_array,
    "dict": _decode_dict,
    "float": _decode_float,
    "interval": _decode_interval,
    "loss": _decode_loss,
    "random_state": _decode_random_state,
    "scalar": _decode_array,
    "splitter": _decode_splitter,
    "timestamp": _decode_timestamp,
    "tuple": lambda data, name: tuple(_items(data, name)),
}

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
