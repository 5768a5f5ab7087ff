"""Tables in files: read, brought to numbers and categories, matched to a model, and written."""

from __future__ import annotations

from gbimb.files._chunks import chunks
from gbimb.files._columns import prepare_columns
from gbimb.files._match import match_columns
from gbimb.files._read import (
    check_ending,
    check_file,
    read_file,
    require_columns,
    table_name,
)
from gbimb.files._write import TableWriter

__all__ = [
    "TableWriter",
    "check_ending",
    "check_file",
    "chunks",
    "match_columns",
    "prepare_columns",
    "read_file",
    "require_columns",
    "table_name",
]
