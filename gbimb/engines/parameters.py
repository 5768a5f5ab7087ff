"""Parameters of trees: what is refused of both engines', and what an engine raises."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from contextlib import contextmanager
from numbers import Real
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np
from scipy import sparse

from gbimb.exceptions import InvalidDataError, InvalidParameterError, InvalidTypeError
from gbimb.validation import plain_number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from gbimb.engines.interface import Engine

PLACE: Final = re.compile(r"^\[[\d:]+\] \S+: | at /.*")  # XGBoost's, LightGBM's


@contextmanager
def engine_errors(engine: Engine, engine_params: Mapping[str, Any] | None) -> Iterator[None]:
    """Turn what an engine raises into one sentence."""
    try:
        yield
    except engine.EngineError as error:
        # The first line, without the time and the place in the engine's source.
        reason = str(error).partition("\n")[0].rpartition("Check failed: ")[2]
        reason = PLACE.sub("", reason).strip(" .")
        msg = f"engine_params must be what {engine.NAME} allows, got {engine_params}: {reason}."
        if not engine_params:
            msg = f"{engine.NAME} cannot train with these parameters or on this table: {reason}."
        if "num_features()" in reason:
            msg = "X must have a column with more than one value, got columns of a single one."
            raise InvalidDataError(msg) from None
        if "(num_data) > (0)" in reason:
            msg = "subsample must leave a row to each tree, got a share of so few rows that is 0."
        raise InvalidParameterError(msg) from None


def check_interactions(engine_params: Mapping[str, Any] | None, n_features: int) -> None:
    """Refuse groups of columns that are not there: LightGBM would read beyond its memory."""
    given = (engine_params or {}).get("interaction_constraints", [])
    try:
        groups = json.loads(f"[{given}]") if isinstance(given, str) else given
        if isinstance(given, str) and groups and all(isinstance(g[0], list) for g in groups):
            groups = groups[0]  # XGBoost's form has brackets around all
        known = range(n_features)
        wrong = [column for group in groups for column in group if column not in known]
    except (TypeError, ValueError, LookupError):
        wrong = [given]
    if wrong:
        msg = (
            "engine_params['interaction_constraints'] must be lists of numbers of columns from 0 "
            f"to {n_features - 1}, such as [[0, 1], [2]], got {wrong[0]!r:.80}."
        )
        raise InvalidParameterError(msg)


def check_files(
    params: Mapping[str, Any], names: Sequence[str], synonyms: Callable[[str], set[str]]
) -> None:
    """Refuse files that are not there, which LightGBM only warns of on its own output."""
    for name, value in params.items():
        wanted = {name, *synonyms(name)} & set(names)
        if wanted and not (isinstance(value, str) and os.path.isfile(value)):  # noqa: PTH113  Path raises on names that are too long
            msg = f"engine_params[{name!r}] must name a file, got {value!r:.200}, which is none."
            raise InvalidParameterError(msg)


def check_monotone(
    engine: Engine,
    engine_params: Mapping[str, Any] | None,
    names: Sequence[str],
    categorical: Mapping[int, str],
    matrix: Any,
) -> None:
    """Refuse directions that an engine ignores, breaks or aborts on.

    Parameters
    ----------
    engine : Engine
    engine_params : dict or None
    names : sequence of str
        Those that the engine has for the columns of ``matrix``.
    categorical : mapping of position to name
        Of the columns with categories.
    matrix : ndarray, SciPy matrix or stream
    """
    for name, given in (engine_params or {}).items():
        known = {name, *engine.synonyms(name)}
        if "monotone_constraints_method" in known and given != "basic" and _may_lack_values(matrix):
            msg = (
                f"engine_params[{name!r}] must be 'basic' where X has missing values or is a "
                f"ParquetSource, got {given!r:.80}: LightGBM does not keep to the directions there."
            )
            raise InvalidParameterError(msg)
        if "monotone_constraints" not in known:
            continue
        directions = (
            _directions(given, names) if isinstance(given, tuple(engine.MONOTONE_FORMS)) else []
        )
        if not directions:
            msg = (
                f"engine_params[{name!r}] must give -1, 0 or 1 to each of {len(names)} columns, as "
                f"{' or '.join(engine.MONOTONE_FORMS.values())}, got {given!r:.80}."
            )
            raise InvalidParameterError(msg)
        if wrong := [i for i in categorical if directions[i]]:
            msg = (
                f"engine_params[{name!r}] must give 0 to {categorical[wrong[0]]!r}, whose "
                f"categories have no order, got {directions[wrong[0]]}. Or turn it into numbers."
            )
            raise InvalidParameterError(msg)


def _may_lack_values(matrix: Any) -> bool:  # an ndarray, a SciPy matrix or a stream
    values = matrix.data if sparse.issparse(matrix) else matrix
    return not isinstance(values, np.ndarray) or bool(np.isnan(values).any())


def _directions(given: Any, names: Sequence[str]) -> list[int]:
    """Return the direction of each column; nothing if these are no directions."""
    if isinstance(given, Mapping):
        values = [given.get(name, 0) for name in names] if given.keys() <= set(names) else []
    elif isinstance(given, str):
        inside = re.fullmatch(r"\((.*)\)", given.strip())
        texts = [part.strip() for part in inside[1].split(",")] if inside else []
        values = [{"-1": -1, "0": 0, "1": 1}.get(text) for text in texts]
    else:
        values = list(given)
    sound = all(map(_is_direction, values)) and len(values) == len(names)
    return [int(v) for v in values] if sound else []


def _is_direction(value: object) -> bool:
    # LightGBM takes True, and anything else that is no number, for 0.
    return not isinstance(value, bool) and isinstance(value, Real) and value in {-1, 0, 1}


def check_engine_params(
    engine_params: dict[str, Any] | None,
    ignored: Mapping[str, str],
    taken: Mapping[str, str],
    synonyms: Callable[[str], set[str]],
) -> dict[str, Any]:
    """Return a copy of ``engine_params``, or raise with a message that names the alternative.

    Parameters
    ----------
    engine_params : dict or None
    ignored : mapping
        Names that the engine ignores under a custom objective, with the remedy.
    taken : mapping
        Names that the estimator sets, with its own name for them, or why there is none.
    synonyms : callable
        From a name to all names that the engine has for it; none if it does not know it.
    """
    if engine_params is None:
        return {}
    if not isinstance(engine_params, dict):
        msg = f"engine_params must be a dict or None, got {engine_params!r}."
        raise InvalidTypeError(msg)
    for name, value in cast("dict[Any, Any]", engine_params).items():
        if not isinstance(name, str) or value is None:
            msg = f"engine_params must hold values by name, got {name!r}: {value!r}. Leave it out."
            raise InvalidTypeError(msg)
        names = synonyms(name)
        for main in taken.keys() & {name, *names}:
            own = taken[main]
            remedy = f"use {own}=..." if own.isidentifier() else own
            msg = f"engine_params must not hold {name!r}: {remedy}."
            raise InvalidParameterError(msg)
        for main in ignored.keys() & {name, *names}:
            msg = (
                f"engine_params must not hold {name!r}: the engine ignores it under a custom "
                f"objective. Instead, {ignored[main]}."
            )
            raise InvalidParameterError(msg)
        if not names:
            msg = f"engine_params must hold parameters of the engine, which has no {name!r}."
            raise InvalidParameterError(msg)
    return {name: _plain(name, value) for name, value in engine_params.items()}


def _plain(name: str, value: Any) -> Any:
    """Return what an engine can write into its own text: no other types, nothing too large."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    elif isinstance(value, os.PathLike):
        value = os.fspath(value)
    value = plain_number(value)
    if isinstance(value, list | tuple):
        return type(value)(_plain(name, part) for part in value)
    if isinstance(value, dict):
        return {key: _plain(name, part) for key, part in value.items()}
    if isinstance(value, str):
        sound = value.isprintable()
    else:
        sound = isinstance(value, int | float) and abs(value) <= float(np.finfo(np.float32).max)
    if not sound:
        msg = (
            f"engine_params[{name!r}] must be a text, a finite number, True, False or a list of "
            f"these, got {value!r:.80} ({type(value).__name__})."
        )
        raise InvalidTypeError(msg)
    return value


def max_bin(params: Mapping[str, Any], default: int) -> int:
    """Return the most bins of a column that somebody chose, or the default."""
    given = params.get("max_bin", default)
    try:
        return int(given)
    except (TypeError, ValueError):
        msg = f"engine_params['max_bin'] must be a whole number, got {given!r:.80}."
        raise InvalidParameterError(msg) from None
