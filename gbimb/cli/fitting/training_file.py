"""The file that ``gbimb fit`` trains on."""

from __future__ import annotations

import shlex
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from gbimb.exceptions import (
    InvalidDataError,
    InvalidParameterError,
    unknown_name,
)

if TYPE_CHECKING:
    import pandas as pd

    from gbimb.cli._row_costs import CostOption
    from gbimb.tables.files.options import ReadOptions
    from gbimb.tables.texts import Reading

MOST_LABELS: Final = 100
Given: TypeAlias = dict[str, Any]


class TrainingFile(NamedTuple):
    """A file as ``fit`` takes it.

    Attributes
    ----------
    given : dict
        The arguments of ``fit``.
    notes : tuple of str
        What was done to its columns.
    readings : dict of str to Reading
        How its texts were read.
    """

    given: Given
    notes: tuple[str, ...]
    readings: dict[str, Reading]


def is_streamed(data: Path) -> bool:
    """Whether it is a folder of Parquet files; one of CSV is read whole."""
    from gbimb.tables.files.read import is_parquet, list_files

    if not data.is_dir():
        return False
    kinds = {is_parquet(file) for file in list_files(data, "DATA")}
    if len(kinds) == 2:
        msg = f"A folder must hold CSV or Parquet files, got both in {str(data)!r}."
        raise InvalidDataError(msg)
    return kinds.pop()


class Roles(NamedTuple):
    """The columns that are not trained on, but say something of the rows.

    Attributes
    ----------
    weight, group, time : str or None
    """

    weight: str | None = None
    group: str | None = None
    time: str | None = None

    def options(self) -> dict[str, list[str]]:
        """Return the column of each option that was given."""
        named = {"--weight": self.weight, "--group": self.group, "--time": self.time}
        return {option: [name] for option, name in named.items() if name is not None}


def read_rows(
    data: Path,
    target: str,
    roles: Roles,
    left_out: dict[str, list[str]],
    known: ReadOptions | None = None,
    *,
    costs: CostOption | None = None,
) -> TrainingFile:
    """Return what ``fit`` is given from a table, and what was done to its columns.

    Columns of ``costs`` are trained on, too, unless they are left out.
    """
    from gbimb.tables.dependence import check_one_of
    from gbimb.tables.files.columns import plain_labels, prepare_columns, read_weights
    from gbimb.tables.files.index import THE_INDEX, unasked_index
    from gbimb.tables.files.match import of_labels, require_labels
    from gbimb.tables.files.options import AS_FOUND, blank
    from gbimb.tables.files.read import read_file, require_columns
    from gbimb.tables.remarks.sentences import odd_labels

    known = known or AS_FOUND
    check_one_of(roles.group, roles.time, "--group")
    frame = read_file(data, "DATA", known)
    named = {"--cost": [] if costs is None else costs.columns, **roles.options(), **left_out}
    require_columns(frame.columns, data.name, {"--target": [target], **named})
    labels = known.clean_labels(plain_labels(blank(frame[target], known.missing)))
    _check_number_of_labels(labels.nunique(), target)
    require_labels(labels, target)
    others = {*chain(*roles.options().values(), *left_out.values())}
    if target in others:
        msg = (
            "--target must not be among --weight, --group, --time, --id and --drop, got "
            f"{target!r}."
        )
        raise InvalidParameterError(msg)
    index = unasked_index(frame, data, "DATA", {target, *others})
    prepared = prepare_columns(frame.drop(columns=[target, *others, *index]), known)
    X, remarks, readings = prepared
    if roles.group is None and roles.time is None:
        remarks = _with_hint(remarks, {name: X[name] for name in prepared.dates})
    readings |= of_labels(target, known)
    if X.shape[1] == 0:
        raise _nothing_left(data)
    given: Given = {"X": X, "y": _labels(labels)}
    if roles.weight is not None:
        given["sample_weight"] = read_weights(frame[roles.weight])
    given |= read_roles(frame, roles, known)
    if costs is not None:
        given |= dict(zip(("cost_fp", "cost_fn"), costs.read(frame), strict=True))
    counts = {str(label): int(rows) for label, rows in labels.value_counts().items()}
    alike = odd_labels(counts, target)
    return TrainingFile(given, (*map(THE_INDEX.format, index), *alike, *remarks), readings)


def read_roles(frame: pd.DataFrame, roles: Roles, known: ReadOptions) -> Given:
    """Return the groups or times of the rows, those of text read by value."""
    if roles.group is not None:
        return {"groups": frame[roles.group]}
    if roles.time is None:
        return {}
    from gbimb.tables.files.columns import prepare_columns

    return {"time": prepare_columns(frame[[roles.time]], known).frame[roles.time]}


def open_folder(
    data: Path,
    target: str,
    roles: Roles,
    left_out: dict[str, list[str]],
    known: ReadOptions | None = None,
) -> TrainingFile:
    """Return a folder of Parquet files as ``fit`` is given it, and what is done to its columns."""
    import numpy as np
    import pandas as pd

    from gbimb.tables.files.index import THE_INDEX, unasked_index, unnamed
    from gbimb.tables.files.match import of_labels
    from gbimb.tables.files.options import AS_FOUND
    from gbimb.tables.files.streamed import prepare_source
    from gbimb.tables.parquet.columns import read_target
    from gbimb.tables.parquet.source import ParquetSource
    from gbimb.tables.remarks.sentences import odd_labels

    known = known or AS_FOUND
    everything = ParquetSource(data, target, **roles._asdict())
    there = [*everything.features, *everything.index]
    for option, names in left_out.items():
        for name in names:
            if name not in there:
                raise unknown_name(option, name, there)
    named = {target, *chain(*roles.options().values(), *left_out.values())}
    counters = {n: pd.concat(everything.frames([n]))[n] for n in unnamed(everything.features)}
    index = unasked_index(counters, data, "DATA", named)
    features = [name for name in everything.features if name not in {*named, *index}]
    if not features:
        raise _nothing_left(data)
    source = ParquetSource(data, target, features=features, dates="days", **roles._asdict())
    if known.labels:
        source.clean_label = known.clean_label
    remarks, readings = prepare_source(source, known)
    if roles.group is None and roles.time is None:
        dates = [n for n in features if source.days.get(n) == "date"]
        dates += [n for n, reading in readings.items() if reading.is_date]
        days = {n: pd.concat(source.frames([n]))[n] for n in dates}
        remarks = _with_hint(remarks, days)
    readings |= of_labels(target, known)
    found = read_target(source)
    rows = np.bincount(found.codes, minlength=len(found.found)).tolist()
    counts = dict(zip(map(str, found.found.tolist()), rows, strict=True))
    alike = odd_labels(counts, target) if len(counts) <= MOST_LABELS else ()
    return TrainingFile({"X": source}, (*map(THE_INDEX.format, index), *alike, *remarks), readings)


def _with_hint(remarks: tuple[str, ...], dates: dict[str, pd.Series[Any]]) -> tuple[str, ...]:
    """Return the notes, longer where a column of dates may be the time of the rows."""
    from gbimb.tables.dependence import times_of_rows

    for name in times_of_rows(dates):
        more = f"If later rows are to be predicted, give --time {shlex.quote(name)}."
        column = f"Column {name!r}: "
        if any(remark.startswith(column) for remark in remarks):
            return tuple(f"{r} {more}" if r.startswith(column) else r for r in remarks)
        return (*remarks, f"{column}{more}")
    return remarks


def labels_of(given: Given, target: str) -> list[Any]:
    """Return the different labels."""
    import numpy as np

    from gbimb.tables.parquet.columns import read_target

    if "y" in given:
        return list(np.unique(given["y"]).tolist())
    labels = read_target(given["X"]).found.tolist()
    _check_number_of_labels(len(labels), target)
    return list(labels)


def _nothing_left(data: Path) -> InvalidDataError:
    return InvalidDataError(f"{data.name!r} has no column left to train on. Drop fewer columns.")


def _labels(values: pd.Series[Any]) -> Any:
    """Return labels as an array of one plain type."""
    if values.dtype == bool or values.dtype.kind in "iuf":
        return values.to_numpy()
    return values.astype(object).to_numpy()


def _check_number_of_labels(labels: int, target: str) -> None:
    """Refuse a column that is no label."""
    if labels > MOST_LABELS:
        msg = f"Column {target!r} must hold at most {MOST_LABELS} labels, got {labels:,}."
        raise InvalidDataError(msg)
