"""Predictions for more rows than memory holds, written to a Parquet file as they are made."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from gbimb.estimators.fitted import check_is_fitted
from gbimb.exceptions import InvalidDataError, InvalidParameterError
from gbimb.replacing import replacing
from gbimb.tables.parquet.frames import to_frame
from gbimb.tables.parquet.value_types import as_type, plain_values, shared_types
from gbimb.tables.read import as_rows, read_table
from gbimb.tables.typical import one_warning

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gbimb.decisions.rules import RowCosts
    from gbimb.tables.parquet.source import ParquetSource


def write_predictions(
    classifier: Any,  # any of our estimators
    source: ParquetSource,
    path: str | os.PathLike[str],
    columns: Sequence[str],
    costs: RowCosts | None = None,
) -> None:
    """Write the predictions for ``source`` to ``path``, which appears when it is complete.

    With ``costs``, those of all rows, the least expected cost decides.
    """
    check_is_fitted(classifier)
    names = ["prediction", *(f"proba_{label}" for label in classifier.classes_)]
    source.require_columns(columns)
    for name in columns:
        if name in names or list(columns).count(name) > 1:
            msg = f"columns must differ from one another and from {names}, got {name!r}."
            raise InvalidParameterError(msg)
    target = Path(os.path.realpath(path))
    if not target.parent.is_dir() or target.is_dir():
        msg = f"path must name a file in a directory that is there, got {str(path)!r}."
        raise InvalidParameterError(msg)
    if target in {file.resolve() for file in source.paths}:
        msg = f"path must not be a file of the source, got {str(path)!r}."
        raise InvalidParameterError(msg)
    try:
        batches = _predicted(classifier, source, list(columns), names, costs)
        with replacing(target) as new, one_warning(source.n_rows):
            first = next(batches)
            with pq.ParquetWriter(new, first.schema) as writer:
                writer.write_batch(first)
                for batch in batches:
                    writer.write_batch(batch)
    except OSError as error:
        msg = f"Predictions cannot be written to {str(path)!r}: {error.strerror}."
        raise InvalidDataError(msg) from error


def _predicted(
    classifier: Any,
    source: ParquetSource,
    columns: list[str],
    names: list[str],
    costs: RowCosts | None,
) -> Iterator[pa.RecordBatch]:
    frame: Any = read_table(classifier, source, reset=False)
    wanted = list(dict.fromkeys([*frame.columns, *columns]))
    types = shared_types(source, columns)
    done = 0
    for batch in source.batches(wanted):
        rows = batch.select(list(frame.columns))
        proba = classifier.predict_proba(as_rows(classifier, to_frame(rows, source.as_numbers)))
        here = slice(done, done + len(proba))
        rule = classifier.model_.rule if costs is None else costs.part(here)
        decided = classifier.classes_[rule.decide(proba)]
        done += len(proba)
        kept = [plain_values(batch.column(name)) for name in columns]
        kept = [
            as_type(column, name, types[name]) if name in types else column
            for name, column in zip(columns, kept, strict=True)
        ]
        yield pa.record_batch(
            [*kept, pa.array(decided), *(pa.array(p) for p in proba.T)], names=[*columns, *names]
        )
