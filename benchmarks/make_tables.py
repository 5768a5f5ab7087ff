"""Rebuild the tables that gbimb ships.

Usage: ``python benchmarks/make_tables.py SOURCE_FOLDER [--output FOLDER]``

``SOURCE_FOLDER`` holds one Parquet file per source table, with the label in the column
``target``; ``gbimb/datasets/data/README.md`` says where each table comes from. The output is the
same on every run: the rows of the flight table are drawn from a frozen random stream.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

OUTPUT = Path(__file__).resolve().parent.parent / "gbimb" / "datasets" / "data"
FLIGHT_ROWS = 100_000
FLIGHT_SEED = 2013

# Class names in the order of the integer codes of the source tables.
YEAST_CLASSES = ("CYT", "NUC", "MIT", "ME3", "ME2", "ME1", "EXC", "VAC", "POX", "ERL")
PAGE_BLOCK_CLASSES = ("text", "horizontal_line", "picture", "vertical_line", "graphic")


def name_classes(frame: pd.DataFrame, classes: Sequence[str]) -> pd.DataFrame:
    """Replace the integer codes of ``target`` by the names of the classes."""
    codes = frame["target"].to_numpy(dtype=np.int64)
    return frame.assign(target=pd.Categorical.from_codes(codes, pd.Index(classes)))


def name_page_block_columns(frame: pd.DataFrame) -> pd.DataFrame:
    """Give the page-block columns the names that UCI uses."""
    return frame.rename(columns=lambda name: "length" if name == "Lenght" else name.lower())


def draw_stratified(frame: pd.DataFrame, n_rows: int, seed: int) -> pd.DataFrame:
    """Draw ``n_rows`` rows in their original order, keeping the share of each class."""
    # RandomState, because NumPy promises never to change its stream; Generator has no such promise.
    random = np.random.RandomState(seed)
    target = frame["target"].to_numpy()
    n_positive = round(n_rows * float(np.mean(target == 1)))
    drawn = [
        random.permutation(np.flatnonzero(target == label))[:count]
        for label, count in ((0, n_rows - n_positive), (1, n_positive))
    ]
    return frame.iloc[np.sort(np.concatenate(drawn))].reset_index(drop=True)


def shrink(column: pd.Series) -> pd.Series:
    """Use int16 or int32 for whole numbers and float32 for real ones.

    Smaller or unsigned integers would compress no better, and would wrap around when a user
    subtracts two columns.
    """
    if isinstance(column.dtype, pd.CategoricalDtype):
        used = column.cat.remove_unused_categories()
        return used.cat.rename_categories([str(category) for category in used.cat.categories])
    if pd.api.types.is_integer_dtype(column.dtype):
        limit = np.iinfo("int16").max
        return column.astype("int16" if column.abs().max() <= limit else "int32")
    smaller = column.astype("float32")
    if smaller.nunique() != column.nunique():
        msg = f"float32 must keep the distinct values of a column, but {column.name!r} loses some."
        raise ValueError(msg)
    return smaller


def write(frame: pd.DataFrame, path: Path) -> None:
    """Write a table as Zstandard-compressed Parquet, without a trace of the software used."""
    small = pd.DataFrame({str(name): shrink(column) for name, column in frame.items()})
    table = pa.Table.from_pandas(small, preserve_index=False).replace_schema_metadata(None)
    fields = [
        pa.field(field.name, pa.dictionary(pa.int8(), pa.string()))
        if pa.types.is_dictionary(field.type)
        else field
        for field in table.schema
    ]
    pq.write_table(table.cast(pa.schema(fields)), path, compression="zstd", compression_level=19)


RECIPES: dict[str, tuple[str, Callable[[pd.DataFrame], pd.DataFrame]]] = {
    "yeast": ("yeast_10class", lambda frame: name_classes(frame, YEAST_CLASSES)),
    "page_blocks": (
        "page_blocks_5class",
        lambda frame: name_classes(name_page_block_columns(frame), PAGE_BLOCK_CLASSES),
    ),
    "satimage_4": ("satimage_4", lambda frame: frame),
    "coil2000_insurance": ("coil2000_insurance", lambda frame: frame),
    "nycflights_cancelled": (
        "nycflights_cancelled",
        lambda frame: draw_stratified(frame, FLIGHT_ROWS, FLIGHT_SEED),
    ),
}
"""Shipped file: source table, and what is done to it."""


def main() -> None:
    """Read the command line and write every table."""
    parser = argparse.ArgumentParser(description="Rebuild the tables that gbimb ships.")
    parser.add_argument("source", type=Path, help="folder with the source Parquet files")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="folder to write to")
    arguments = parser.parse_args()
    missing = [
        source
        for source, _ in RECIPES.values()
        if not (arguments.source / f"{source}.parquet").is_file()
    ]
    if missing:
        parser.error(
            f"the source folder must hold one Parquet file per table, but {missing} are missing. "
            "gbimb/datasets/data/README.md says where to get them."
        )
    arguments.output.mkdir(parents=True, exist_ok=True)
    for name, (source, recipe) in RECIPES.items():
        path = arguments.output / f"{name}.parquet"
        write(recipe(pd.read_parquet(arguments.source / f"{source}.parquet")), path)
        print(f"{path.name:32}{path.stat().st_size:>10,} bytes")


if __name__ == "__main__":
    main()
