"""Methods against each other on real imbalanced tables: what ``gbimb benchmark`` runs.

::

    from gbimb import benchmark

    table = benchmark.read_table("churn.parquet", target="churned")
    results = benchmark.run(benchmark.Plan(tables=(table,)), "churn-results")
    print(results.verdict["lightgbm"])

A new method is one row in ``METHODS``; cross-validation, statistics and reports pick it up.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gbimb.benchmark._methods import ENGINES, METHODS, Method
    from gbimb.benchmark._plan import Plan
    from gbimb.benchmark._results import Results, run
    from gbimb.benchmark._tables import BenchmarkTable, built_in_table, read_table

__all__ = [
    "ENGINES",
    "METHODS",
    "BenchmarkTable",
    "Method",
    "Plan",
    "Results",
    "built_in_table",
    "read_table",
    "run",
]

# Imported when first used, so that `gbimb --help` is quick.
_HOME = {
    "ENGINES": "gbimb.benchmark._methods",
    "METHODS": "gbimb.benchmark._methods",
    "BenchmarkTable": "gbimb.benchmark._tables",
    "Method": "gbimb.benchmark._methods",
    "Plan": "gbimb.benchmark._plan",
    "Results": "gbimb.benchmark._results",
    "built_in_table": "gbimb.benchmark._tables",
    "read_table": "gbimb.benchmark._tables",
    "run": "gbimb.benchmark._results",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401  a module attribute can be anything
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    msg = f"module 'gbimb.benchmark' has no attribute {name!r}"
    raise AttributeError(msg)


def __dir__() -> list[str]:
    return sorted(__all__)
