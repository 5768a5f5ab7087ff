"""Calibration curves, from probability to probability."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gbimb.decisions.calibration import SMALLEST, BetaCurve, IsotonicCurve
from gbimb.engines.trees import Tree, Trees
from gbimb.exceptions import InvalidDataError
from gbimb.onnx.ensemble import Ensemble, Unseen
from gbimb.onnx.graph import INT64

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from gbimb.decisions.calibration import Curve
    from gbimb.onnx.graph import Graph


def calibrated(graph: Graph, proba: str, curves: Sequence[Curve | None]) -> str:
    """Return probabilities of shape (n, C) after a curve for each column; None leaves it."""
    columns = range(len(curves))
    for curve in curves:
        if not isinstance(curve, BetaCurve | IsotonicCurve | None):
            msg = f"The curve {type(curve).__name__} has no form in ONNX, got one."
            raise InvalidDataError(msg)
    steps = [j for j in columns if isinstance(curves[j], IsotonicCurve)]
    lines = [j for j in columns if isinstance(curves[j], BetaCurve)]
    rest = [j for j in columns if curves[j] is None]
    parts = []
    for places, of in ((steps, _isotonic), (lines, _beta), (rest, None)):
        if places:
            part = proba if len(places) == len(curves) else graph.columns(proba, places)
            parts.append(part if of is None else of(graph, part, [curves[j] for j in places]))
    if len(parts) == 1:
        return parts[0]
    order = np.argsort(np.array([*steps, *lines, *rest]))
    return graph.columns(graph.add("Concat", *parts, axis=1), order.tolist())


def _beta(graph: Graph, proba: str, curves: Sequence[Any]) -> str:
    inside = graph.clip(proba, SMALLEST, 1.0 - SMALLEST)
    a, b, c = (np.array([getattr(curve, name) for curve in curves]) for name in "abc")
    log_p = graph.mul(a, graph.add("Log", inside))
    minus_log_q = graph.mul(b, graph.add("Neg", graph.add("Log", graph.sub(1.0, inside))))
    return graph.add("Sigmoid", graph.sum(graph.sum(log_p, minus_log_q), c))


def _isotonic(graph: Graph, proba: str, curves: Sequence[Any]) -> str:
    """Find the piece of each curve by a tree, then follow its line as ``numpy.interp`` does."""
    pieces, start = [], 0
    steps = [_pieces(curve) for curve in curves]
    for column, (x, _, _) in enumerate(steps):
        pieces.append(_search(x[1:], column, start))
        start += x.size
    found = Trees(tuple(pieces), np.zeros(len(curves)), np.dtype(np.float64), up_to=False)
    nothing = np.full(len(curves), np.nan)
    ensemble = Ensemble(found, Unseen(nothing, nothing, np.zeros(len(curves), np.intp)))
    ensemble.add(found)
    at = graph.add("Cast", ensemble.write(graph, proba), to=INT64)
    x, y, slope = (np.concatenate(each) for each in zip(*steps, strict=True))
    away = graph.sub(proba, graph.add("Gather", graph.constant(x), at))
    risen = graph.mul(graph.add("Gather", graph.constant(slope), at), away)
    return graph.sum(risen, graph.add("Gather", graph.constant(y), at))


def _pieces(curve: IsotonicCurve) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Return where each piece of a curve begins, its height there and its slope.

    The curve is level before its first point and from its last one on.
    """
    slope = np.diff(curve.y) / np.diff(curve.x)
    return np.r_[0.0, curve.x], np.r_[curve.y[0], curve.y], np.r_[0.0, slope, 0.0]


def _search(bounds: NDArray[Any], output: int, start: int) -> Tree:
    """Return a tree that counts the bounds which are at most a value, from ``start`` on."""
    n = bounds.size
    left, right = np.full(2 * n + 1, -1), np.full(2 * n + 1, -1)
    threshold, number = np.zeros(2 * n + 1), np.zeros(2 * n + 1)
    waiting, used = [(0, 0, n)], 1  # of a node: itself, and the bounds that it parts
    while waiting:
        node, low, high = waiting.pop()
        if low == high:
            number[node] = start + low
            continue
        middle = (low + high) // 2
        left[node], right[node], threshold[node] = used, used + 1, bounds[middle]
        waiting += [(used, low, middle), (used + 1, middle + 1, high)]
        used += 2
    nothing = np.zeros(2 * n + 1, bool)
    return Tree(
        left=left,
        right=right,
        feature=np.full(2 * n + 1, output),
        threshold=threshold,
        missing_left=nothing,
        zero_missing=nothing,
        value=number,
        output=output,
    )
