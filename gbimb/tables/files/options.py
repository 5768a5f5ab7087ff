"""What is known of a file beside its bytes: marks, decimal mark, order of dates, encoding."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from pandas.api import types as pdt

from gbimb.exceptions import InvalidParameterError, unknown_name
from gbimb.tables.text_forms import numbers_among

if TYPE_CHECKING:
    from collections.abc import Collection

DECIMALS: Final = (".", ",")
DATE_ORDERS: Final = {"dayfirst": "dmy", "monthfirst": "mdy"}
LABEL_STEPS: Final = ("trim", "lower")


@dataclass(frozen=True)
class ReadOptions:
    """How a table is read where its cells leave a choice.

    Attributes
    ----------
    missing : tuple of str
        Cells that are missing values in every column, such as "?" or "-999".
    decimal : {".", ","} or None
        The decimal mark, where texts can be read with either.
    dates : {"dayfirst", "monthfirst"} or None
        The order of dates, where texts can be read in either.
    labels : tuple of {"trim", "lower"}
        What is done to labels that are text: blanks at the ends removed and others made one,
        letters made small.
    encoding : str or None
        Of CSV files, as Python names it; None is UTF-8 or, with a warning, a guess.

    Raises
    ------
    InvalidParameterError
        If a value is not allowed.

    Examples
    --------
    >>> known = ReadOptions(missing=("?",), labels=("trim", "lower"))
    >>> known.clean_labels(pd.Series([" Yes", "no "])).tolist()
    ['yes', 'no']
    """

    missing: tuple[str, ...] = ()
    decimal: str | None = None
    dates: str | None = None
    labels: tuple[str, ...] = ()
    encoding: str | None = None

    def __post_init__(self) -> None:
        """Check all values."""
        if self.decimal is not None and self.decimal not in DECIMALS:
            msg = f"decimal must be '.' or ',', got {self.decimal!r}."
            raise InvalidParameterError(msg)
        if self.dates is not None and self.dates not in DATE_ORDERS:
            raise unknown_name("dates", self.dates, DATE_ORDERS)
        for step in self.labels:
            if step not in LABEL_STEPS:
                raise unknown_name("labels", step, LABEL_STEPS)
        if self.encoding is not None and not _is_encoding(self.encoding):
            msg = (
                "encoding must be the name of a text encoding, such as utf-8, latin-1 or cp1252, "
                f"got {self.encoding!r}."
            )
            raise InvalidParameterError(msg)

    @property
    def forms(self) -> frozenset[str]:
        """The forms of text that are known, as in :class:`gbimb.tables.texts.Reading`."""
        order = DATE_ORDERS.get(self.dates or "")
        return frozenset(form for form in (self.decimal, order) if form is not None)

    def clean_labels(self, values: pd.Series[Any]) -> pd.Series[Any]:
        """Return labels that are text trimmed and in small letters, as far as that is asked for."""
        if not self.labels or not (
            isinstance(values.dtype, pd.CategoricalDtype)
            or pdt.is_string_dtype(values.dtype)
            or pdt.is_object_dtype(values.dtype)
        ):
            return values
        return values.astype(object).map(self.clean_label, na_action="ignore")

    def clean_label(self, label: Any) -> Any:
        """Return one label; what is no text stays as it is."""
        if not isinstance(label, str):
            return label
        text = " ".join(label.split()) if "trim" in self.labels else label
        return text.lower() if "lower" in self.labels else text


AS_FOUND: Final = ReadOptions()
"""Nothing is known of the file."""


def _is_encoding(name: str) -> bool:
    try:
        return isinstance(b"a".decode(name), str) and codecs.lookup(name).name != "idna"
    except (LookupError, ValueError):  # base64 and others turn bytes into bytes
        return name.lower().startswith(("utf-16", "utf_16", "utf16", "utf-32", "utf_32", "utf32"))


def blank(values: pd.Series[Any], marks: Collection[str]) -> pd.Series[Any]:
    """Return a column in which cells that are one of the marks are missing.

    Marks that are numbers are missing values of columns of numbers, too.

    >>> blank(pd.Series([1, -999]), ["?", "-999"]).tolist()
    [1.0, nan]
    >>> blank(pd.Series(["a", " ?"]), ["?"]).isna().tolist()
    [False, True]
    """
    if not marks:
        return values
    if isinstance(values.dtype, pd.CategoricalDtype):
        known = values.cat.categories
        return values.cat.remove_categories(known[_is_one_of(pd.Series(known), marks).to_numpy()])
    found = _is_one_of(values, marks)
    return values.mask(found) if found.any() else values


def _is_one_of(values: pd.Series[Any], marks: Collection[str]) -> pd.Series[Any]:
    words = [mark.strip() for mark in marks]
    dtype = values.dtype
    if pdt.is_numeric_dtype(dtype) and not pdt.is_bool_dtype(dtype):
        return values.isin(numbers_among(words))
    if pdt.is_object_dtype(dtype) and pdt.infer_dtype(values, skipna=True) != "string":
        return values.isin([*words, *numbers_among(words)]).astype(bool)
    if pdt.is_string_dtype(dtype) or pdt.is_object_dtype(dtype):
        return values.str.strip().isin(words).astype(bool)
    return pd.Series(np.zeros(len(values), bool), index=values.index)
