"""What :mod:`gbimb.tables.files.columns` does to a table in memory, for one that is streamed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from gbimb.tables.files.columns import is_by_value, read_columns, said_of_texts
from gbimb.tables.files.options import AS_FOUND, ReadOptions
from gbimb.tables.parquet.frames import FINITE
from gbimb.tables.parquet.value_types import plain_values
from gbimb.tables.remarks.sentences import AS_DAYS
from gbimb.tables.remarks.suspects import about_numbers, about_texts
from gbimb.tables.text_forms import TEXT
from gbimb.tables.texts import Reading, is_words, likely_forms

if TYPE_CHECKING:
    from gbimb.tables.parquet.source import ParquetSource

MOST_TEXTS: Final = 500_000
"""So many different ones say how a column is read; each further one must fit, or is refused."""


def prepare_source(
    source: ParquetSource, known: ReadOptions = AS_FOUND
) -> tuple[tuple[str, ...], dict[str, Reading]]:
    """Have a source read its columns as numbers where a file in memory would be; say so.

    Returns
    -------
    tuple of str
        A note for each such column, and for those that may not be what they look like.
    dict of str to Reading
        How the columns were read whose texts are numbers or dates.
    """
    kinds = source.kinds(source.features)
    words = [name for name, kind in kinds.items() if kind == "text"]
    texts = read_columns(_doubtful_texts(source, words), known)
    infinite = _count_infinite(source, [n for n, k in kinds.items() if k == "number"])
    odd = _odd_columns(source, words, [n for n, k in kinds.items() if k == "number"])
    notes = []
    readings: dict[str, Reading] = {}
    for name in source.features:
        found = texts.get(name)
        if found is not None and is_by_value(found):
            readings[name] = found.reading
        if known.missing and kinds[name] != "category" and name not in source.days:
            reading = readings.get(name, Reading(TEXT if kinds[name] == "text" else "."))
            readings[name] = reading.with_missing(known.missing)
        said = "" if found is None else said_of_texts(found)
        if name in source.days:
            said = AS_DAYS[source.days[name]]
        elif infinite.get(name):
            said = f"{infinite[name]:,} infinite values, taken as missing."
            source.as_numbers[name] = FINITE
        said = said or odd.get(name, "")
        if said:
            notes.append(f"Column {name!r}: {said}")
    source.as_numbers.update(readings)
    return tuple(notes), readings


def _odd_columns(source: ParquetSource, words: list[str], numbers: list[str]) -> dict[str, str]:
    """Return what to say of texts and of numbers that may not be what they look like.

    Where the first rows look odd, up to ``MOST_TEXTS`` of them decide.
    """
    names = [*words, *(n for n in numbers if n not in source.days)]
    first = next(iter(source.batches(names)), None) if names else None
    if first is None:
        return {}
    said = {}
    for name in names:
        if _about([first.column(name)]):
            parts, rows = [], 0
            for batch in source.batches([name]):
                parts.append(batch.column(name))
                rows += len(batch)
                if rows >= MOST_TEXTS:
                    break
            said[name] = _about(parts)
    return said


def _about(parts: list[Any]) -> str:  # Arrow arrays
    values = pa.chunked_array([plain_values(part) for part in parts])
    if is_words(values.type):
        found = pc.value_counts(values.drop_null())
        counts = zip(
            found.field("values").to_pylist(), found.field("counts").to_pylist(), strict=True
        )
        return about_texts(dict(counts), len(values))
    if not (pa.types.is_integer(values.type) or pa.types.is_floating(values.type)):
        return ""
    return about_numbers(values.to_numpy())


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
