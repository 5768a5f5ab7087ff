"""Warnings of columns of a data frame that may not be what they look like."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from pandas.api import types as pdt

from gbimb.exceptions import ColumnWarning, warn
from gbimb.tables.files.columns import is_by_value, is_text, read_columns, said_of_texts
from gbimb.tables.remarks.sentences import listed, odd_labels, quoted
from gbimb.tables.remarks.suspects import about_numbers, about_texts, counts_of

if TYPE_CHECKING:
    from gbimb.tables.labels import LabelCodes
    from gbimb.tables.texts import Texts

LOOKED_AT: Final = 100_000
"""Rows of a column that are looked at, from the first on."""

IN_CODE: Final = {
    r"leave it out with drop": "leave it out of X",
    r"give missing='[^']+'": "replace it by NaN",
    r"; numbers and dates are read if written as .*": ".",
    r"Correct or empty those cells to have it read as (\w+)": r"Correct or empty those cells, then "
    r"convert the column to \1",
    r"Write [^.]* to have them read as (numbers|dates)": r"Convert the column to \1 first",
    r"write them as [\d-]+\.$": "convert the column to dates first.",
}
"""What can be done to files, and what to a data frame instead."""


def warn_of_columns(table: object, given: object, labels: LabelCodes) -> None:
    """Warn of each column of a data frame, and of labels, that may not be what they look like.

    Parameters
    ----------
    table : any table
        As it was read; only data frames are looked at.
    given : any table
        As it was before. Categories of pandas are taken as they are.
    labels : LabelCodes
    """
    for sentence in [*remarks_on(table, given), *_about_labels(labels)]:
        warn(sentence, ColumnWarning)


def remarks_on(table: object, given: object) -> list[str]:
    """Return a sentence for each odd column of a data frame."""
    if not isinstance(table, pd.DataFrame):
        return []
    first = table.iloc[:LOOKED_AT]
    columns = {str(name): first.iloc[:, i] for i, name in enumerate(first.columns)}
    texts = read_columns({name: values for name, values in columns.items() if is_text(values)})
    texts_are_categories = not isinstance(given, pd.DataFrame)
    said = {
        name: _about_texts(texts[name], values)
        if name in texts
        else _about(values, categories=texts_are_categories)
        for name, values in columns.items()
    }
    return [f"Column {name!r}: {_in_code(sentence)}" for name, sentence in said.items() if sentence]


def _about(values: pd.Series[Any], *, categories: bool) -> str:
    dtype = values.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        if not categories:
            return ""
        codes = values.cat.codes.to_numpy()
        return about_texts(counts_of(codes, values.cat.categories.tolist()), len(values))
    if is_text(values):
        return _about_words(values)
    if pdt.is_bool_dtype(dtype) or not pdt.is_numeric_dtype(dtype) or dtype.kind == "c":
        return ""
    if isinstance(dtype, np.dtype):
        return about_numbers(values.to_numpy())
    return about_numbers(values.to_numpy(np.float64, na_value=np.nan))


def _about_words(values: pd.Series[Any]) -> str:
    codes, words = pd.factorize(values)
    return about_texts(counts_of(codes, list(words)), len(values))


def _about_texts(texts: Texts, values: pd.Series[Any]) -> str:
    """Say that texts could be numbers or dates."""
    if not is_by_value(texts):
        return said_of_texts(texts) or _about_words(values)
    others = {cell: n for cell, n in texts.missing.items() if cell.strip()}
    beside = f" beside {listed(others)}" if others else ""
    what = "dates" if texts.reading.is_date else "numbers"
    tools = {".": "pandas.to_numeric", "ymd": "pandas.to_datetime"}
    how = f", for example with {tools[texts.form]}" if texts.is_plain else ""
    return (
        f"{what} as text, such as {quoted(texts.cells[texts.example])}{beside}, taken as "
        f"categories. Convert the column to {what} first{how}."
    )


def _about_labels(labels: LabelCodes) -> tuple[str, ...]:
    names = labels.classes.labels.tolist()
    if not all(isinstance(name, str) for name in names):
        return ()
    return odd_labels(dict(zip(names, labels.counts.tolist(), strict=True)), "y")


def _in_code(sentence: str) -> str:
    for pattern, words in IN_CODE.items():
        sentence = re.sub(pattern, words, sentence)
    return sentence
