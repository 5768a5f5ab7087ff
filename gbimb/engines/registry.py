"""The engines by name. To add one: its folder beside this file, and a row of ``ENGINES``."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Final, cast

from gbimb.exceptions import MissingDependencyError, unknown_name
from gbimb.version import __version__

if TYPE_CHECKING:
    from gbimb.engines.interface import Engine

ENGINES: Final = {"lightgbm": "LightGBM", "xgboost": "XGBoost"}
"""What people call each of them, by the name of its folder."""

INSTALL: Final = {
    "lightgbm": "pip install lightgbm",
    "xgboost": "pip install xgboost (or xgboost-cpu, which is the same without the GPU library)",
}
"""How each comes onto a machine."""

PACKAGES: Final = {"xgboost": ("xgboost", "xgboost-cpu")}
"""The packages that one library may come from, where there are several."""

LIBRARIES: Final = ("numpy", "scipy", "pandas", "scikit-learn", "numba")
"""What all results depend on, beside the engine."""


def installed_version(name: str) -> str | None:
    """Return the version of a library, None where it is not installed."""
    for package in PACKAGES.get(name, (name,)):
        try:
            return version(package)
        except PackageNotFoundError:
            continue
    return None


@cache
def versions(*engines: str) -> dict[str, str]:
    """Return the versions of gbimb, and of the engines and libraries that are installed."""
    found = {name: installed_version(name) for name in (*engines, *LIBRARIES)}
    return {"gbimb": __version__} | {name: v for name, v in found.items() if v is not None}


def require_library(name: str) -> str:
    """Return what people call an engine whose library is installed.

    Raises
    ------
    MissingDependencyError
        If it is not.
    """
    try:
        import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        msg = f"{ENGINES[name]} is not installed. Install it with: {INSTALL[name]}"
        raise MissingDependencyError(msg) from None
    return ENGINES[name]


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
