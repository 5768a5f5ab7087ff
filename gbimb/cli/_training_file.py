"""The file that ``gbimb fit`` learns from."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from gbimb.exceptions import (
    InvalidDataError,
    InvalidParameterError,
    InvalidTypeError,
    unknown_name,
)

if TYPE_CHECKING:
    from collections.abc import Container

    import pandas as pd

    from gbimb.tables.parquet.source import ParquetSource

MOST_LABELS: Final = 100
THE_INDEX: Final = "Column {!r} is the index of the table: not learnt from."
Given: TypeAlias = dict[str, Any]


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


def read_rows(
    data: Path, target: str, weight: str | None, left_out: dict[str, list[str]]
) -> tuple[Given, tuple[str, ...]]:
    """Return what ``fit`` is given from a table, and what was done to its columns."""
    from gbimb.tables.files.columns import prepare_columns, read_weights
    from gbimb.tables.files.read import read_file, require_columns

    frame = read_file(data, "DATA")
    weights = [] if weight is None else [weight]
    require_columns(
        frame.columns, data.name, {"--target": [target], "--weight": weights, **left_out}
    )
    _check_labels(frame[target], target)
    others = {*weights, *chain(*left_out.values())}
    if target in others:
        msg = f"--target must not be among --weight, --id and --drop, got {target!r}."
        raise InvalidParameterError(msg)
    index = unnamed_index(data, "DATA", {target, *others})
    X, remarks = prepare_columns(frame.drop(columns=[target, *others, *index]))
    if X.shape[1] == 0:
        msg = f"{data.name!r} has no column left to learn from."
        raise InvalidDataError(msg)
    given: Given = {"X": X, "y": _labels(frame[target])}
    if weight is not None:
        given["sample_weight"] = read_weights(frame[weight])
    return given, (*map(THE_INDEX.format, index), *remarks)


def unnamed_index(data: Path, option: str, named: Container[str]) -> list[str]:
    """Return the columns that are an index and that no option names."""
    from gbimb.tables.files.read import index_columns

    return [name for name in index_columns(data, option) if name not in named]


def open_folder(
    data: Path, target: str, weight: str | None, left_out: dict[str, list[str]]
) -> tuple[ParquetSource, tuple[str, ...]]:
    """Return a folder of Parquet files as ``fit`` is given it, and what is done to its columns."""
    from gbimb.tables.files.columns import AS_DAYS
    from gbimb.tables.parquet.source import ParquetSource

    everything = ParquetSource(data, target, weight=weight)
    index = [name for name in everything.index if name not in (target, weight)]
    there = [*everything.features, *index]
    for option, names in left_out.items():
        for name in names:
            if name not in there:
                raise unknown_name(option, name, there)
    not_learnt = set(chain(*left_out.values()))
    features = [name for name in everything.features if name not in not_learnt]
    source = ParquetSource(data, target, features=features, weight=weight, dates="days")
    try:
        source.kinds(features)
    except InvalidTypeError as error:
        msg = f"{error} Here: --drop."
        raise InvalidTypeError(msg) from None
    days = {name: source.days[name] for name in features if name in source.days}
    remarks = [THE_INDEX.format(name) for name in index if name not in not_learnt]
    return source, (*remarks, *(f"Column {name!r}: {AS_DAYS[kind]}" for name, kind in days.items()))


def _labels(values: pd.Series[Any]) -> Any:  # noqa: ANN401
    """Return labels as an array of one plain type."""
    if values.dtype == bool or values.dtype.kind in "iuf":
        return values.to_numpy()
    return values.astype(object).to_numpy()


def _check_labels(values: pd.Series[Any], target: str) -> None:
    check_number_of_labels(values.nunique(), target)
    missing = int(values.isna().sum())
    if missing:
        msg = (
            f"Column {target!r} must have a label in every row, got {missing:,} of "
            f"{len(values):,} rows without. Fill or remove them."
        )
        raise InvalidDataError(msg)


def check_number_of_labels(labels: int, target: str) -> None:
    """Refuse a column that is no label."""
    if labels > MOST_LABELS:
        msg = f"Column {target!r} must hold at most {MOST_LABELS} labels, got {labels:,}."
        raise InvalidDataError(msg)


def match_label(positive: str | None, labels: list[Any]) -> Any:  # noqa: ANN401
    """Return the label that ``positive`` spells."""
    if positive is None:
        return None
    from gbimb.tables.files.match import as_text

    for label in labels:
        if as_text(label) == positive:
            return label
    raise unknown_name("--positive", positive, [as_text(label) for label in labels])
