"""The catalogue of the shipped tables, and how they are read."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import get_args

import pandas as pd

from gbimb.datasets._table import Table, Task
from gbimb.exceptions import unknown_name

_CC_BY = "CC BY 4.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """One row of the catalogue.

    ``rare_class`` cuts the file of a table with many classes to that class against the rest.
    """

    file: str
    task: Task
    licence: str
    source: str
    description: str
    rare_class: str | None = None


_YEAST_SOURCE = (
    "Nakai, K. (1991). Yeast. UCI Machine Learning Repository. https://doi.org/10.24432/C5KG68"
)
_PAGE_BLOCKS_SOURCE = (
    "Malerba, D. (1994). Page Blocks Classification. UCI Machine Learning Repository. "
    "https://doi.org/10.24432/C5J590"
)

_ENTRIES: dict[str, _Entry] = {
    "yeast_me2": _Entry(
        file="yeast",
        task="binary",
        licence=_CC_BY,
        source=_YEAST_SOURCE,
        description=(
            "Yeast proteins described by eight sequence measurements; the positives are membrane "
            "proteins with an uncleaved signal (ME2)."
        ),
        rare_class="ME2",
    ),
    "page_blocks_graphic": _Entry(
        file="page_blocks",
        task="binary",
        licence=_CC_BY,
        source=_PAGE_BLOCKS_SOURCE,
        description=(
            "Blocks of scanned pages described by shape and ink; the positives are graphics."
        ),
        rare_class="graphic",
    ),
    "satimage_4": _Entry(
        file="satimage_4",
        task="binary",
        licence=_CC_BY,
        source=(
            "Srinivasan, A. (1993). Statlog (Landsat Satellite). UCI Machine Learning Repository. "
            "https://doi.org/10.24432/C55887"
        ),
        description=(
            "Satellite pixels with their eight neighbours in four spectral bands; the positives "
            "are damp grey soil."
        ),
    ),
    "coil2000_insurance": _Entry(
        file="coil2000_insurance",
        task="binary",
        licence=f"{_CC_BY} (UCI; first released in 2000 for non-commercial research)",
        source=(
            "van der Putten, P. (2000). Insurance Company Benchmark (COIL 2000). UCI Machine "
            "Learning Repository. https://doi.org/10.24432/C5630S"
        ),
        description=(
            "Customers of an insurer, described by the make-up of their postcode area and by the "
            "policies they hold; the positives hold a caravan policy."
        ),
    ),
    "nycflights_cancelled": _Entry(
        file="nycflights_cancelled",
        task="binary",
        licence="CC0 1.0 (nycflights13; the underlying US government data are public domain)",
        source=(
            "Wickham, H. nycflights13: Flights that Departed NYC in 2013. R package. "
            "https://cran.r-project.org/package=nycflights13"
        ),
        description=(
            "Flights scheduled to leave New York City in 2013, with the weather of the hour, a "
            "stratified random 100,000 of 336,776; the positives were cancelled."
        ),
    ),
    "yeast_10class": _Entry(
        file="yeast",
        task="multiclass",
        licence=_CC_BY,
        source=_YEAST_SOURCE,
        description=(
            "Yeast proteins described by eight sequence measurements; the label is the place in "
            "the cell, one of ten."
        ),
    ),
    "page_blocks_5class": _Entry(
        file="page_blocks",
        task="multiclass",
        licence=_CC_BY,
        source=_PAGE_BLOCKS_SOURCE,
        description=(
            "Blocks of scanned pages described by shape and ink, in five classes: text, "
            "horizontal_line, picture, vertical_line, graphic."
        ),
    ),
}


def names(task: Task | None = None) -> tuple[str, ...]:
    """Names of the shipped tables.

    Parameters
    ----------
    task : {"binary", "multiclass"} or None, default=None
        Keep the tables with two classes or those with more; None keeps all.

    Returns
    -------
    tuple of str
        The names, two-class tables first, each group by rising number of rows.

    Raises
    ------
    InvalidParameterError
        If ``task`` is not one of the above.

    Examples
    --------
    >>> from gbimb import datasets
    >>> datasets.names("multiclass")
    ('yeast_10class', 'page_blocks_5class')
    """
    if task is not None and task not in get_args(Task):
        raise unknown_name("task", task, get_args(Task))
    return tuple(name for name, entry in _ENTRIES.items() if task in (None, entry.task))


def load(name: str) -> Table:
    """Read one of the shipped tables.

    Parameters
    ----------
    name : str
        One of `names`.

    Returns
    -------
    Table
        Features, label, licence and origin, read afresh at every call.

    Raises
    ------
    InvalidParameterError
        If there is no table of that name.

    Examples
    --------
    >>> from gbimb import datasets
    >>> datasets.load("yeast_me2")
    Table(name='yeast_me2', rows=1484, columns=8, positives=51)
    """
    if name not in names():
        raise unknown_name("name", name, names())
    entry = _ENTRIES[name]
    resource = files("gbimb.datasets").joinpath("data", f"{entry.file}.parquet")
    with resource.open("rb") as file:
        frame = pd.read_parquet(file)
    y = frame.pop("target")
    if entry.rare_class is not None:
        y = (y == entry.rare_class).astype("int8")
    elif entry.task == "multiclass":
        y = y.astype(str)
    else:
        y = y.astype("int8")
    return Table(
        name=name,
        X=frame,
        y=y,
        positive=1 if entry.task == "binary" else None,
        licence=entry.licence,
        source=entry.source,
        description=entry.description,
    )
