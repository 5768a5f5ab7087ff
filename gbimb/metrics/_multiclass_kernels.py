"""Compiled loop over rows: confusion tables of several decision rules, and the log loss."""

# ruff: noqa: ANN001, ANN202, PLR0917  compiled: the types are those of the arrays

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from gbimb.parallel import run_ranges

if TYPE_CHECKING:
    from gbimb.array_types import FloatArray, IntArray

SMALLEST = float(np.finfo(np.float64).eps)


@njit(nogil=True, cache=True, error_model="numpy")
def _count_rows(  # type: ignore[no-untyped-def]
    start, stop, codes, proba, weight, factors, tables
):
    n_rules, n_classes = factors.shape
    weighted = weight.size > 0
    log_loss = 0.0
    for i in range(start, stop):
        w = weight[i] if weighted else 1.0
        log_loss -= w * log(min(max(proba[i, codes[i]], SMALLEST), 1.0))
        for rule in range(n_rules):
            best, highest = 0, -1.0
            for k in range(n_classes):
                value = proba[i, k] * factors[rule, k]
                if value > highest:
                    best, highest = k, value
            tables[rule, codes[i], best] += w
    return log_loss


def count_tables(
    codes: IntArray, proba: FloatArray, weight: FloatArray | None, factors: FloatArray
) -> tuple[FloatArray, float]:
    """Return a K x K table for each row of ``factors``, and the summed log loss.

    A rule predicts the class with the highest probability times factor, the first among equals.
    """
    weights = np.empty(0) if weight is None else weight.astype(np.float64)
    n_rules, n_classes = factors.shape

    def task(start: int, stop: int) -> tuple[FloatArray, float]:
        tables = np.zeros((n_rules, n_classes, n_classes))
        loss = _count_rows(start, stop, codes, proba, weights, factors, tables)
        return tables, float(loss)

    parts = run_ranges(task, codes.size)
    return sum((part[0] for part in parts), np.zeros((n_rules, n_classes, n_classes))), sum(
        part[1] for part in parts
    )
