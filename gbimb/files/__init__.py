"""Tables in files: read, brought to numbers and categories, matched to a model, and written."""

from __future__ import annotations

from gbimb.files._chunks import chunks, chunks_with_ids, count_rows
from gbimb.files._columns import AS_DAYS, prepare_columns, read_weights
from gbimb.files._json import plain, to_json
from gbimb.files._match import as_text, match_columns, text_columns
from gbimb.files._read import (
    check_ending,
    index_columns,
    is_parquet,
    is_table,
    list_files,
    read_file,
    require_columns,
    sentences,
    table_name,
)
from gbimb.files._write import TableWriter

__all__ = [
    "AS_DAYS",
    "TableWriter",
    "as_text",
    "check_ending",
    "chunks",
    "chunks_with_ids",
    "count_rows",
    "index_columns",
    "is_parquet",
    "is_table",
    "list_files",
    "match_columns",
    "plain",
    "prepare_columns",
    "read_file",
    "read_weights",
    "require_columns",
    "sentences",
    "table_name",
    "text_columns",
    "to_json",
]
