"""Further engine parameters, with those refused that would do nothing or contradict ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gbimb.exceptions import InvalidParameterError, InvalidTypeError

if TYPE_CHECKING:
    from collections.abc import Mapping


def check_engine_params(
    engine_params: dict[str, Any] | None,
    ignored: Mapping[str, str],
    taken: Mapping[str, str | None],
) -> dict[str, Any]:
    """Return a copy of ``engine_params``, or raise with what to use instead.

    Parameters
    ----------
    engine_params : dict or None
    ignored : mapping
        Names that the engine ignores under a custom objective, with the remedy.
    taken : mapping
        Names that the estimator sets, with its own name for them (None: it decides).
    """
    if engine_params is None:
        return {}
    if not isinstance(engine_params, dict):
        msg = f"engine_params must be a dict or None, got {engine_params!r}."
        raise InvalidTypeError(msg)
    for name in engine_params:
        if name in taken:
            own = taken[name]
            remedy = f"use {own}=..." if own else "the estimator sets it from the data"
            msg = f"engine_params must not hold {name!r}: {remedy}."
            raise InvalidParameterError(msg)
        if name in ignored:
            msg = (
                f"engine_params must not hold {name!r}: the engine ignores it under a custom "
                f"objective. Instead, {ignored[name]}."
            )
            raise InvalidParameterError(msg)
    return dict(engine_params)
