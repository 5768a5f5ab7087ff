"""Reports for people: one HTML page that opens offline, and its numbers as JSON and CSV.

Computing (``evaluate``) knows nothing of pages; rendering computes nothing.
"""

from __future__ import annotations

from gbimb.report._cost import parse_costs
from gbimb.report._evaluate import Evaluation, evaluate
from gbimb.report._render import (
    benchmark_page,
    check_path,
    evaluation_page,
    write_benchmark,
    write_evaluation,
)

__all__ = [
    "Evaluation",
    "benchmark_page",
    "check_path",
    "evaluate",
    "evaluation_page",
    "parse_costs",
    "write_benchmark",
    "write_evaluation",
]
