"""The engines by name. To add one: its folder beside this file, and a row here."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final, cast

from gbimb.exceptions import unknown_name

if TYPE_CHECKING:
    from gbimb.engines import lightgbm, xgboost
    from gbimb.engines.interface import Engine

    # That each module is an engine is for the type checker to say.
    _engines: tuple[Engine, ...] = (lightgbm, xgboost)

ENGINES: Final = {"lightgbm": "LightGBM", "xgboost": "XGBoost"}
"""What people call each of them, by the name of its folder."""


def get_engine(name: str) -> Engine:
    """Return the engine called ``name``; the first call imports its library.

    Raises
    ------
    InvalidParameterError
        If there is none of that name.
    """
    if name not in ENGINES:
        raise unknown_name("engine", name, ENGINES)
    return cast("Engine", import_module(f"gbimb.engines.{name}"))
