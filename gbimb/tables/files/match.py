"""Bring the columns and labels of a file to what a fitted model was trained on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, TypeVar

import numpy as np
import pandas as pd
from pandas.api import types as pdt

from gbimb.exceptions import (
    InvalidDataError,
    InvalidParameterError,
    InvalidTypeError,
    unknown_name,
    warn,
)
from gbimb.json_text import some_of
from gbimb.tables.encoder import encoder_of
from gbimb.tables.files.columns import is_text, prepare_column, read_columns
from gbimb.tables.files.options import AS_FOUND, LABEL_STEPS, ReadOptions, blank
from gbimb.tables.remarks.sentences import listed, what_was_read
from gbimb.tables.text_forms import LABEL_FORMS, TEXT
from gbimb.tables.texts import Reading, read_texts

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from gbimb.tables.columns import Column
    from gbimb.tables.texts import Texts

SHOWN: Final = 3


def as_text(value: Any) -> str:  # any label or cell
    """Return a label as text, in which 1.0, as a file with gaps has it, is 1.

    >>> as_text(1.0), as_text(np.bool_(True)), as_text("yes")
    ('1', 'True', 'yes')
    """
    plain = value.item() if isinstance(value, np.generic) else value
    whole = isinstance(plain, float) and plain.is_integer()
    return str(int(plain)) if whole else str(plain)


def text_columns(model: Any) -> list[str]:  # any of our estimators
    """Return the columns to read as text: so they were at fit, or had decimal commas."""
    words = [c.name for c in _columns(model) if c.categories and isinstance(c.categories[0], str)]
    return [*words, *(name for name, reading in readings_of(model).items() if reading.form == ",")]


def readings_of(model: Any) -> dict[str, Reading]:
    """Return how the texts were read that are numbers or dates to the model."""
    return getattr(model, "readings_", {})


def of_labels(target: str, known: ReadOptions) -> dict[str, Reading]:
    """Return what was done to labels, beside the readings of the columns."""
    steps = [step for step in LABEL_STEPS if step in known.labels]
    return {target: Reading(",".join(steps))} if steps else {}


def label_options(model: Any, target: str, known: ReadOptions) -> ReadOptions:
    """Return how labels are read: as ``known`` says, or as they were at fit."""
    reading = readings_of(model).get(target)
    if known.labels or reading is None or reading.form not in LABEL_FORMS:
        return known
    return replace(known, labels=tuple(reading.form.split(",")))


def match_columns(
    model: Any, frame: pd.DataFrame, file: str, known: ReadOptions = AS_FOUND
) -> pd.DataFrame:
    """Return the columns that ``model`` was trained on, in its order and with its kinds.

    Further columns are left out. Texts are read as numbers and dates as they were at fit, and
    what is not read as it was is said in a GbimbWarning; numbers are text where the model was
    trained on text. ``known`` goes before how they were at fit.

    Raises
    ------
    InvalidParameterError
        If a column is missing.
    InvalidTypeError
        If a column holds text where the model was trained on numbers.
    """
    columns = _columns(model)
    _require_learnt(columns, frame.columns, file)
    readings = readings_of(model)
    cells = {c.name: _without_marks(frame[c.name], readings.get(c.name), known) for c in columns}
    new = [c.name for c in columns if c.categories is None and c.name not in readings]
    texts = read_columns({n: cells[n] for n in new if is_text(cells[n])}, known, always=True)
    found = {}
    for column in columns:
        name, reading = column.name, readings.get(column.name)
        if reading is not None and known.forms:
            again = read_columns({name: cells[name]}, known) if is_text(cells[name]) else {}
            reading = again[name].reading.with_missing(reading.missing) if again else reading
        found[name] = _match(column, cells[name], reading, texts)
    return pd.DataFrame(found, index=frame.index)


def _without_marks(
    values: pd.Series[Any], reading: Reading | None, known: ReadOptions
) -> pd.Series[Any]:
    by_value = reading is None or (reading.form != TEXT and is_text(values))
    at_fit = () if reading is None or by_value else reading.missing
    return blank(values, (*at_fit, *known.missing))


def _columns(model: Any) -> tuple[Column, ...]:
    encoder = encoder_of(model)
    if encoder is None or not encoder.columns:
        msg = (
            "The model was fitted on an array without column names, so the columns of a file "
            "cannot be matched to it. Use it from Python, or fit it on a data frame."
        )
        raise InvalidDataError(msg)
    return encoder.columns


def _require_learnt(columns: Sequence[Column], there: pd.Index[Any], file: str) -> None:
    lacking = [c.name for c in columns if c.name not in there]
    if not lacking:
        return
    near = str(unknown_name("", lacking[0], there)).partition(" Did you mean ")
    hint = f" Is {near[2].rstrip('?')} that column, with another name?" if near[1] else ""
    msg = (
        f"{file!r} must have the {len(columns)} columns that the model was trained on, got none "
        f"named {some_of([*map(repr, lacking)], SHOWN)}.{hint}"
    )
    raise InvalidParameterError(msg)


def _match(
    column: Column, values: pd.Series[Any], reading: Reading | None, found: Mapping[str, Texts]
) -> pd.Series[Any]:
    if column.categories is None:
        return _numbers(column.name, values, reading, found.get(column.name))
    if column.categories and isinstance(column.categories[0], str):
        return _text(values)
    return values


def _text(values: pd.Series[Any]) -> pd.Series[Any]:
    if isinstance(values.dtype, pd.CategoricalDtype) or pdt.is_string_dtype(values.dtype):
        return values
    return values.astype(object).where(values.isna(), values.map(as_text)).astype(object)


def _numbers(
    name: str, values: pd.Series[Any], reading: Reading | None, texts: Texts | None
) -> pd.Series[Any]:
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(values.cat.categories.dtype)
    if pdt.infer_dtype(values, skipna=True) in ("mixed", "mixed-integer"):
        values = values.map(as_text, na_action="ignore")
    if not is_text(values):
        prepared, note = prepare_column(name, values)
        if "infinite" in note:
            warn(f"Column {name!r}: {note}")
        return prepared
    if reading is not None:
        texts = read_texts(values, {reading.form}, reading.missing, always=True)
    assert texts is not None
    if texts.left_over.any() and not texts.agrees:
        wrong = {texts.cells[i]: int(texts.counts[i]) for i in np.flatnonzero(texts.left_over)}
        msg = (
            f"Column {name!r} held numbers when the model was fitted, got text in "
            f"{sum(wrong.values()):,} rows, such as {', '.join(map(repr, list(wrong)[:SHOWN]))}. "
            "Correct it, or leave the cells empty."
        )
        raise InvalidTypeError(msg)
    _warn_of_text(name, texts, reading)
    return texts.series(values)


def _warn_of_text(name: str, texts: Texts, reading: Reading | None) -> None:
    """Warn of what is read otherwise than at fit."""
    if not (texts.is_plain or (reading is not None and reading.form == texts.form)):
        warn(f"Column {name!r}: {what_was_read(texts)}")
        return
    known = () if reading is None else reading.missing
    if new := {cell: n for cell, n in texts.missing.items() if cell.strip() and cell not in known}:
        warn(f"Column {name!r}: {listed(new)} taken as missing, as at fit there was no such text.")


T = TypeVar("T")


def require_labels(values: pd.Series[Any], column: str) -> None:
    """Raise if a label is missing."""
    missing = int(values.isna().sum())
    if missing:
        msg = (
            f"Column {column!r} must have a label in every row, got {missing:,} missing in "
            f"{len(values):,} rows (empty cells and text such as NA). Fill or remove them."
        )
        raise InvalidDataError(msg)


def match_label(positive: str, labels: Collection[T]) -> T:
    """Return the label that a text spells, also as a number or truth value: 1 for 1.0, true.

    Raises
    ------
    InvalidParameterError
        If it is none of the labels.
    """
    texts = {as_text(label): label for label in labels}
    if positive in texts:
        return texts[positive]
    for text, label in texts.items():
        same_word = positive.lower() == text.lower() and text in ("True", "False")
        if same_word or _same_number(positive, text):
            return label
    raise unknown_name("positive", positive, texts)


def _same_number(a: str, b: str) -> bool:
    try:
        return float(a) == float(b)
    except ValueError:
        return False
