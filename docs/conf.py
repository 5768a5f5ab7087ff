"""How Sphinx builds the site. ``make docs`` runs it; warnings are errors."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import gbimb

if TYPE_CHECKING:
    from sphinx.application import Sphinx

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_extensions"))

project = "gbimb"
author = "gbimb developers"
copyright = "gbimb developers"  # noqa: A001  Sphinx reads this name
version = release = gbimb.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "myst_nb",
    "mathml",
    "command_help",
]
templates_path = ["_templates"]
exclude_patterns = ["_build", "_templates", "_extensions"]
suppress_warnings = ["mystnb.unknown_mime_type"]
nitpicky = False

myst_enable_extensions = ["deflist", "dollarmath", "substitution", "colon_fence"]
myst_heading_anchors = 3
nb_execution_mode = "off"  # make notebooks runs them
nb_ipywidgets_js: dict[str, dict[str, str]] = {}

autosummary_generate = True
autosummary_imported_members = True
autosummary_ignore_module_all = False
autosummary_filename_map = {  # two names that differ in case only are one file on some disks
    f"gbimb.{engine}.Objective": f"gbimb.{engine}.Objective_class"
    for engine in ("lightgbm", "xgboost")
}
autodoc_typehints = "none"  # the docstrings say types, with shapes
autodoc_default_options = {"member-order": "bysource"}
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False

smartquotes = False  # "auto" is typed with straight quotes

html_theme = "furo"
html_math_renderer = "mathml"
html_title = f"gbimb {version}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False


def _between_markers(name: str) -> str:
    """Return a part of the README that the home page shows, too."""
    text = (HERE.parent / "README.md").read_text(encoding="utf-8")
    found = re.search(rf"<!-- {name}: start [^>]*-->\n(.*?)<!-- {name}: end -->", text, re.DOTALL)
    assert found is not None, f"README.md has no markers for {name}."
    return found.group(1)


def _take_notebooks() -> None:
    """Put the notebooks where Sphinx looks; their links to pages are relative to the clone."""
    target = HERE / "notebooks"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    for path in sorted((HERE.parent / "notebooks").glob("*.ipynb")):
        text = path.read_text(encoding="utf-8")
        (target / path.name).write_text(text.replace("(../docs/", "(../"), encoding="utf-8")


def _take_benchmarks() -> None:
    """Put the pages with measurements where Sphinx looks, and their pictures."""
    source, target = HERE.parent / "benchmarks", HERE / "benchmarks"
    shutil.rmtree(target, ignore_errors=True)
    for path in [*source.rglob("*.md"), *source.rglob("*.png"), *source.rglob("*.svg")]:
        place = target / path.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".md":
            text = path.read_text(encoding="utf-8")
            place.write_text(text.replace("](../../docs/", "](../../"), encoding="utf-8")
        else:
            shutil.copy(path, place)


def _stay_on_the_site(app: Sphinx, page: str, source: list[str]) -> None:
    """Turn links to the pages of the clone into links to their copies."""
    del app, page
    source[0] = source[0].replace("](../benchmarks/", "](benchmarks/")


def setup(app: Sphinx) -> None:
    """Register what Sphinx calls."""
    app.connect("source-read", _stay_on_the_site)


_take_notebooks()
_take_benchmarks()
myst_substitutions = {name: _between_markers(name) for name in ("summary",)}
