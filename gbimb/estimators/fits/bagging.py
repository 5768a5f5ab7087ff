"""How bags of undersampled rows are fitted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gbimb.estimators.bag_checks import is_own, make_prototype
from gbimb.estimators.base_checks import RARE_SHARE
from gbimb.exceptions import InvalidParameterError, warn
from gbimb.model.bags import Bags
from gbimb.model.model import BoosterModel
from gbimb.model.states import with_model
from gbimb.parallel import resolve_jobs, thread_limit
from gbimb.tables.labelled import LabelledTable
from gbimb.training.bagging.average import average_bags, averaged_task
from gbimb.training.bagging.fitting import fit_bags
from gbimb.training.bagging.population import FOLDS, SMALLEST_CLASS
from gbimb.training.bagging.preparation import draw_rows, make_trainer, populate
from gbimb.training.seed import draw_seed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from gbimb.array_types import IntArray
    from gbimb.tables.schema import Classes, Schema
    from gbimb.training.bagging.population import Population
    from gbimb.training.tasks import Task


def fit(
    bagging: Any,  # the bagging
    X: Any,  # any table
    y: ArrayLike | None,
    sample_weight: ArrayLike | None,
    *,
    groups: ArrayLike | None,
    time: ArrayLike | None,
) -> None:
    """Draw the bags, train a classifier on each, and set what was fitted."""
    prototype = make_prototype(bagging.estimator)
    done = _warm_bags(bagging, prototype)
    pos_label = getattr(prototype, "pos_label", None)
    beside: dict[str, Any] = {"groups": groups, "time": time, "reset": done is None}
    data = LabelledTable.read(bagging, X, y, sample_weight, pos_label, **beside)
    n_rows, data = data.labels.codes.size, data.with_weight(pos_label)
    labels, kept = data.labels, np.arange(n_rows) if data.kept is None else data.kept
    labels.require_all_classes()
    bags = Bags(draw_seed(bagging.random_state)) if done is None else done.copy()
    # Refuses what cannot be before bags are trained.
    task = task_of(bagging, labels.classes.size)
    threads = resolve_jobs(bagging.n_jobs)
    with thread_limit(threads):
        bags, population, sizes = populate(bagging, bags, data)
        trainer = make_trainer(
            bagging,
            prototype,
            bags,
            data,
            population=population,
            sizes=sizes,
            own=is_own(prototype),
            threads=threads,
        )
        some_left_out = (sizes < np.bincount(population.codes)).any()
        by_hardness = bagging.sampling == "self_paced" and some_left_out
        fit_bags(
            trainer,
            bags,
            population,
            sizes,
            None if by_hardness else draw_rows(bagging, bags, population, sizes),
            kept=kept,
            n_bags=bagging.n_estimators,
            threads=threads,
            verbose=bagging.verbose,
        )
    finish(
        bagging,
        bags,
        population=population,
        schema=trainer.schema,
        classes=labels.classes,
        task=task,
        kept=kept,
        n_rows=n_rows,
        before=[] if done is None else bagging.estimators_,
    )
    warn_of_bags(bagging, labels.counts, sizes)


def finish(
    bagging: Any,  # the bagging
    bags: Bags,
    *,
    population: Population,
    schema: Schema,
    classes: Classes,
    task: Task,
    kept: IntArray,
    n_rows: int,
    before: Sequence[Any] = (),
) -> None:
    """Set what was fitted; the row ``kept[i]`` of ``n_rows`` is row i of the population.

    ``before`` are the classifiers of bags that were there before.
    """
    model, rows, proba = average_bags(
        bags,
        population=population,
        schema=schema,
        classes=classes,
        task=task,
        calibration=bagging.calibration,
    )
    bagging.model_, bagging.bags_, bagging.seed_ = model, bags, bags.seed
    bagging.estimators_samples_ = bags.samples
    prototype = make_prototype(bagging.estimator)
    new = [
        with_model(prototype, member) if isinstance(member, BoosterModel) else member.classifier
        for member in bags.members[len(before) :]
    ]
    bagging.estimators_ = [*before, *new]
    bagging.oob_proba_ = np.full((n_rows, classes.size), np.nan)
    bagging.oob_proba_[kept[rows]] = proba


def task_of(bagging: Any, n_classes: int) -> Task:
    """Return what is decided for the mean of the bags."""
    return averaged_task(n_classes, bagging.eval_metric, bagging.threshold, bagging.confidence)


def _warm_bags(bagging: Any, prototype: Any) -> Bags | None:  # any classifier
    """Return the bags that further ones are added to."""
    done: Bags | None = vars(bagging).get("bags_") if bagging.warm_start else None
    if done is not None and is_own(prototype) != isinstance(done.members[0], BoosterModel):
        msg = (
            "warm_start adds bags of the same kind, gbimb's own estimators or others, got "
            f"{type(prototype).__name__} after another. Fit them with warm_start=False."
        )
        raise InvalidParameterError(msg)
    return done


def warn_of_bags(bagging: Any, counts: IntArray, sizes: IntArray) -> None:
    """Warn of classes with few rows, of small bags, and of trees without a split.

    ``counts`` are the rows of each class, ``sizes`` those of them in a bag.
    """
    scarce = int(np.count_nonzero(counts < FOLDS))
    if counts.size > 2 and scarce:
        msg = (
            f"{scarce} of {counts.size} classes have fewer than {FOLDS} rows: they are held "
            "out from some bags only, and little can be learned about them."
        )
        warn(msg)
    if sizes.max() < SMALLEST_CLASS and counts.max() >= 10 * SMALLEST_CLASS:
        msg = (
            f"No bag has more than {sizes.max()} rows of a class, for the rarest has "
            f"{counts.min()}. Give sampling_strategy 'auto', the number of rows to draw for each "
            "of the rarest class, such as 100, or a dict of label to rows."
        )
        warn(msg)
    undecided = np.isnan(bagging.oob_score_) and isinstance(bagging.threshold, str)
    if undecided and counts.size == 2 and counts.min() < RARE_SHARE * counts.sum():
        msg = (
            f"The threshold stays at 0.5, which rare labels seldom reach, and probabilities are "
            f"not recalibrated: with {counts.min()} rows of the rarest class, fewer than "
            f"{SMALLEST_CLASS}, no row judges the bags. Give a threshold."
        )
        warn(msg)
    importances = getattr(bagging, "feature_importances_", None)
    if (
        isinstance(bagging.model_.members[0], BoosterModel)
        and importances is not None
        and not importances.any()
    ):
        msg = (
            "The trees of no bag have a split, so every row gets the same probability. There "
            "may be too few rows in a bag (see sampling_strategy), or no signal in X."
        )
        warn(msg)
