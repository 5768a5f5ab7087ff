"""What the histograms of boosters in training take, and which tables are wide.

Each leaf of a tree in training has a histogram with an entry for each bin of each column, and
each booster keeps those of all leaves. A table of few rows and thousands of columns is small
beside them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from scipy import sparse

if TYPE_CHECKING:
    from gbimb.array_types import Matrix

BOOSTERS: Final = 5
"""Boosters in training at a time, those of the folds."""

LEAVES: Final = 31
ENTRY_BYTES: Final = 16
COLUMN_BYTES: Final = 130
"""What an engine keeps for a column of a histogram beside the entries."""

SAMPLE_COLUMN_BYTES: Final = 1_500
"""What an engine keeps for a column of the rows of a booster: edges of bins and their like."""

SMALL: Final = 64_000_000
LARGE: Final = 512_000_000
TIMES_TABLE: Final = 16
WIDE_ROWS_IN_BIN: Final = 3
"""Rows of a bin on a wide table, as many as LightGBM has by default."""


def most_bins(n_rows: int, n_columns: int, n_values: int, max_bin: int = 255) -> int:
    """Return the number of bins that a table has at most; ``n_values`` are not zero."""
    return min(n_columns * min(max_bin, n_rows), n_values + 2 * n_columns)


def allowed_bytes(n_values: int) -> int:
    """Return what the histograms of all boosters may take on a table with so many values."""
    table = 4 * n_values
    return max(SMALL, table, min(TIMES_TABLE * table, LARGE))


def leaf_bytes(n_bins: int, n_columns: int) -> int:
    """Return what one histogram takes."""
    return ENTRY_BYTES * n_bins + COLUMN_BYTES * n_columns


def is_wide(X: Matrix, max_bin: int, leaves: int) -> bool:
    """Return whether histograms have to be limited, and need coarser bins."""
    bins = most_bins(X.shape[0], X.shape[1], n_values(X), max_bin)
    needed = BOOSTERS * leaves * leaf_bytes(bins, X.shape[1])
    return needed > allowed_bytes(n_values(X))


def pool_bytes(X: Matrix, leaf: int, leaves: int) -> int:
    """Return what the histograms of each booster may take on a wide table.

    All together have what those of one booster would take without a limit, where each takes
    ``leaf`` bytes, or a share of what is allowed.
    """
    table = TIMES_TABLE * 4 * n_values(X)
    return max(leaves * leaf, min(table, LARGE)) // BOOSTERS


def histogram_bytes(n_rows: int, n_columns: int, n_values: int) -> int:
    """Return what the histograms of all boosters of a fit take, with their data sets, about."""
    one = LEAVES * leaf_bytes(most_bins(n_rows, n_columns, n_values), n_columns)
    histograms = min(BOOSTERS * one, max(allowed_bytes(n_values), one))
    # The table and the rows of each booster; held-out rows have data sets unless it is wide.
    sets = 1 + BOOSTERS * (1 if histograms < BOOSTERS * one else 2)
    return histograms + sets * SAMPLE_COLUMN_BYTES * n_columns


def n_values(X: Any) -> int:  # any table with a shape
    """Return the number of values, of a sparse matrix those that are stored."""
    return int(X.nnz) if sparse.issparse(X) else int(X.shape[0]) * int(X.shape[1])
