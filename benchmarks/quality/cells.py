"""One fit and its result: a JSON file while running, a line of a CSV file to keep.

A cell is found again by a key made of everything that determines it. That of a rival does not
hold the code of gbimb, so its result outlives changes of gbimb.
"""

from __future__ import annotations

import csv
import hashlib
import json
from dataclasses import asdict, dataclass, fields
from io import StringIO
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from gbimb.benchmark._cells import write_atomically

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from benchmarks.quality.methods import Method
    from benchmarks.quality.tables import QualityTable

FOLDS: Final = 5
SEED: Final = 0
OK: Final = "ok"
FAILED: Final = "failed"
TOO_LONG: Final = "too long"


class Cell(NamedTuple):
    """A method trained without one fold of a table."""

    table: QualityTable
    fold: int
    method: Method

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
class Row:
    """The result of one cell.

    Attributes
    ----------
    table, rows, classes, positives, fold, method, key
        What was fitted. ``positives`` is the size of the rarest class.
    status : {"ok", "failed", "too long"}
        What did not end well is measured as what is left to its user: no row is called rare, and
        the probabilities are the shares of the classes.
    mcc, f1, average_precision, log_loss, brier : float
        As in ``gbimb benchmark``: with more than two classes R_K and means over classes.
    threshold : float or None
        What the method chose; None is 0.5, or the likeliest of many classes.
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
        """Where the row stands, whatever its key."""
        return self.table, self.fold, self.method


COLUMNS: Final = tuple(field.name for field in fields(Row))
WHOLE_NUMBERS: Final = frozenset({"rows", "classes", "positives", "fold"})
TEXTS: Final = frozenset({"table", "method", "status", "versions", "error", "key"})


class CellStore:
    """A folder of results beside the CSV file that keeps them."""

    def __init__(self, folder: Path, kept: Path) -> None:
        self.folder = folder
        self.kept = kept
        self._by_key = {row.key: row for row in read_rows(kept)}

    def load(self, key: str) -> Row | None:
        """Return a result, or None if there is none."""
        try:
            return Row(**json.loads((self.folder / f"{key}.json").read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return self._by_key.get(key)

    def save(self, row: Row) -> None:
        """Write a result."""
        write_atomically(self.folder / f"{row.key}.json", json.dumps(asdict(row), indent=1))

    def keep(self, rows: Iterable[Row]) -> None:
        """Put results into the CSV file, in place of earlier ones of the same cells."""
        merged = {row.place: row for row in (*read_rows(self.kept), *rows)}
        write_rows(self.kept, [merged[place] for place in sorted(merged)])


def read_rows(path: Path) -> list[Row]:
    """Read a CSV file of results; there are none if there is no file."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return [
            Row(**{name: _read(name, text) for name, text in line.items()})
            for line in csv.DictReader(file)
        ]


def write_rows(path: Path, rows: Iterable[Row]) -> None:
    """Write a CSV file of results, at once."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow([_write(getattr(row, name)) for name in COLUMNS])
    write_atomically(path, text.getvalue())


def _read(name: str, text: str) -> Any:  # noqa: ANN401  as the column is
    if name in TEXTS:
        return text
    if name in WHOLE_NUMBERS:
        return int(text)
    return float(text) if text else None


def _write(value: object) -> object:
    return f"{value:.6g}" if isinstance(value, float) else value
