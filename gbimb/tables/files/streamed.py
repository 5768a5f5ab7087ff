"""What :mod:`gbimb.tables.files.columns` does to a table in memory, for one that is streamed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from gbimb.tables.files.columns import is_by_value, read_columns, said_of_texts
from gbimb.tables.files.notes import AS_DAYS
from gbimb.tables.parquet.frames import FINITE
from gbimb.tables.texts import Reading, likely_forms

if TYPE_CHECKING:
    from gbimb.tables.parquet.source import ParquetSource

MOST_TEXTS: Final = 500_000
"""So many different ones say how a column is read; each further one must fit, or is refused."""


def prepare_source(source: ParquetSource) -> tuple[tuple[str, ...], dict[str, Reading]]:
    """Have a source read its columns as numbers where a file in memory would be; say so.

    Returns
    -------
    tuple of str
        A note for each such column.
    dict of str to Reading
        How the columns were read whose texts are numbers or dates.
    """
    kinds = source.kinds(source.features)
    texts = read_columns(_doubtful_texts(source, [n for n, k in kinds.items() if k == "text"]))
    infinite = _count_infinite(source, [n for n, k in kinds.items() if k == "number"])
    notes = []
    readings = {}
    for name in source.features:
        found = texts.get(name)
        if found is not None and is_by_value(found):
            readings[name] = found.reading
        said = "" if found is None else said_of_texts(found)
        if name in source.days:
            said = AS_DAYS[source.days[name]]
        elif infinite.get(name):
            said = f"{infinite[name]:,} infinite values, taken as missing."
            source.as_numbers[name] = FINITE
        if said:
            notes.append(f"Column {name!r}: {said}")
    source.as_numbers.update(readings)
    return tuple(notes), readings


def _doubtful_texts(source: ParquetSource, names: list[str]) -> dict[str, Any]:
    """Return the columns of text that may hold numbers or dates."""
    found = {}
    for name in _first_look(source, names):
        chunks, distinct = [], 0
        for batch in source.batches([name]):
            chunks.append(batch.column(name))
            distinct += len(batch.column(name).dictionary) if _is_dictionary(chunks[-1]) else 0
            if distinct > MOST_TEXTS:
                break
        found[name] = pa.chunked_array(
            [c for c in chunks if _is_dictionary(c)]
        ).unify_dictionaries()
    return found


def _first_look(source: ParquetSource, names: list[str]) -> list[str]:
    if not names:
        return []
    batch = next(iter(source.batches(names)))
    columns = {name: batch.column(name) for name in names}
    return [n for n, c in columns.items() if not _is_dictionary(c) or likely_forms(c.dictionary)]


def _is_dictionary(column: Any) -> bool:
    return bool(pa.types.is_dictionary(column.type))


def _count_infinite(source: ParquetSource, names: list[str]) -> dict[str, int]:
    """Return the infinite values of columns that have some, looking where footers allow them."""
    doubtful = dict.fromkeys(name for path in source.paths for name in _may_be_infinite(path))
    columns = [name for name in names if name in doubtful]
    counts = dict.fromkeys(columns, 0)
    for batch in source.batches(columns) if columns else ():
        for name in columns:
            if pa.types.is_floating(batch.column(name).type):
                counts[name] += pc.sum(pc.is_inf(batch.column(name))).as_py() or 0
    return counts


def _may_be_infinite(path: Any) -> list[str]:  # a path
    with pq.ParquetFile(path) as file:
        footer, schema = file.metadata, file.schema_arrow
        floats = {field.name for field in schema if pa.types.is_floating(field.type)}
        places = {footer.schema.column(i).path: i for i in range(footer.num_columns)}
        found = []
        for name in floats & places.keys():
            for group in range(footer.num_row_groups):
                part = footer.row_group(group).column(places[name])
                known = part.statistics if part.is_stats_set else None
                if known is not None and known.null_count == part.num_values:
                    continue
                if (
                    known is None
                    or not known.has_min_max
                    or not np.isfinite([known.min, known.max]).all()
                ):
                    found.append(name)
                    break
    return found
