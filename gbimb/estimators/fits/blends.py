"""How the two classifiers over many members are fitted."""

from __future__ import annotations

from dataclasses import astuple, replace
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gbimb.decisions.rules import Threshold
from gbimb.estimators.lgbm import ImbalancedLGBMClassifier
from gbimb.estimators.row_costs import costs_of_fit, is_cost
from gbimb.estimators.xgb import ImbalancedXGBClassifier
from gbimb.exceptions import warn
from gbimb.log import logger
from gbimb.model.model import BoosterModel
from gbimb.model.states import with_model
from gbimb.parallel import resolve_jobs, thread_limit
from gbimb.tables.encoder import learn_columns
from gbimb.tables.labelled import LabelledTable
from gbimb.tables.schema import Schema
from gbimb.training.bagging.average import averaged_task
from gbimb.training.checkpoint import open_checkpoint
from gbimb.training.copies import find_copies
from gbimb.training.held_out.plan import make_plan
from gbimb.training.objectives.costs import CostObjective
from gbimb.training.objectives.named import check_metric, make_objective
from gbimb.training.search.blend import average_of_one, blend, is_open, rule_of_costs
from gbimb.training.search.candidate import Candidate, CrossFitted
from gbimb.training.search.cross_fit import CrossFitter
from gbimb.training.search.leaderboard import effects, leaderboard
from gbimb.training.search.progress import progress
from gbimb.training.search.search import FINISHED, Clock, TrialResult
from gbimb.training.seed import draw_seed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike

    from gbimb.array_types import FloatArray, TableLike
    from gbimb.decisions.rules import RowCosts
    from gbimb.model.model import AveragedModel, ForeignMember
    from gbimb.tables.parquet.source import ParquetSource
    from gbimb.training.objectives.base import SearchObjective
    from gbimb.training.search.compare import Compared
    from gbimb.training.search.search import Report
    from gbimb.training.tasks import Task

    Train = Callable[[CrossFitter, SearchObjective, Clock, Report], Compared]

BOOSTERS: Final = (ImbalancedLGBMClassifier, ImbalancedXGBClassifier)


def fit(
    blended: Any,  # either of them
    X: TableLike,
    y: ArrayLike | None,
    sample_weight: ArrayLike | None,
    *,
    train: Train,
    end: tuple[float | None, int | None],
    searches: bool,
    groups: ArrayLike | None,
    time: ArrayLike | None,
    costs: tuple[ArrayLike | None, ArrayLike | None],
) -> None:
    """Train the members, blend them, and set what was fitted.

    Parameters
    ----------
    train : callable
        Returns what was trained on the rows of a ``CrossFitter``.
    end : tuple
        The seconds there are, and the number of members; None for no end.
    searches : bool
        Whether candidates vary one ingredient at a time, so that each can be judged.
    costs : tuple
        Of a row that is flagged wrongly, and of one that is not flagged.
    """
    clock = Clock(end[0])
    beside: dict[str, Any] = {"groups": groups, "time": time}
    rows = LabelledTable.read(blended, X, y, sample_weight, blended.pos_label, **beside)
    n = rows.labels.codes.size
    rows = rows.with_weight(blended.pos_label)
    rows.labels.require_all_classes()
    classes = rows.labels.classes
    row_costs = costs_of_fit(blended.metric, classes.size, n, *costs)
    objective = make_objective(blended.metric, classes.size, swap=classes.swapped)
    threads = resolve_jobs(blended.n_jobs)
    whole = _fitter(blended, rows, threads, row_costs)
    with thread_limit(threads), progress(*end, blended.verbose) as show:
        compared = train(whole, objective, clock, show)
        model, shares = blend(
            compared.fitter.judged,
            compared.results,
            objective,
            blended.threshold,
            blended.confidence,
        )
    on = "all rows" if compared.fitter is whole else "a part"
    finish(
        blended,
        model,
        compared.results,
        shares,
        whole.seed,
        before=compared.before,
        on=on,
        searches=searches,
    )
    logger.info("blend: %s %.4f", objective.name, blended.best_score_)


def fit_streamed(portfolio: Any, X: ParquetSource, y: Any, sample_weight: Any) -> None:
    """Train LightGBM on a source that is read piece by piece."""
    check_metric(portfolio.metric)
    began = perf_counter()
    seed = draw_seed(portfolio.random_state)
    one = ImbalancedLGBMClassifier(
        loss="logistic",
        eval_metric=portfolio.metric if isinstance(portfolio.metric, str) else "log_loss",
        threshold=portfolio.threshold,
        confidence=portfolio.confidence,
        pos_label=portfolio.pos_label,
        checkpoint_path=portfolio.checkpoint_path,
        random_state=seed,
        n_jobs=portfolio.n_jobs,
        verbose=portfolio.verbose,
    ).fit(X, y, sample_weight)
    portfolio.n_features_in_ = one.n_features_in_
    portfolio.feature_names_in_ = one.feature_names_in_
    member = one.model_
    rule = member.rule
    if not isinstance(portfolio.metric, str):
        classes, member = member.classes, replace(member, score=float("nan"))
        if is_open(portfolio.threshold):
            rule = rule_of_costs(
                make_objective(portfolio.metric, classes.size, swap=classes.swapped), classes
            )
    candidate = Candidate("LightGBM: log loss", one)
    fitted = CrossFitted(candidate, member, np.empty(0))
    seconds = perf_counter() - began
    choice = {"engine": one.engine_name}
    result = TrialResult(
        candidate, choice, FINISHED, member.score, np.nan, seconds, fitted, np.empty(0)
    )
    finish(portfolio, average_of_one(member, rule), [result], np.ones(1), seed)


def _fitter(blended: Any, rows: LabelledTable, threads: int, costs: RowCosts | None) -> CrossFitter:
    """Return what trains candidates on these rows; the costs are those of all rows given."""
    labels, weight = rows.labels, rows.weight
    seed = draw_seed(blended.random_state)
    encoder, encoded = learn_columns(rows.table, labels.codes, weight)
    copies = find_copies(encoded, labels.codes)
    groups = None if copies is None else copies.groups
    plan = make_plan("auto", labels.codes, seed, groups, rows.dependence).hinting(rows.hint())
    if copies is not None:
        copies.warn_of_folds(labels.classes.labels, plan.splits, (), encoded)
    return CrossFitter(
        make={each.engine_name: each for each in BOOSTERS},
        schema=Schema.of(blended, encoder),
        encoded=encoded,
        labels=labels,
        weight=weight,
        plan=plan,
        seed=seed,
        threads=threads,
        checkpoint=open_checkpoint(blended, encoded, labels.codes, weight),
        groups=groups,
        dependence=rows.dependence,
        costs=costs if costs is None or rows.kept is None else costs.part(rows.kept),
        foreign=dict(blended.estimators or ()),
        table=rows.table if blended.estimators else None,
    )


def finish(
    blended: Any,  # either of them
    model: AveragedModel,
    results: list[TrialResult],
    shares: FloatArray,
    seed: int,
    *,
    before: Sequence[TrialResult] = (),
    on: str = "all rows",
    searches: bool = False,
) -> None:
    """Set what was fitted; ``before`` are results on a part of the rows.

    With ``searches`` candidates vary one ingredient at a time, so that each can be judged.
    """
    blended.model_, blended.seed_ = model, seed
    fitted = [t.fitted for t in results if t.fitted]
    blended.members_ = [
        _shown(fitted[i].candidate, member)
        for i, member in zip(np.flatnonzero(shares), model.members, strict=True)
    ]
    # Fixed members differ in several things at once: no difference is due to one of them.
    found = effects(results) if searches else []
    blended.effects_ = [astuple(effect) for effect in found]
    blended.leaderboard_ = leaderboard(results, shares, before, on)
    if model.importances is not None and not model.importances.any():
        msg = (
            "The trees of no candidate have a split, so every row gets the same probability. "
            "There may be no signal in X."
        )
        warn(msg)


def decider_of(blended: Any) -> SearchObjective | Task:  # a fitted one
    """Return what chooses the decision rule."""
    classes = blended.model_.classes
    if not is_open(blended.threshold):
        return averaged_task(classes.size, "mcc", blended.threshold, blended.confidence)
    if isinstance(blended.model_.rule, Threshold) and is_cost(blended.metric):
        # What costs say of a probability does not depend on the prevalence.
        value = blended.model_.rule.value
        return CostObjective(np.array([[0.0, value], [1.0 - value, 0.0]]))
    return make_objective(blended.metric, classes.size, swap=classes.swapped)


def _shown(candidate: Candidate, member: BoosterModel | ForeignMember) -> Any:  # an estimator
    """Return a member as a fitted estimator."""
    if isinstance(member, BoosterModel):
        return with_model(candidate.estimator, member)
    return member.classifier
