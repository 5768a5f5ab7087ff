"""Compiled loops of the losses over the whole training set: the soft counts, then the gradient.

As in ``focal``: no branch, no library call, float64 inside. The counts of a range of rows are
added up in order and the ranges do not depend on the threads, so the bits do not either.
"""

# ruff: noqa: ANN001, ANN202, PLR0917  compiled: the types are those of the arrays

from __future__ import annotations

from functools import cache
from math import fsum
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numba import types

from gbimb.losses.kernels.focal import (
    INFINITY,
    LARGEST,
    TINY,
    compile_loop,
    exp,
    plain,
    run_loop,
    vector,
)
from gbimb.parallel import run_ranges

if TYPE_CHECKING:
    from collections.abc import Callable

    from gbimb.array_types import Float32Array
    from gbimb.losses._rows import LossRows

BLOCK: Final = 512


@cache
def _count_loop(dtype: np.dtype[Any], *, weighted: bool) -> Callable[..., int]:
    """Return the loop that sums ``w p`` and ``w (1 - p)`` of each class."""

    def rows(score, y, weight, scratch, counts):  # type: ignore[no-untyped-def]
        wrong = 0
        tp = fp = fn = tn = 0.0
        for start in range(0, y.size, BLOCK):
            size = min(BLOCK, y.size - start)
            for j in range(size):
                label = float(y[start + j])
                value = float(score[start + j])
                w = float(weight[start + j]) if weighted else 1.0
                away = abs(value)
                wrong += (
                    int(not away < INFINITY)
                    | int(not ((label == 0.0) | (label == 1.0)))
                    | int(not ((w >= 0.0) & (w < INFINITY)))
                )
                t = exp(-away)
                upper = w / (1.0 + t)
                lower = t * upper
                above = value >= 0.0
                scratch[0, j] = upper if above else lower
                scratch[1, j] = lower if above else upper
            # Sums in order cannot be vector code; here they have nothing else to wait for.
            for j in range(size):
                label = float(y[start + j])
                tp += scratch[0, j] * label
                fp += scratch[0, j] * (1.0 - label)
                fn += scratch[1, j] * label
                tn += scratch[1, j] * (1.0 - label)
        counts[0] = tp
        counts[1] = fp
        counts[2] = fn
        counts[3] = tn
        return wrong

    given, written = vector(np.float32), vector(np.float64, readonly=False)
    scratch = types.Array(types.float64, 2, "C")
    return compile_loop(rows, vector(dtype), given, given, scratch, written)


@cache
def _gradient_loop(dtype: np.dtype[Any], *, weighted: bool) -> Callable[..., int]:
    """Return the loop that writes ``-+ w k_y p (1 - p)`` and its share as curvature."""

    def rows(score, y, weight, k1, k0, share, grad, curv):  # type: ignore[no-untyped-def]
        wrong = 0
        for i in range(y.size):
            label = float(y[i])
            positive = label > 0.5
            scale = k1 if positive else k0
            if weighted:
                scale *= weight[i]
            away = abs(float(score[i]))
            t = exp(-away)
            upper = 1.0 / (1.0 + t)
            slope = scale * (t * upper * upper)
            wrong += (
                int(not away < INFINITY)
                | int(not ((label == 0.0) | (label == 1.0)))
                | int(not scale >= 0.0)
                | int(not slope <= LARGEST)
            )
            grad[i] = -slope if positive else slope
            curvature = share * slope
            curv[i] = curvature if curvature > TINY else TINY
        return wrong

    given, written = vector(np.float32), vector(np.float32, readonly=False)
    constant = types.float64
    return compile_loop(
        rows, vector(dtype), given, given, constant, constant, constant, written, written
    )


def count_softly(rows: LossRows) -> tuple[float, float, float, float] | None:
    """Return the soft counts (tp, fp, fn, tn), or None if a row is not allowed."""
    weighted = rows.weight.size > 0
    loop = _count_loop(rows.score.dtype, weighted=weighted)
    y, score, weight = (plain(part) for part in rows)

    def task(start: int, stop: int) -> tuple[bool, list[float]]:
        part = slice(start, stop)
        counts = np.empty(4)
        weights = weight[part] if weighted else weight
        wrong = loop(score[part], y[part], weights, np.empty((2, BLOCK)), counts)
        return wrong == 0, counts.tolist()

    found = run_ranges(task, y.size)
    if not all(sound for sound, _ in found):
        return None
    tp, fp, fn, tn = (fsum(counts[k] for _, counts in found) for k in range(4))
    return tp, fp, fn, tn


def fill_gradient(
    rows: LossRows,
    slopes: tuple[float, float],
    share: float,
    grad: Float32Array,
    curv: Float32Array,
) -> bool:
    """Write gradient and curvature; False if a row is not allowed or a gradient too large.

    ``slopes`` are the sizes of the derivatives by the p of a positive and of a negative row.
    """
    loop = _gradient_loop(rows.score.dtype, weighted=rows.weight.size > 0)
    return run_loop(loop, rows, (*slopes, share), grad, curv)
