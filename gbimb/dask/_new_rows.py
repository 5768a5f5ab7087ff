"""What rows without labels say of their prevalence, asked where they lie."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import dask
import numpy as np
from dask.delayed import delayed

from gbimb.dask._pieces import as_collection, blocks_of, renamed
from gbimb.estimators.adapting import NewRows
from gbimb.exceptions import InvalidDataError

MOST_ROWS: Final = 500_000
"""Rows whose probabilities travel; of more, as many are drawn at random."""


def look_at(local: Any, X: Any, most: int = MOST_ROWS) -> NewRows:  # any local estimator
    """Return what the rows of a Dask DataFrame or Array say; their columns stay on the workers."""
    look, size, thin = delayed(_look), delayed(_size), delayed(_thin)
    model = delayed(local)
    blocks = renamed(blocks_of(as_collection(X), "X_new"))
    parts = dask.persist(*[look(block, model) for block in blocks])
    sizes = dask.compute(*[size(part) for part in parts])
    total = sum(sizes)
    if not total:
        msg = "X_new must have at least one row, got none."
        raise InvalidDataError(msg)
    share = min(1.0, most / total)
    there = [(i, part) for i, (part, n) in enumerate(zip(parts, sizes, strict=True)) if n]
    return NewRows.merge(dask.compute(*[thin(part, share, i) for i, part in there]))


def _look(block: Any, local: Any) -> NewRows | None:
    return NewRows.of(local, block) if block.shape[0] else None


def _size(rows: NewRows | None) -> int:
    return 0 if rows is None else len(rows.proba)


def _thin(rows: NewRows, share: float, seed: int) -> NewRows:
    """Return about a share of the probabilities; the counts of columns stay those of all rows."""
    if share == 1.0:
        return rows
    drawn = np.random.default_rng([0, seed]).random(len(rows.proba)) < share
    return replace(rows, proba=rows.proba[drawn])
