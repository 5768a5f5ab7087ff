"""Differences and ratios of pairs of columns, as ``gbimb.model.pairs`` has them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from gbimb.model.pairs import Pairs
    from gbimb.onnx.ensemble import Unseen
    from gbimb.onnx.graph import Graph


def beside_pairs(graph: Graph, matrix: str, pairs: Pairs, unseen: Unseen) -> tuple[str, Unseen]:
    """Return the matrix with the columns of the pairs, and what stands in for its values."""
    # Typical values stand in before the arithmetic: here they cost nodes, not branches.
    used = sorted({i for pair in pairs for i in pair})
    values = graph.columns(matrix, used)
    fill = unseen.fill[used]
    if not np.isnan(fill).all():
        values = graph.where(graph.add("IsNaN", values), fill[None], values)
    left, right = (
        graph.columns(values, [used.index(pair[side]) for pair in pairs]) for side in (0, 1)
    )
    ratio = graph.div(left, right)
    finite = graph.at_least(np.finfo(np.float64).max, graph.add("Abs", ratio))
    ratio = graph.where(finite, ratio, np.nan)
    wide = graph.wider(matrix, unseen.fill.size, graph.sub(left, right), ratio)
    none, more = np.full(2 * len(pairs), np.nan), 2 * len(pairs)
    return wide, replace(
        unseen,
        fill=np.append(unseen.fill, none),
        unknown=np.append(unseen.unknown, none),
        n_categories=np.append(unseen.n_categories, np.zeros(more, np.intp)),
    )
