"""How a classifier is trained on a bag."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from gbimb.exceptions import InvalidParameterError
from gbimb.losses import MulticlassLoss
from gbimb.parallel import thread_count
from gbimb.training.seed import LARGEST_SEED

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gbimb.array_types import FloatArray, IntArray
    from gbimb.losses import BinaryLoss
    from gbimb.model.model import BoosterModel
    from gbimb.tables.labels import LabelCodes
    from gbimb.training.bagging.population import Bag, Population
    from gbimb.training.recipe import Recipe
    from gbimb.training.tasks import Task
    from gbimb.training.trained import Trained

ROWS_AT_ONCE = 50_000


def certainty_limit(proba: FloatArray, n_rows: int) -> float:
    """Return how near to 0 and 1 a classifier's probabilities may come.

    Trees, forests and neighbours give 0 and 1, which no bag can know: half a row of the bag, or
    half the smallest that is not 0 where the classifier tells such rows apart.

    Parameters
    ----------
    proba : float64 array of shape (m, K)
        Of rows out of the bag.
    n_rows : int
        Rows in the bag.
    """
    smallest = np.min(proba, where=proba > 0, initial=1.0)
    return min(0.5 / n_rows, 0.5 * float(smallest))


def link_after_drawing(
    loss: BinaryLoss | MulticlassLoss, factor: FloatArray
) -> BinaryLoss | MulticlassLoss:
    """Return the loss whose link takes a shift of the classes out again.

    To draw a class ``factor`` times as often is, in expectation, to weigh it so.

    Parameters
    ----------
    loss : a loss
        That of the trees on the drawn rows.
    factor : float64 array of shape (2,) or (K,)
        Share in the drawn rows over share in the data; of two classes the positive one last.

    Raises
    ------
    InvalidParameterError
        If the loss has no weight for the classes.
    """
    name = "class_weight" if isinstance(loss, MulticlassLoss) else "scale_pos_weight"
    if name not in {field.name for field in fields(loss)}:  # type: ignore[arg-type]
        msg = f"A loss to be trained on bags must have the field {name}, got {loss!r}."
        raise InvalidParameterError(msg)
    weight: Any
    if isinstance(loss, MulticlassLoss):
        weight = tuple((loss.class_constants * factor).tolist())
    else:
        weight = getattr(loss, name) * float(factor[1] / factor[0])
    return replace(loss, **{name: weight})  # type: ignore[type-var]


def seed_of(bag: Bag, seed: int) -> int:
    """Return the seed of a bag from that of all."""
    return (seed + bag.index) % LARGEST_SEED


def begin_bag(
    recipe: Recipe,
    bag: Bag,
    population: Population,
    labels: LabelCodes,
    weight: NDArray[Any] | None,
) -> Task:
    """Return what is trained on a bag; ``labels`` and ``weight`` are those of its rows."""
    task = recipe.task(recipe.loss(labels, weight))
    factor = population.share(bag.train) / population.data_share
    task.link = link_after_drawing(task.loss, recipe.classes.in_other_order(factor))
    return task


def bag_model(recipe: Recipe, trained: Trained, task: Task, seed: int) -> BoosterModel:
    """Return the model that was trained on a bag."""
    model = recipe.model(trained, task, seed, "rows out of the bag")
    return replace(model, held_out=None)  # the mean of all bags has its own


def probability_of_rows(
    model: BoosterModel,
    matrix: Any,  # an ndarray or a CSR matrix
    rows: IntArray,
) -> FloatArray:
    """Return probabilities of some rows of a matrix, shape (m, K)."""
    parts = [rows[i : i + ROWS_AT_ONCE] for i in range(0, rows.size, ROWS_AT_ONCE)]
    threads = thread_count()
    return np.concatenate(
        [model.probability(model.raw_score_of(matrix[part], threads)) for part in parts]
    )
