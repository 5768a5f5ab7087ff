"""The engines by name. To add one: its folder beside this file, and a row here."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

from gbimb.exceptions import unknown_name

ENGINES: Final = {"lightgbm": "gbimb.engines.lightgbm", "xgboost": "gbimb.engines.xgboost"}


def get_engine(name: str) -> Any:  # noqa: ANN401  a module
    """Return the engine called ``name``; importing it loads its library.

    Raises
    ------
    InvalidParameterError
        If there is none of that name.
    """
    if name not in ENGINES:
        raise unknown_name("engine", name, ENGINES)
    return import_module(ENGINES[name])
