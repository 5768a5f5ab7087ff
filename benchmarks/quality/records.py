"""The result of a method on one fold of a table: a JSON file, and a line of a CSV file to keep.

A result is found again by a key made of everything that determines it. The key of a rival does
not depend on the code of gbimb, so its result outlives changes of gbimb.
"""

from __future__ import annotations

import csv
import hashlib
import json
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from gbimb.benchmark.records import CellStore, csv_text, write_atomically

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from benchmarks.quality.methods import QualityMethod
    from benchmarks.quality.tables import QualityTable

FOLDS: Final = 5
SEED: Final = 0
OK: Final = "ok"
FAILED: Final = "failed"
TOO_LONG: Final = "too long"


class QualityCell(NamedTuple):
    """A method trained without one fold of a table."""

    table: QualityTable
    fold: int
    method: QualityMethod

    def key(self) -> str:
        """Return a hash of everything that determines the result."""
        parts: dict[str, Any] = {
            "table": [self.table.name, self.table.fingerprint()],
            "fold": [self.fold, FOLDS, SEED],
            "method": [self.method.name, self.method.builder, self.method.params],
            "versions": self.method.versions(),
            "code": self.method.code(),
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityRecord:
    """The result of one fit.

    Attributes
    ----------
    table, rows, classes, positives, fold, method, key
        What was fitted. ``positives`` is the size of the rarest class.
    status : {"ok", "failed", "too long"}
        A failure is scored as what its user is left with: the most frequent class for every row,
        and the shares of the classes as probabilities.
    mcc, f1, average_precision, log_loss, brier : float
        As in ``gbimb benchmark``: with more than two classes R_K and means over classes.
    threshold : float or None
        What the method chose; None is 0.5, or with many classes the most probable one.
    fit_seconds, fit_cpu_seconds, predict_seconds : float or None
        On one thread.
    versions, error : str
    """

    table: str
    rows: int
    classes: int
    positives: int
    fold: int
    method: str
    status: str
    mcc: float
    f1: float
    average_precision: float
    log_loss: float
    brier: float
    threshold: float | None
    fit_seconds: float | None
    fit_cpu_seconds: float | None
    predict_seconds: float | None
    versions: str
    error: str
    key: str

    @property
    def place(self) -> tuple[str, int, str]:
        """What was fitted, whatever the key."""
        return self.table, self.fold, self.method


COLUMNS: Final = tuple(field.name for field in fields(QualityRecord))
WHOLE_NUMBERS: Final = frozenset({"rows", "classes", "positives", "fold"})
TEXTS: Final = frozenset({"table", "method", "status", "versions", "error", "key"})


class KeptStore(CellStore[QualityRecord]):
    """A folder of results, and the CSV file beside it that keeps them."""

    def __init__(self, folder: Path, kept: Path) -> None:
        super().__init__(folder, QualityRecord)
        self.kept = kept
        self._by_key = {record.key: record for record in read_records(kept)}

    def load(self, key: str) -> QualityRecord | None:
        """Return a result, or None if there is none."""
        return super().load(key) or self._by_key.get(key)

    def keep(self, keys: Iterable[str]) -> None:
        """Put results into the CSV file, in place of earlier ones of the same cells."""
        new = [record for key in keys if (record := self.load(key))]
        merged = {record.place: record for record in (*read_records(self.kept), *new)}
        write_records(self.kept, [merged[place] for place in sorted(merged)])


def read_records(path: Path) -> list[QualityRecord]:
    """Read a CSV file of results; there are none if there is no file."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return [
            QualityRecord(**{name: _read(name, text) for name, text in line.items()})
            for line in csv.DictReader(file)
        ]


def write_records(path: Path, records: Iterable[QualityRecord]) -> None:
    """Write a CSV file of results, whole or not at all."""
    write_atomically(path, csv_text(COLUMNS, map(asdict, records)))


def _read(name: str, text: str) -> Any:  # as the column is
    if name in TEXTS:
        return text
    if name in WHOLE_NUMBERS:
        return int(text)
    return float(text) if text else None
