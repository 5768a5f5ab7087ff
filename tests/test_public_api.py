from __future__ import annotations

import importlib
import inspect
import tomllib
from importlib.resources import files
from pathlib import Path
from types import ModuleType

import pytest

import gbimb

PUBLIC_MODULES = (
    "benchmark",
    "dask",
    "datasets",
    "exceptions",
    "lightgbm",
    "losses",
    "metrics",
    "plots",
    "report",
    "thresholds",
    "xgboost",
)
NAMES = [name for name in gbimb.__all__ if not name.startswith("__")]


def test_the_version_is_the_same_wherever_it_stands() -> None:
    root = Path(__file__).parent.parent
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == gbimb.__version__
    assert f"\nversion: {gbimb.__version__}\n" in (root / "CITATION.cff").read_text(
        encoding="utf-8"
    )
    assert f"\n## [{gbimb.__version__}]" in (root / "CHANGELOG.md").read_text(encoding="utf-8")


def signatures(thing: object) -> dict[str, inspect.Signature]:
    """The signatures of a function, or of the public methods that a class of gbimb defines."""
    if inspect.isfunction(thing):
        return {thing.__name__: inspect.signature(thing)}
    if not inspect.isclass(thing):
        return {}
    return {
        f"{thing.__name__}.{name}": inspect.signature(member)
        for base in thing.__mro__
        if base.__module__.startswith("gbimb")
        for name, member in vars(base).items()
        if inspect.isfunction(member) and (name == "__init__" or not name.startswith("_"))
    }


def exported() -> list[tuple[str, str]]:
    """Every public name of every public module."""
    pairs = [("gbimb", name) for name in NAMES]
    for module in PUBLIC_MODULES:
        full = f"gbimb.{module}"
        pairs += [(full, name) for name in importlib.import_module(full).__all__]
    return pairs


def ordered(names: list[str]) -> list[str]:
    """The order of ``sorted`` or ruff's: constants, then classes, then the rest."""
    return sorted(names, key=lambda name: (not name.isupper(), not name[:1].isupper(), name))


def test_all_is_sorted_and_without_duplicates() -> None:
    assert gbimb.__all__ in (sorted(gbimb.__all__), ordered(gbimb.__all__))
    assert len(set(gbimb.__all__)) == len(gbimb.__all__)


def test_dir_lists_the_public_names() -> None:
    assert set(NAMES) <= set(dir(gbimb))


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        gbimb.no_such_name  # noqa: B018  looking it up is what raises


def test_the_package_says_that_it_is_typed() -> None:
    assert files("gbimb").joinpath("py.typed").is_file()


@pytest.mark.parametrize(("module", "name"), exported())
def test_every_public_name_can_be_imported_and_is_documented(module: str, name: str) -> None:
    thing = getattr(importlib.import_module(module), name)
    if isinstance(thing, ModuleType) or inspect.isclass(thing) or inspect.isfunction(thing):
        assert (thing.__doc__ or "").strip(), f"{module}.{name} needs a docstring."


@pytest.mark.parametrize(("module", "name"), exported())
def test_every_public_function_and_method_is_annotated(module: str, name: str) -> None:
    thing = getattr(importlib.import_module(module), name)
    for label, signature in signatures(thing).items():
        assert signature.return_annotation is not signature.empty, f"{label}: no return type."
        for parameter in signature.parameters.values():
            if parameter.name not in ("self", "cls"):
                assert parameter.annotation is not parameter.empty, f"{label}: {parameter.name}"
