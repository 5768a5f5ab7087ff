"""What a bagging needs before its first bag: the rows to draw from, and what trains on them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from zlib import crc32

import numpy as np
from scipy import sparse

from gbimb.decisions.sampling import draw_bags, resolve_sampling_strategy
from gbimb.exceptions import InvalidDataError, InvalidParameterError
from gbimb.model.bags import Bags, OutOfBag
from gbimb.tables.encoder import TableEncoder, learn_columns
from gbimb.tables.parquet.stream import StreamedFrame
from gbimb.tables.schema import Schema
from gbimb.training.bagging.population import FOLDS, Population
from gbimb.training.bagging.trainers import PlainTrainer, SharedBinsTrainer, gather_rows
from gbimb.training.checkpoint import open_checkpoint
from gbimb.training.copies import find_in_table
from gbimb.training.recipe import Recipe
from gbimb.training.rows import EngineTable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gbimb.array_types import IntArray
    from gbimb.tables.labelled import LabelledTable
    from gbimb.training.bagging.trainers import BagTrainer


def populate(
    bagging: Any,  # the estimator
    bags: Bags,
    data: LabelledTable,
) -> tuple[Bags, Population, IntArray]:
    """Return the rows that bags are drawn from, and how many of each class a bag has.

    Raises
    ------
    InvalidDataError
        If bags are added to those of other labels, weights or sizes.
    """
    labels = data.labels
    copies = find_in_table(data.table, labels.codes)
    names = labels.classes.labels.tolist()
    sizes = resolve_sampling_strategy(bagging.sampling_strategy, labels.counts, names)
    ones = np.ones(labels.codes.size, np.float32) if data.weight is None else data.weight
    population = Population.make(
        labels.codes,
        ones,
        sizes,
        bags.seed,
        copies=copies,
        dependence=data.dependence,
        informed=bagging.sampling == "self_paced",
    )
    if hint := data.hint():
        population = replace(population, validation=f"{population.validation}; {hint}")
    if copies is not None:
        copies.warn(labels.classes.labels, apart=population.groups is not None)
    digest = 0
    for part in (labels.codes, population.fold, sizes, ones):
        digest = crc32(np.ascontiguousarray(part).data, digest)
    if bags.members and (digest != bags.digest or names != list(bagging.classes_)):
        msg = (
            "warm_start adds bags of the same labels and weights with the same "
            "sampling_strategy, got others. Fit them with warm_start=False."
        )
        raise InvalidDataError(msg)
    oob = bags.oob or OutOfBag.empty(population.judged.size, labels.classes.size)
    return replace(bags, digest=digest, oob=oob), population, sizes


def draw_rows(
    bagging: Any,  # the estimator
    bags: Bags,
    population: Population,
    sizes: IntArray,
) -> Iterator[IntArray]:
    """Yield the rows of each bag, the same each time."""
    return draw_bags(
        population.codes,
        sizes,
        bagging.n_estimators,
        bags.seed,
        replacement=bagging.replacement,
    )


def make_trainer(
    bagging: Any,  # the estimator
    prototype: Any,  # any classifier
    bags: Bags,
    data: LabelledTable,
    *,
    population: Population,
    sizes: IntArray,
    own: bool,
    threads: int,
) -> BagTrainer:
    """Return what trains copies of ``prototype``, ``own`` if it is gbimb's, on bags of the table.

    Raises
    ------
    GbimbError
        If the classifier cannot be trained that way, or the bags of a source do not fit.
    """
    schema = Schema.of(bagging, TableEncoder.fit(data.table))
    rows = None
    if isinstance(data.table, StreamedFrame):
        rows = _rows_needed(bagging, bags, population, sizes)
    table, labels, weight = gather_rows(data.table, data.labels, data.weight, rows)
    if not own:
        if bagging.checkpoint_path is not None:
            msg = (
                "checkpoint_path needs one of gbimb's estimators in the bags, got "
                f"{prototype!r:.60}, which could only be pickled. Leave it out."
            )
            raise InvalidParameterError(msg)
        y = labels.classes.labels[labels.codes]
        loaded = table if rows is None else table.load()
        return PlainTrainer(prototype, schema, loaded, y, weight, seed=bags.seed, rows=rows)
    encoder, encoded = learn_columns(table, labels.codes, weight)
    if rows is not None:
        encoded = encoded.load()
    schema = replace(schema, encoder=encoder)
    is_sparse = sparse.issparse(encoded)
    recipe = Recipe.make(prototype, schema, labels.classes, is_sparse=is_sparse)
    matrix = recipe.layout(encoded)
    engine_table = EngineTable(matrix, labels.targets, weight)
    return SharedBinsTrainer(
        recipe,
        engine_table,
        labels,
        seed=bags.seed,
        threads=threads,
        rows=rows,
        rows_in_bag=int(sizes.sum() * (FOLDS - 1) // FOLDS),
        checkpoint=open_checkpoint(bagging, matrix, engine_table.y, weight, rows),
    )


def _rows_needed(bagging: Any, bags: Bags, population: Population, sizes: IntArray) -> IntArray:
    """Return the rows of a source that are in a bag or judged."""
    if bagging.sampling == "self_paced":
        msg = (
            "sampling='self_paced' looks at every row for every bag, which a ParquetSource "
            "would read as often. Use sampling='random'."
        )
        raise InvalidParameterError(msg)
    needed = np.zeros(population.codes.size, dtype=bool)
    needed[population.judged] = True
    for rows in draw_rows(bagging, bags, population, sizes):
        needed[rows] = True
    return np.flatnonzero(needed)
