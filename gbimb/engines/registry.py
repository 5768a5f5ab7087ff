"""The engines by name. To add one: its folder beside this file, and a row of ``libraries``."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

from gbimb.engines.libraries import ENGINES
from gbimb.exceptions import unknown_name

if TYPE_CHECKING:
    from gbimb.engines import lightgbm, xgboost
    from gbimb.engines.interface import Engine

    # That each module is an engine is for the type checker to say.
    _engines: tuple[Engine, ...] = (lightgbm, xgboost)

__all__ = ["ENGINES", "get_engine"]


def get_engine(name: str) -> Engine:
    """Return the engine called ``name``; the first call imports its library.

    Raises
    ------
    InvalidParameterError
        If there is none of that name.
    MissingDependencyError
        If its library is not installed.
    """
    if name not in ENGINES:
        raise unknown_name("engine", name, ENGINES)
    return cast("Engine", import_module(f"gbimb.engines.{name}"))
