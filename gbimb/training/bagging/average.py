"""The mean of bags as one model, calibrated and given a decision rule on rows out of the bags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gbimb.decisions.calibration import fit_calibrator, no_correction
from gbimb.decisions.held_out import HeldOutScores
from gbimb.decisions.prior import correct_prior
from gbimb.losses import LogisticLoss, SoftmaxLoss
from gbimb.model.model import AveragedModel, BoosterModel, ForeignMember, make_rule, to_raw
from gbimb.training.bagging.one_bag import certainty_limit
from gbimb.training.objectives.named import make_objective
from gbimb.training.tasks import BinaryTask, MulticlassTask

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gbimb.array_types import FloatArray, IntArray
    from gbimb.decisions.calibration import Correction
    from gbimb.model.bags import Bags, OutOfBag
    from gbimb.tables.schema import Classes, Schema
    from gbimb.training.bagging.population import Bag, Population
    from gbimb.training.bagging.trainers import BagTrainer
    from gbimb.training.tasks import Task


def add_bag(
    bags: Bags,
    *,
    population: Population,
    bag: Bag,
    rows: IntArray,
    fitted: Any,  # a BoosterModel, or a classifier of another package
    proba: FloatArray,
    trainer: BagTrainer | None = None,
) -> None:
    """Add a fitted bag.

    ``rows`` are the numbers of those that trained it, and ``proba`` its probabilities of the rows
    that it did not see.
    ``trainer`` may be left out for bags of BoosterModels.
    """
    share = population.share(bag.train)
    if isinstance(fitted, BoosterModel):
        member: BoosterModel | ForeignMember = fitted
    else:
        assert trainer is not None
        judged = proba if bag.unseen.size else trainer.probability(fitted, bag.train)
        member = ForeignMember(fitted, certainty_limit(judged, bag.train.size), share)
        proba = member.in_data(proba, population.data_share) if bag.unseen.size else proba
    bags.members.append(member)
    bags.samples.append(rows)
    bags.shares.append(share)
    if bag.unseen.size:
        assert bags.oob is not None
        at = np.searchsorted(population.judged, bag.unseen)
        in_turn = np.isin(bag.unseen, bag.held_out, assume_unique=True)
        bags.oob.add(at, in_turn, proba)


def rightness(
    bags: Bags, population: Population, trainer: BagTrainer, i: int, rows: IntArray
) -> FloatArray:
    """Return the probability, in its bag, that bag i gives to the class of each row."""
    member = bags.members[i]
    if isinstance(member, ForeignMember):
        proba = trainer.probability(member.classifier, rows)
    else:
        proba = trainer.probability(member, rows)
        proba = correct_prior(proba, population.data_share, bags.shares[i])
    return proba[np.arange(rows.size), population.codes[rows]]


def averaged_loss(n_classes: int) -> LogisticLoss | SoftmaxLoss:
    """Return the loss whose link turns the log odds, or logs, of a mean back into probabilities."""
    return SoftmaxLoss(n_classes) if n_classes > 2 else LogisticLoss()


def averaged_task(
    n_classes: int,
    eval_metric: str | Sequence[str],
    threshold: float | str,
    confidence: float | None = None,
) -> Task:
    """Return what is decided for a mean of probabilities."""
    loss = averaged_loss(n_classes)
    names = (eval_metric,) if isinstance(eval_metric, str) else eval_metric
    if isinstance(loss, SoftmaxLoss):
        return MulticlassTask(loss, names, threshold, confidence)
    return BinaryTask(loss, names, threshold, confidence)


def average_bags(
    bags: Bags,
    *,
    population: Population,
    schema: Schema,
    classes: Classes,
    task: Task,
    calibration: str | None,
) -> tuple[AveragedModel, IntArray, FloatArray]:
    """Return the model, the rows that judged it, and its probabilities of them, shape (m, K)."""
    assert bags.oob is not None
    there = bags.oob.in_turn_count > 0
    rows = population.judged[there]
    correction = no_correction(task.loss.n_outputs)
    calibrator, score, held_out = None, float("nan"), None
    columns = np.empty((0, classes.size))
    if rows.size:
        raw = to_raw(classes.positive_of(bags.oob.in_turn()))
        y = classes.targets(population.codes[rows])
        weight = population.natural_weight(rows)
        if calibration is not None:
            line = task.correct(y, raw, weight)
            correction = _centred(line, bags.oob, task, population, classes)
        proba = task.link.probability(correction.apply(raw))
        calibrator = fit_calibrator(calibration, y, proba, weight)
        if calibrator is not None:
            proba = calibrator(proba)
        rule = task.decide(y, proba, weight, bags.seed)
        held_out = HeldOutScores.of(y, proba, weight)
        columns = classes.columns(proba)
    decision = make_rule(rule if rows.size else task.undecided(), classes)
    if rows.size:
        apart: float | None = None
        decided = classes.targets(decision.decide(columns))
        if population.groups is not None:
            groups = population.groups[rows]
            held_out = held_out and held_out.in_groups(y, proba, decided, groups)
            if served := task.judged_apart(y, weight, rule=True):
                objective = make_objective(served, classes.size).of_rows(None, groups)
                apart = objective.score_apart(y, proba, weight, bags.seed)
        score = task.score(y, decided, weight) if apart is None else apart
    model = AveragedModel(
        schema=schema,
        classes=classes,
        link=task.link,
        calibrator=calibrator,
        rule=decision,
        importances=_importances(bags.members),
        validation=population.validation,
        score=score,
        members=tuple(bags.members),
        weights=None,
        correction=correction,
        natural_share=population.data_share,
        held_out=held_out,
    )
    return model, rows, columns


def _centred(
    line: Correction, oob: OutOfBag, task: Task, population: Population, classes: Classes
) -> Correction:
    """Return ``line`` with the intercept that suits the mean over all bags."""
    seen = oob.count > 0
    raw = line.apply(to_raw(classes.positive_of(oob.mean())))
    weight = population.natural_weight(population.judged[seen])
    shift = task.recentre(raw, classes.in_other_order(population.data_share), weight)
    return line._replace(intercept=line.intercept + shift)


def _importances(members: list[BoosterModel | ForeignMember]) -> FloatArray | None:
    """Return the mean over the members, if all have them."""
    gains: list[Any] = [
        member.importances
        if isinstance(member, BoosterModel)
        else getattr(member.classifier, "feature_importances_", None)
        for member in members
    ]
    return None if any(gain is None for gain in gains) else np.mean(gains, axis=0)
