"""Compare methods on real imbalanced tables: what ``gbimb benchmark`` runs.

::

    from gbimb import benchmark

    table = benchmark.read_table("churn.parquet", target="churned")
    results = benchmark.run(benchmark.Plan(tables=(table,)), "churn-results")
    print(results.verdict["lightgbm"])

A new method is one row in ``METHODS``. ``runner`` fits, ``records`` keeps, ``statistics`` compares,
``verdict`` and ``console`` tell; ``benchmarks/quality`` uses the same engine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gbimb.lazy import first_used

if TYPE_CHECKING:
    from gbimb.benchmark.methods import METHODS, Method
    from gbimb.benchmark.plan import Plan
    from gbimb.benchmark.results import Results, run
    from gbimb.benchmark.tables import BenchmarkTable, built_in_table, read_table
    from gbimb.engines.registry import ENGINES

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
_MODULES = {
    "methods": ("METHODS", "Method"),
    "plan": ("Plan",),
    "results": ("Results", "run"),
    "tables": ("BenchmarkTable", "built_in_table", "read_table"),
}
_HOME = {name: f"{__name__}.{module}" for module, names in _MODULES.items() for name in names}
_HOME["ENGINES"] = "gbimb.engines.registry"


__getattr__ = first_used(__name__, _HOME)


def __dir__() -> list[str]:
    return sorted(__all__)
