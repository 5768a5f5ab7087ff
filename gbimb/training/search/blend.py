"""The blend of what was fitted: weights of the members, recalibration and decision rule."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gbimb.decisions.blending import blend_weights
from gbimb.decisions.held_out import HeldOutScores
from gbimb.decisions.rules import Costs
from gbimb.model.model import AveragedModel, BoosterModel, make_rule, to_raw
from gbimb.training.bagging.average import averaged_task
from gbimb.training.objectives.costs import CostObjective
from gbimb.training.tasks import is_balanced

if TYPE_CHECKING:
    from gbimb.array_types import FloatArray
    from gbimb.decisions.calibration import Correction
    from gbimb.decisions.rules import Rule
    from gbimb.tables.schema import Classes
    from gbimb.training.objectives.base import SearchObjective
    from gbimb.training.search.candidate import JudgedRows
    from gbimb.training.search.search import TrialResult
    from gbimb.training.tasks import Task

BLEND_PRIOR: Final = 10.0


def blend(
    judged: JudgedRows,
    results: list[TrialResult],
    objective: SearchObjective,
    threshold: float | str = "auto",
    confidence: float | None = None,
) -> tuple[AveragedModel, FloatArray]:
    """Return the recalibrated mean of the candidates, with its rule, and their weights in it.

    The rule serves the objective where ``threshold`` is "auto".
    """
    fitted = [t.fitted for t in results if t.fitted]
    classes = judged.classes
    objective = objective.of_rows(judged.costs, judged.groups)
    task = averaged_task(classes.size, "mcc", threshold, confidence)
    found: Any = None
    correction, score, held_out = task.no_correction(), float("nan"), None
    y, weight = judged.y, judged.weight
    shares = np.full(len(fitted), 1.0 / len(fitted))
    if y.size:
        shares = mix(results, judged)
        correction, corrected = _average(task, results, judged, shares)
        as_of = [
            _average(task, results, judged, mix(results, judged, at), at)[1]
            for at in range(len(judged.steps))
        ]
        held_out = HeldOutScores.of(y, corrected, weight)
        if not is_open(threshold):
            found = task.decide(y, corrected, weight, judged.seed)
        elif objective.name != "mcc" or not is_balanced(y, weight, classes.size):
            found = objective.decide(y, corrected, weight, judged.seed)
        later = judged.later_score(as_of, objective)
        score = objective.score(y, corrected, weight) if later is None else later
    rule: Rule = make_rule(task.undecided() if found is None else found, classes)
    if held_out is not None and judged.groups is not None:
        decided = classes.targets(rule.decide(classes.columns(corrected)))
        held_out = held_out.in_groups(y, corrected, decided, judged.groups)
    if isinstance(objective, CostObjective) and classes.size > 2 and is_open(threshold):
        rule = rule_of_costs(objective, classes)
    kept = np.flatnonzero(shares)
    members = tuple(_as_member(fitted[i].model) for i in kept)
    own: Any = [i for i in kept if isinstance(fitted[i].model, BoosterModel)]
    gains: Any = [fitted[i].model.importances for i in own]
    none_foreign = len(own) == kept.size
    model = AveragedModel(
        schema=judged.schema,
        classes=classes,
        link=task.link,
        calibrator=None,
        rule=rule,
        importances=np.average(gains, axis=0, weights=shares[own]) if own else None,
        validation=judged.reason,
        score=score,
        members=members,
        weights=shares[kept],
        correction=correction,
        natural_share=None if none_foreign else np.full(classes.size, 1.0 / classes.size),
        held_out=held_out,
    )
    return model, shares


def is_open(threshold: float | str) -> bool:
    """Return whether the objective decides on the rule."""
    return isinstance(threshold, str) and threshold == "auto"


def mix(results: list[TrialResult], judged: JudgedRows, at: int | None = None) -> FloatArray:
    """Return the weights in the blend of those that are fitted, drawn towards the portfolio's.

    ``at`` is a step of the test in time: the weights are those of the rows before its block.
    """
    rows, weight = judged.known(at)
    given = [judged.likelihood(proba)[rows] for proba in _probabilities(results, at)]
    fixed = np.array([t.is_fixed for t in results if t.fitted])
    fixed = fixed if fixed.any() else np.ones(len(given), bool)
    prior = BLEND_PRIOR * fixed / fixed.sum()
    return blend_weights(np.column_stack(given), weight, prior)


def _average(
    task: Task,
    results: list[TrialResult],
    judged: JudgedRows,
    shares: FloatArray,
    at: int | None = None,
) -> tuple[Correction, FloatArray]:
    """Return the correction of the blend, and the probabilities of all held-out rows with it."""
    rows, weight = judged.known(at)
    given = _probabilities(results, at)
    mean: Any = sum(w * proba for w, proba in zip(shares, given, strict=True) if w)
    raw = to_raw(mean)
    correction = task.correct(judged.y[rows], raw[rows], weight)
    return correction, task.link.probability(correction.apply(raw))


def _probabilities(results: list[TrialResult], at: int | None) -> list[FloatArray]:
    fitted = [t.fitted for t in results if t.fitted]
    return [one.proba if at is None else one.as_of[at] for one in fitted]


def _as_member(model: Any) -> Any:  # a BoosterModel or a ForeignMember
    """Return the model without what only the blend needs, to be adapted to a prevalence."""
    if not isinstance(model, BoosterModel):
        return model
    return replace(model, schema=model.schema.without_marginals(), held_out=None)


def rule_of_costs(objective: SearchObjective, classes: Classes) -> Rule:
    """Return the rule of least expected cost, which no row has to choose."""
    assert isinstance(objective, CostObjective)
    if classes.size > 2:
        return Costs(objective.costs)
    none = np.empty(0)
    return make_rule(objective.decide(none, none, None, 0), classes)


def average_of_one(member: BoosterModel, rule: Rule) -> AveragedModel:
    """Return a model whose only member needs no further correction."""
    task = averaged_task(member.classes.size, "mcc", "auto")
    return AveragedModel(
        schema=member.schema,
        classes=member.classes,
        link=task.link,
        calibrator=None,
        rule=rule,
        importances=member.importances,
        validation=member.validation,
        score=member.score,
        members=(_as_member(member),),
        weights=np.ones(1),
        correction=task.no_correction(),
        held_out=member.held_out,
    )
