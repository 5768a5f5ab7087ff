"""The result of one fit, and the folder that keeps the results.

Each result is a JSON file, named by a hash of everything that determines it and written under
another name first. So an interrupted run continues where it stopped, and two runs can share a
folder.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from dataclasses import asdict, dataclass, fields
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from gbimb.benchmark.plan import Cell
from gbimb.engines.registry import versions
from gbimb.replacing import replacing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from _typeshed import DataclassInstance

    from gbimb.benchmark.methods import Method

# Modules that only summarise or show results.
SUMMARISING: Final = frozenset(
    f"benchmark/{name}.py"
    for name in ("__init__", "console", "progress", "results", "statistics", "verdict")
)
# Folders that only show them.
SHOWING: Final = ("cli", "plots", "report")

R = TypeVar("R", bound="DataclassInstance")


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """The result of one fit.

    Attributes
    ----------
    table, rows, columns, classes, folds, fold, seed, method, engine
        What was fitted.
    positives, prevalence
        Rows of the positive class and their share; None with more than two classes.
    mcc, f1, precision, recall
        Of the labels predicted for the fold; higher is better. With more than two classes R_K,
        and means over the classes that have a row in the fold.
    average_precision
        Area under the precision-recall curve; higher is better. The same mean over classes.
    log_loss, brier
        Of the probabilities; lower is better. With more than two classes Brier is a sum.
    threshold, n_rounds
        What the classifier chose; None if it does not tell.
    fit_seconds, fit_cpu_seconds, predict_seconds
        On one thread; predicting the fold once.
    warnings
        Those of the fit.
    versions
        Of gbimb, the engine and the libraries.
    """

    table: str
    rows: int
    columns: int
    classes: int
    positives: int | None
    prevalence: float | None
    engine: str
    method: str
    folds: int
    fold: int
    seed: int
    mcc: float
    f1: float
    precision: float
    recall: float
    average_precision: float
    log_loss: float
    brier: float
    threshold: float | None
    n_rounds: int | None
    fit_seconds: float
    fit_cpu_seconds: float
    predict_seconds: float
    warnings: tuple[str, ...]
    versions: dict[str, str]

    @property
    def cell(self) -> Cell:
        """What was fitted."""
        return Cell(self.table, self.engine, self.method, self.fold)


class CellStore(Generic[R]):
    """A folder with one JSON file for each result, a dataclass of plain values."""

    def __init__(self, folder: Path, record_type: type[R]) -> None:
        self.folder = folder
        self.record_type = record_type

    def load(self, key: str) -> R | None:
        """Return a result, or None if there is none that can be read."""
        try:
            stored = json.loads(self._path(key).read_text(encoding="utf-8"))
            if set(stored) != {field.name for field in fields(self.record_type)}:
                return None
            return self.record_type(
                **{k: tuple(v) if isinstance(v, list) else v for k, v in stored.items()}
            )
        except (OSError, ValueError, TypeError):
            return None

    def save(self, key: str, record: R) -> None:
        """Write a result."""
        write_atomically(self._path(key), json.dumps(asdict(record), indent=1))

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.json"


def write_atomically(path: Path, text: str) -> None:
    """Write a file that is there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as new:
        new.write_text(text, encoding="utf-8", newline="")


def csv_text(names: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """Return rows as CSV, with six significant digits."""
    text = io.StringIO()
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        short = {k: f"{v:.6g}" if isinstance(v, float) else v for k, v in row.items()}
        writer.writerow(short)
    return text.getvalue()


def cell_key(cell: Cell, method: Method, fingerprint: str, *, folds: int, seed: int) -> str:
    """Return the hash of everything that determines a result."""
    built_by = getattr(method.build, "func", method.build)  # of a partial, its function
    parts: dict[str, Any] = {
        "cell": cell,
        "table": fingerprint,
        "method": f"{built_by.__module__}.{built_by.__qualname__}",
        "params": repr(getattr(method.build, "keywords", {})),
        "folds": folds,
        "seed": seed,
        "versions": versions(cell.engine),
        "code": code_fingerprint(),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


@cache
def code_fingerprint() -> str:
    """Return a hash of the code of gbimb that a result depends on."""
    folder = Path(__file__).parent.parent
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        name = path.relative_to(folder).as_posix()
        if name not in SUMMARISING and name.partition("/")[0] not in SHOWING:
            digest.update(name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
