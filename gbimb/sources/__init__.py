"""Tables that are read from disk while a model trains or predicts, never held in memory."""

from __future__ import annotations

from gbimb.sources._columns import CodedLabels, read_target, read_weight
from gbimb.sources._files import as_days, to_frame
from gbimb.sources._memory import MemoryBudget, check_room
from gbimb.sources._parquet import ParquetSource
from gbimb.sources._stream import StreamedFrame, StreamedMatrix

__all__ = [
    "CodedLabels",
    "MemoryBudget",
    "ParquetSource",
    "StreamedFrame",
    "StreamedMatrix",
    "as_days",
    "check_room",
    "read_target",
    "read_weight",
    "to_frame",
]
