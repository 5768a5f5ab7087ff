"""The layers of the package: a module imports only what stands above it in `MODULES`."""

from __future__ import annotations

import ast
import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest


class Import(NamedTuple):
    """One imported module."""

    module: str
    line: int
    for_types_only: bool


# Layer, and the other packages that it may import besides the standard library.
NUMPY = {"numpy"}
MATHS = NUMPY | {"scipy", "numba"}
SKLEARN = MATHS | {"sklearn", "pandas", "pyarrow", "joblib"}

ENGINES = {"lightgbm", "xgboost"}

# Bottom first. A module may import the modules of lower layers, those that stand before it in its
# own layer, and its own package. An engine may be imported by its folder in gbimb.engines and by
# nobody else.
MODULES: dict[str, tuple[int, set[str]]] = {
    "version": (0, NUMPY),
    "lazy": (0, NUMPY),
    "exceptions": (0, NUMPY),
    "replacing": (0, NUMPY),
    "log": (0, NUMPY),
    "array_types": (0, NUMPY),
    "json_text": (0, NUMPY),
    "validation": (0, NUMPY),
    "constraints": (0, NUMPY),
    "parallel": (0, MATHS | {"threadpoolctl"}),
    "losses": (1, MATHS),
    "metrics": (1, MATHS),
    "decisions": (1, MATHS | {"sklearn"}),
    "thresholds": (1, MATHS),
    "engines": (2, MATHS),
    "lightgbm": (2, set()),
    "xgboost": (2, set()),
    "datasets": (3, SKLEARN),
    "tables": (3, SKLEARN),
    "model": (3, SKLEARN),
    "onnx": (4, SKLEARN | {"onnx", "onnxruntime"}),
    "training": (4, SKLEARN | {"optuna", "rich"}),
    "estimators": (5, SKLEARN),
    "plots": (6, SKLEARN | {"matplotlib"}),
    "dask": (6, SKLEARN | {"dask", "distributed", "psutil"}),
    "benchmark": (6, SKLEARN | {"rich"}),
    "report": (6, SKLEARN | {"matplotlib", "jinja2", "markupsafe", "cycler"}),
    "cli": (7, SKLEARN | {"rich", "typer"}),
    "__main__": (7, set()),
}
ORDER = {name: (layer, place) for place, (name, (layer, _)) in enumerate(MODULES.items())}

LONGEST_FILE = 350
LONGEST_FUNCTION = 60
MOST_FILES = 16  # of a folder

HEAVY = ("dask", "lightgbm", "matplotlib", "pandas", "rich", "sklearn", "typer", "xgboost")


def package_folder() -> Path:
    """Where gbimb is installed, which need not be the source tree."""
    spec = importlib.util.find_spec("gbimb")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


def module_name(path: Path) -> str:
    """``losses/_focal.py`` is ``gbimb.losses._focal``; a package is named without ``__init__``."""
    parts = ["gbimb", *path.relative_to(package_folder()).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def is_type_checking(node: ast.AST) -> bool:
    """Whether the node is ``if TYPE_CHECKING:``."""
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")


def find_imports(tree: ast.AST, package: str, *, for_types_only: bool = False) -> list[Import]:
    """List the imports of a module, inside functions and by ``import_module`` included."""
    found: list[Import] = []

    def add(module: str, node: ast.AST) -> None:
        found.append(Import(module, getattr(node, "lineno", 0), for_types_only))

    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                add(alias.name, node)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parent = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*parent, base] if base else parent)
            # `from gbimb import losses` imports a module, `from gbimb.losses import X` a name.
            for alias in node.names if base == "gbimb" else ():
                add(f"gbimb.{alias.name}", node)
            if base != "gbimb":
                add(base, node)
        elif (
            isinstance(node, ast.Call)
            and ast.unparse(node.func).split(".")[-1] in ("import_module", "__import__")
            and node.args
            and isinstance(node.args[0], ast.Constant)
        ):
            add(str(node.args[0].value), node)
        for_types = for_types_only or is_type_checking(node)
        found += find_imports(node, package, for_types_only=for_types)
    return found


def complaints(module: str, source: str, *, is_package: bool = False) -> list[str]:
    """Every import of a module of gbimb that points the wrong way."""
    own = module.split(".")[1]
    if own not in MODULES:
        return [
            (
                f"{module} has no layer. Add a row for {own!r} to MODULES in "
                "tests/test_architecture.py, at the place where its imports allow it."
            )
        ]
    layer, allowed = MODULES[own]
    folder = module.split(".")[2] if own == "engines" and module.count(".") > 1 else None
    if folder in ENGINES:
        allowed = allowed | {folder}
    package = module if is_package else module.rpartition(".")[0]
    wrong = []
    for target, line, for_types_only in find_imports(ast.parse(source), package):
        top, _, rest = target.partition(".")
        place = f"{module}, line {line}:"
        if top == "gbimb":
            other = rest.partition(".")[0]
            if other.startswith("__version"):
                continue
            if other not in MODULES:
                wrong.append(f"{place} gbimb.{other} has no row in MODULES.")
            elif folder in ENGINES and rest.split(".")[:2] in [
                ["engines", name] for name in ENGINES - {folder}
            ]:
                wrong.append(f"{place} the engines stand apart: {folder} may not import {target}.")
            elif ORDER[other] > ORDER[own]:
                wrong.append(
                    f"{place} gbimb.{own} (layer {layer}) may not import gbimb.{other} (layer "
                    f"{MODULES[other][0]}): it may import what stands above it in MODULES. Move "
                    "what both need into a lower layer."
                )
        elif top not in allowed and top not in sys.stdlib_module_names and not for_types_only:
            wrong.append(
                f"{place} gbimb.{own} (layer {layer}) may not import {top}; it may import "
                f"{sorted(allowed)}."
            )
    return wrong


def source_files() -> list[Path]:
    """Every module of gbimb but the top, which only forwards names."""
    folder = package_folder()
    return [path for path in sorted(folder.rglob("*.py")) if path != folder / "__init__.py"]


@pytest.mark.parametrize("path", source_files(), ids=module_name)
def test_modules_import_only_from_layers_below(path: Path) -> None:
    found = complaints(
        module_name(path),
        path.read_text(encoding="utf-8"),
        is_package=path.name == "__init__.py",
    )
    assert not found, "\n".join(found)


def test_layers_rise_down_the_list() -> None:
    layers = [layer for layer, _ in MODULES.values()]
    assert layers == sorted(layers)


@pytest.mark.parametrize(
    ("module", "source", "expected"),
    [
        ("gbimb.losses._focal", "import numpy, math\nfrom gbimb.validation import check", None),
        ("gbimb.losses._focal", "from gbimb.losses._base import Loss", None),
        ("gbimb.losses._focal", "from ._base import Loss", None),
        ("gbimb.losses._focal", "import sklearn.metrics", "may not import sklearn"),
        ("gbimb.losses._focal", "from gbimb.metrics import mcc", "may not import gbimb.metrics"),
        ("gbimb.losses._focal", "from ..metrics import mcc", "may not import gbimb.metrics"),
        ("gbimb.losses._focal", "def f():\n    from gbimb import cli", "may not import gbimb.cli"),
        ("gbimb.engines.lightgbm.member", "import lightgbm", None),
        ("gbimb.engines.lightgbm.member", "import xgboost", "may not import xgboost"),
        (
            "gbimb.engines.xgboost",
            "from gbimb.engines.lightgbm import x",
            "the engines stand apart",
        ),
        ("gbimb.engines.registry", "import lightgbm", "may not import lightgbm"),
        ("gbimb.lightgbm", "import lightgbm", "may not import lightgbm"),
        ("gbimb.estimators.base", "import lightgbm", "may not import lightgbm"),
        ("gbimb.estimators.base", "importlib.import_module('xgboost')", "may not import xgboost"),
        ("gbimb.estimators.base", "if TYPE_CHECKING:\n    import lightgbm", None),
        ("gbimb.estimators.base", "import gbimb.plots", "may not import gbimb.plots"),
        ("gbimb.model.files", "import gbimb.estimators", "may not import gbimb.estimators"),
        ("gbimb.surprise", "import numpy", "has no layer"),
        ("gbimb.cli", "from gbimb.surprise import x", "has no row"),
    ],
)
def test_the_check_itself(module: str, source: str, expected: str | None) -> None:
    found = complaints(module, source)
    if expected is None:
        assert not found
    else:
        assert len(found) == 1
        assert expected in found[0]


def imported_names(path: Path) -> list[str]:
    """Every dotted name that a module imports from gbimb, for its types only included."""
    found: list[str] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("gbimb"):
            found += [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
    return found


def private_imports(path: Path) -> list[str]:
    """Names with an underscore that are imported from a folder that the module is not in."""
    module = module_name(path)
    folder = module if path.name == "__init__.py" else module.rpartition(".")[0]
    wrong = []
    for name in imported_names(path):
        parts = name.split(".")
        for i, part in enumerate(parts):
            private = part.startswith("_") and not part.startswith("__")
            if private and not f"{folder}.".startswith(".".join(parts[:i]) + "."):
                wrong.append(f"{module} imports {name}")
    return wrong


@pytest.mark.parametrize("path", source_files(), ids=module_name)
def test_nothing_private_is_imported_from_another_folder(path: Path) -> None:
    assert not private_imports(path)


def test_imports_run_in_no_circle() -> None:
    modules = {module_name(path): path for path in source_files()}
    graph: dict[str, set[str]] = {}
    for module, path in modules.items():
        named = imported_names(path)
        homes = {name if name in modules else name.rpartition(".")[0] for name in named}
        graph[module] = (homes & modules.keys()) - {module}
    while leaves := [module for module, targets in graph.items() if not targets]:
        for leaf in leaves:
            del graph[leaf]
        for targets in graph.values():
            targets.difference_update(leaves)
    assert not graph, f"These modules import one another, or what does: {sorted(graph)}."


def too_long(path: Path) -> list[str]:
    """Files and functions that have more lines than a reader keeps in mind.

    Of a function the docstring does not count: that of a public one has a line a parameter.
    """
    text = path.read_text(encoding="utf-8")
    lines = len(text.splitlines())
    name = module_name(path)
    found = [f"{name} has {lines} lines"] if lines > LONGEST_FILE else []
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        docstring = node.body[0] if ast.get_docstring(node) is not None else None
        described = 0 if docstring is None else (docstring.end_lineno or 0) - docstring.lineno + 1
        size = (node.end_lineno or 0) - node.lineno + 1 - described
        found += [f"{name}.{node.name} has {size} lines"] * (size > LONGEST_FUNCTION)
    return found


@pytest.mark.parametrize("path", source_files(), ids=module_name)
def test_files_and_functions_are_short(path: Path) -> None:
    assert not too_long(path)


def test_folders_hold_few_files() -> None:
    folders = {path.parent for path in package_folder().rglob("*.py")}
    counts = {
        folder.name: sum(file.is_file() for file in folder.iterdir()) for folder in sorted(folders)
    }
    assert {name: n for name, n in counts.items() if n > MOST_FILES} == {}


def test_importing_gbimb_loads_nothing_heavy() -> None:
    code = "import gbimb, json, sys; print(json.dumps(sorted(sys.modules)))"
    result = subprocess.run(  # the interpreter of this very test, with a fixed program
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    loaded = set(json.loads(result.stdout))
    assert not loaded.intersection(HEAVY)


def test_a_class_name_means_one_thing_outside_the_engines() -> None:
    """Both engines have ``Bins`` and ``Member``, which are the interface's."""
    places: dict[str, list[Path]] = {}
    for file in package_folder().rglob("*.py"):
        if "engines" in file.relative_to(package_folder()).parts:
            continue
        for node in ast.parse(file.read_text("utf-8")).body:
            if isinstance(node, ast.ClassDef):
                places.setdefault(node.name, []).append(file)
    assert {name: files for name, files in places.items() if len(files) > 1} == {}
