"""Numbers and pictures as one page that stands alone, and as JSON and CSV beside it."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from gbimb.benchmark.records import write_atomically
from gbimb.benchmark.verdict import p_text
from gbimb.exceptions import MissingDependencyError
from gbimb.json_text import percent, plain, to_json
from gbimb.report._benchmark import benchmark_facts, rank_display
from gbimb.report._binary import LABELS
from gbimb.report._figures import CAPTIONS, benchmark_figures, evaluation_figures
from gbimb.report._verdict import number
from gbimb.validation import check_page

if TYPE_CHECKING:
    from gbimb.benchmark import Results

LARGEST_MATRIX: Final = 30
SMALL_MATRIX: Final = 6
RATES: Final = {
    name: LABELS.get(name, name)
    for name in ("mcc", "f1", "precision", "recall", "specificity", "flagged")
}


def require_packages() -> None:
    """Raise unless what reports need is installed."""
    for package in ("jinja2", "matplotlib"):
        try:
            import_module(package)
        except ImportError:
            msg = f"Reports need {package}, which is not installed: pip install 'gbimb[report]'."
            raise MissingDependencyError(msg) from None


def check_path(path: str | Path, option: str = "path") -> Path:
    """Return the path; raise unless a report can be written there."""
    require_packages()
    check_page(Path(path), option)
    return Path(path)


def report_files(path: str | Path, option: str = "path") -> list[Path]:
    """Return the files that a report will write: the page, and its numbers as JSON and CSV.

    ``option`` is what errors call the path.

    Raises
    ------
    GbimbError
        If jinja2 or matplotlib is not installed, or the path cannot hold a report.
    """
    path = check_path(path, option)
    # Not the bare name with another ending, which may be that of the user's table.
    return [path, *(path.with_name(f"{path.stem}_numbers.{end}") for end in ("json", "csv"))]


def write_report(path: Path, page: str, facts: dict[str, Any], table: pd.DataFrame) -> list[str]:
    """Write the page, and its numbers as JSON and CSV; return the names of the files."""
    texts = (page, to_json(facts) + "\n", table.to_csv(index=False, lineterminator="\n"))
    files = report_files(path)
    for file, text in zip(files, texts, strict=True):
        write_atomically(file, text)
    return [file.name for file in files]


def evaluation_page(facts: dict[str, Any], displays: dict[str, Any], table: pd.DataFrame) -> str:
    """Return the report of an evaluation as HTML."""
    figures, marks = evaluation_figures(facts, displays, table)
    facts = plain(facts)
    two = "curve" in facts
    shown: dict[str, Any] = {
        "two": two,
        "data": None,
        "figures": figures,
        "captions": CAPTIONS,
        "mistakes_note": "Rows are counted from 1; the last columns are the most important.",
    }
    if two:
        shown["data"] = _slider_data(facts, marks)
        shown["rates"] = RATES | ({"cost": "cost of a row"} if facts["cost"] else {})
    elif len(facts["names"]) <= LARGEST_MATRIX:
        shown["matrix"] = _matrix(facts)
        shown["small"] = len(facts["names"]) <= SMALL_MATRIX
    return render("evaluation.html.j2", facts, **shown)


def save_benchmark(results: Results, path: str | Path, command: str = "") -> list[str]:
    """Write the report of a benchmark.

    Parameters
    ----------
    results : Results
        Of ``gbimb.benchmark.run``.
    path : str or Path
        Ends in .html; the numbers go beside it, as ``<name>_numbers.json`` and ``.csv``.
    command : str, optional
        The command line, to reproduce the report.

    Returns
    -------
    list of str
        The names of the files.

    Raises
    ------
    GbimbError
        If jinja2 or matplotlib is not installed, or the path cannot hold a report.
    """
    path = check_path(path)
    facts, board = benchmark_facts(results, command)
    return write_report(path, benchmark_page(facts), facts, board)


def benchmark_page(facts: dict[str, Any]) -> str:
    """Return the report of a benchmark as HTML."""
    columns = {row["name"]: row["values"] for row in facts["by_table"]["rows"]}
    scores = pd.DataFrame(columns, index=facts["by_table"]["columns"])
    figures = benchmark_figures(facts, rank_display(scores))
    return render(
        "benchmark.html.j2",
        plain(facts),
        figures=figures,
        captions=CAPTIONS,
        many=any(table["positive"] is None for table in facts["tables"]),
        data=None,
    )


def monitor_page(facts: dict[str, Any]) -> str:
    """Return the report on new rows as HTML."""
    return render("monitor.html.j2", plain(facts), data=None)


def render(template: str, facts: dict[str, Any], **shown: Any) -> str:
    """Return a page; text in ``facts`` is escaped."""
    from markupsafe import Markup

    script = _asset("slider.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    figures = {name: Markup(svg) for name, svg in shown.pop("figures", {}).items()}
    page: str = (
        _environment()
        .get_template(template)
        .render(
            facts=facts,
            css=Markup(_asset("report.css")),
            script=Markup(script),
            script_hash=Markup(f"'sha256-{digest}'"),
            figures=figures,
            **shown,
        )
    )
    return page


def _slider_data(facts: dict[str, Any], marks: dict[str, Any]) -> dict[str, Any]:
    """Return the numbers for the script, with the lowest threshold first."""
    curve = {name: values[::-1] for name, values in facts["curve"].items()}
    counts, cost = facts["counts"], facts["cost"]
    positives, negatives = counts["tp"] + counts["fn"], counts["fp"] + counts["tn"]
    totals = {"tp": positives, "fn": positives, "fp": negatives, "tn": negatives}
    values = {score["name"]: score["value"] for score in facts["scores"]}
    rates = {name: f"{values[name]:.3f}" for name in ("mcc", "f1")}
    values["specificity"] = counts["tn"] / negatives
    rates |= {name: _percent(values[name]) for name in RATES if name not in rates}
    if cost:
        rates["cost"] = f"{cost['chosen']:.3g}"

    def at(threshold: float) -> int:
        return int(np.searchsorted(curve["threshold"], threshold))

    return {
        **curve,
        "positives": positives,
        "negatives": negatives,
        "chosen": at(facts["threshold"]),
        "best": at(facts["best_mcc_threshold"]),
        "cheapest": at(cost["least_threshold"]) if cost else None,
        "shares": {name: counts[name] / totals[name] for name in counts},
        "rates": rates,
        "marks": {
            name: {k: v[::-1] if isinstance(v, list) else v for k, v in place.items()}
            for name, place in marks.items()
        },
    }


def _matrix(facts: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "cells": [{"rows": v, "share": v / sum(row) if sum(row) else 0.0} for v in row],
        }
        for name, row in zip(facts["names"], facts["matrix"], strict=True)
    ]


def _percent(value: float, digits: int = 1) -> str:
    """Return a share whose sign stays on the line of the number."""
    return percent(value, digits).replace(" ", "\u00a0")


def _cell(value: Any) -> str:
    """Return a value of the table with three digits; of a whole number, an identifier, all.

    >>> _cell(1234567.0), _cell(0.123456789), _cell(98765.4321), _cell(0.000012345)
    ('1234567', '0.123', '98765', '1.23e-05')
    """
    if not isinstance(value, float):
        return _exact(value)
    if value.is_integer() and abs(value) < 2**53:
        return f"{value:.0f}"
    return f"{value:.0f}" if 1000 <= abs(value) < 2**53 else f"{value:.3g}"


def _exact(value: Any) -> str:
    """Return a value of the table with all that is known of it.

    >>> _exact(0.123456789), _exact(None)
    ('0.123457', '')
    """
    if value is None:
        return ""
    if not isinstance(value, float):
        return str(value)
    return f"{value:.0f}" if value.is_integer() and abs(value) < 2**53 else f"{value:.6g}"


@cache
def _asset(name: str) -> str:
    return (files("gbimb.report") / "templates" / name).read_text(encoding="utf-8")


@cache
def _environment() -> Any:  # a jinja2 environment
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_asset),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": number,
        "percent": _percent,
        "score": lambda v: "" if v is None else f"{v:z.3f}",
        "short": "{:.3g}".format,
        "signed": "{:+.3f}".format,
        "p_value": lambda p: p_text(p).removeprefix("p = "),
        "cell": _cell,
        "exact": _exact,
        "whole_percent": lambda share: _percent(share, 0),
        "quoted": repr,
    }
    return environment
