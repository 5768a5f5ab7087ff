"""Fitted models as nodes: from the matrix to raw scores and probabilities."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from gbimb.engines.registry import get_engine
from gbimb.exceptions import InvalidDataError
from gbimb.model.model import SMALLEST_PROBABILITY, AveragedModel, BoosterModel
from gbimb.onnx.curves import calibrated
from gbimb.onnx.ensemble import Ensemble, Unseen, without_zeros, zero_limits
from gbimb.onnx.links import link_of, probability, sigmoid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gbimb.engines.trees import Trees
    from gbimb.model.model import Model
    from gbimb.model.pairs import Pairs
    from gbimb.onnx.graph import Graph


class Scores(NamedTuple):
    """Names of what a graph has computed.

    Attributes
    ----------
    raw : str
        Raw scores, shape (n, 1) for two classes, (n, K) for more.
    proba : str
        Probability of the positive class, shape (n, 1), or of each of more, (n, K).
    exact : str
        The last value before it that no runtime computes otherwise in the last bit: what the link
        gives, or the mean of the members. Shape of ``proba``.
    """

    raw: str
    proba: str
    exact: str


class Grown(NamedTuple):
    """A member and its trees."""

    model: BoosterModel
    trees: Trees


def grown(model: Model) -> list[Grown]:
    """Return the members of a model with their trees, in their order.

    Raises
    ------
    InvalidDataError
        If one is no booster, or has no form outside its engine.
    """
    members = model.members if isinstance(model, AveragedModel) else (model,)
    found = []
    for member in members:
        if not isinstance(member, BoosterModel):
            kind = type(getattr(member, "classifier", member)).__name__
            msg = (
                "An ONNX file holds trees of LightGBM and XGBoost, got a member of another "
                f"package, {kind}. Export that with its own tools, or use gbimb's estimators."
            )
            raise InvalidDataError(msg)
        found.append(Grown(member, get_engine(member.engine).trees(member.booster)))
    return found


def scores(graph: Graph, model: Model, members: Sequence[Grown], matrix: str) -> Scores:
    """Add what turns the matrix of a table into raw scores and probabilities."""
    unseen = Unseen.of(model.schema.encoder, model.schema.n_features)
    if not isinstance(model, AveragedModel):
        raw = _raw(graph, members, matrix, unseen)
        linked = _linked(graph, members, raw)
        proba = _one(graph, model, _curved(graph, linked, [model]))
        return Scores(raw, _adapted(graph, model, proba), _one(graph, model, linked))
    mean = _mean(graph, model, members, matrix, unseen)
    inside = graph.clip(mean, SMALLEST_PROBABILITY, 1.0 - SMALLEST_PROBABILITY)
    if model.classes.size == 2:
        inside = graph.div(inside, graph.sub(1.0, inside))
    raw = graph.sum(
        graph.mul(model.correction.slope, graph.add("Log", inside)), model.correction.intercept
    )
    spread = _by_member(graph, raw, 1, model.classes.n_outputs)
    linked = sigmoid(graph, raw, model.link) or probability(graph, spread, [model.link])
    proba = _one(graph, model, _curved(graph, linked, [model]))
    return Scores(raw, _adapted(graph, model, proba), mean)


def _adapted(graph: Graph, model: Model, proba: str) -> str:
    """Return the probabilities in the prevalence that the model is adapted to, if it is."""
    if model.adapted_to is None:
        return proba
    change = model.adapted_to / model.trained_prevalence
    if model.classes.size > 2:
        changed = graph.mul(proba, change)
        return graph.div(changed, graph.over_last("ReduceSum", changed))
    positive = graph.mul(proba, change[1])
    negative = graph.mul(graph.sub(1.0, proba), change[0])
    return graph.div(positive, graph.sum(negative, positive))


def _mean(
    graph: Graph, model: AveragedModel, members: Sequence[Grown], matrix: str, unseen: Unseen
) -> str:
    """Return the mean of the members' probabilities, added in their order."""
    kinds: dict[Any, list[int]] = {}
    for i, member in enumerate(members):
        kinds.setdefault(_kind(member), []).append(i)
    forms: dict[Any, list[list[int]]] = {}
    for places in kinds.values():
        forms.setdefault(_form(members[places[0]]), []).append(places)
    proba, outputs = [""] * len(members), model.classes.n_outputs
    for parts in forms.values():
        raws = [_raw(graph, [members[i] for i in places], matrix, unseen) for places in parts]
        order = [i for places in parts for i in places]
        some = [members[i] for i in order]
        linked = _linked(graph, some, graph.side_by_side(raws))
        whole = _curved(graph, linked, [member.model for member in some])
        if model.weights is not None:
            weights = model.weights[order]
            whole = graph.mul(weights if outputs == 1 else weights[:, None], whole)
        for i, part in zip(order, graph.split(whole, len(order)), strict=True):
            proba[i] = part
    mean = proba[0]
    for each in proba[1:]:
        mean = graph.sum(mean, each)
    if model.weights is None:
        mean = graph.div(mean, float(len(members)))
    return _one(graph, model, mean)


def _kind(member: Grown) -> tuple[Any, ...]:
    """Return what members must share for their trees to be walked together."""
    model = member.model
    limits = zero_limits(member.trees, _width(model))
    return (model.engine, model.zero_is_missing, model.pairs, limits.tobytes(), *_form(member))


def _form(member: Grown) -> tuple[Any, ...]:
    """Return what members must share for their probabilities to be computed together."""
    return (*link_of(member.model.link), member.model.calibrator is None)


def _width(model: BoosterModel) -> int:
    """Return the number of columns that the booster sees."""
    return model.schema.n_features + 2 * len(model.pairs)


def _raw(graph: Graph, members: Sequence[Grown], matrix: str, unseen: Unseen) -> str:
    """Return the raw scores of members of one kind, shape (n, M * outputs)."""
    model, first = members[0]
    limits = zero_limits(first, _width(model))
    if model.pairs:
        matrix, unseen = beside_pairs(graph, matrix, model.pairs, unseen)
    if model.zero_is_missing:
        limits = np.zeros(limits.size)
    if (limits >= 0).any():
        matrix, unseen = without_zeros(graph, matrix, limits, unseen)
    ensemble = Ensemble(first, unseen)
    for member in members:
        ensemble.add(member.trees)
    return ensemble.write(graph, matrix)


def _linked(graph: Graph, members: Sequence[Grown], raw: str) -> str:
    """Return the probabilities of members of one kind, shape (n, M), of many classes (n, M, K)."""
    models = [member.model for member in members]
    raw = _by_member(graph, raw, len(models), models[0].classes.n_outputs)
    return probability(graph, raw, [model.link for model in models])


def _by_member(graph: Graph, scores: str, members: int, outputs: int) -> str:
    """Return scores of shape (n, members * outputs) of many classes as (n, members, outputs)."""
    if outputs == 1:
        return scores
    return graph.add("Reshape", scores, graph.constant([-1, members, outputs], np.int64))


def _curved(graph: Graph, proba: str, models: Sequence[Model]) -> str:
    """Return probabilities after the curves of each model, if they have any."""
    curves = [model.calibrator.curves for model in models if model.calibrator is not None]
    columns = [curve for of_model in curves for curve in of_model]
    if not columns:
        return proba
    if len(curves[0]) == 1:
        return calibrated(graph, proba, columns)
    flat = graph.add("Reshape", proba, graph.constant([-1, len(columns)], np.int64))
    after = _by_member(graph, calibrated(graph, flat, columns), len(models), len(curves[0]))
    return graph.div(after, graph.over_last("ReduceSum", after))


def _one(graph: Graph, model: Model, proba: str) -> str:
    """Return the probabilities of the only member, shape (n, 1) or (n, K)."""
    return proba if model.classes.size == 2 else graph.flat(proba)


def beside_pairs(graph: Graph, matrix: str, pairs: Pairs, unseen: Unseen) -> tuple[str, Unseen]:
    """Return the matrix with the columns of the pairs, and what stands in for its values."""
    # Typical values stand in before the arithmetic: here they cost nodes, not branches.
    used = sorted({i for pair in pairs for i in pair})
    values = graph.columns(matrix, used)
    fill = unseen.fill[used]
    if not np.isnan(fill).all():
        values = graph.where(graph.add("IsNaN", values), fill[None], values)
    left, right = (
        graph.columns(values, [used.index(pair[side]) for pair in pairs]) for side in (0, 1)
    )
    ratio = graph.div(left, right)
    finite = graph.at_least(np.finfo(np.float64).max, graph.add("Abs", ratio))
    ratio = graph.where(finite, ratio, np.nan)
    wide = graph.wider(matrix, unseen.fill.size, graph.sub(left, right), ratio)
    none, more = np.full(2 * len(pairs), np.nan), 2 * len(pairs)
    return wide, replace(
        unseen,
        fill=np.append(unseen.fill, none),
        unknown=np.append(unseen.unknown, none),
        n_categories=np.append(unseen.n_categories, np.zeros(more, np.intp)),
    )
