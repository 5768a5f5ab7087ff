"""Tables that are read from disk while a model trains or predicts, never held in memory."""

from __future__ import annotations

from gbimb.sources._columns import CodedLabels, read_target, read_weight
from gbimb.sources._frames import to_frame
from gbimb.sources._groups import list_groups, read_groups
from gbimb.sources._memory import MemoryBudget, check_room
from gbimb.sources._parquet import ParquetSource
from gbimb.sources._stream import StreamedFrame, StreamedMatrix
from gbimb.sources._types import as_type, plain_values, shared_types

__all__ = [
    "CodedLabels",
    "MemoryBudget",
    "ParquetSource",
    "StreamedFrame",
    "StreamedMatrix",
    "as_type",
    "check_room",
    "list_groups",
    "plain_values",
    "read_groups",
    "read_target",
    "read_weight",
    "shared_types",
    "to_frame",
]
