"""From raw scores to probabilities, as the losses do it.

Raw scores and probabilities have a row for each row of the table, shape (n, M) for M members of two
classes, and (n, M, K) for members of more.

Of two classes every operation is that of :mod:`gbimb.losses.kernels.formulas`, in its order: the
probability is the same to the last bit, and so is what a threshold or a steep curve makes of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gbimb.exceptions import InvalidDataError
from gbimb.losses import (
    BrierLoss,
    FocalLoss,
    LogisticLoss,
    MulticlassBrierLoss,
    MulticlassLoss,
)
from gbimb.losses.kernels import formulas as kernel
from gbimb.losses.kernels.softmax import LARGEST_SCORE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gbimb.array_types import FloatArray
    from gbimb.onnx.graph import Graph

Link = tuple[str, float]
"""What members must share to be computed together: the form of the link, and its gamma or power."""

MARGIN, SHARE, SHARES, SOFTMAX = "margin", "share", "shares", "softmax"
EXP: Final = (
    *(kernel.E8, kernel.E7, kernel.E6, kernel.E5, kernel.E4),
    *(kernel.E3, kernel.E2, kernel.E1, kernel.E0),
)
ARTANH: Final = (
    *(kernel.A8, kernel.A7, kernel.A6, kernel.A5, kernel.A4),
    *(kernel.A3, kernel.A2, kernel.A1, kernel.A0),
)


def link_of(loss: Any) -> Link:  # any loss
    """Return the form of a loss's link.

    Raises
    ------
    InvalidDataError
        If it has none that is known here.
    """
    loss = with_link(loss)
    if isinstance(loss, MulticlassLoss):
        return SOFTMAX, loss.exponent
    if isinstance(loss, LogisticLoss | FocalLoss):
        return MARGIN, float(getattr(loss, "gamma", 0.0))
    if isinstance(loss, BrierLoss):
        return SHARE, 0.0
    if isinstance(loss, MulticlassBrierLoss):
        return SHARES, loss.power
    msg = (
        f"The link of {type(loss).__name__} has no form in ONNX, got {loss!r:.80}. Fit with one of "
        "gbimb's own losses."
    )
    raise InvalidDataError(msg)


def with_link(loss: Any) -> Any:  # any loss
    """Return the loss whose link this is: losses over the whole training set have none."""
    return loss.warm_up if getattr(loss, "warm_up", None) is not None else loss


def probability(graph: Graph, raw: str, losses: Sequence[Any]) -> str:
    """Return the probabilities of members, whose losses have one form of link."""
    losses = [with_link(loss) for loss in losses]
    form, gamma = link_of(losses[0])
    if form == SHARE:
        return graph.clip(raw, 0.0, 1.0)
    if form == SHARES:
        return _sharpen(graph, graph.clip(raw, MulticlassBrierLoss.SMALLEST_VOTE, 1.0), gamma)
    if form == SOFTMAX:
        constants = np.stack([loss.class_constants for loss in losses])
        return _softmax(graph, raw, constants, gamma)
    ratios = [kernel.class_ratio(loss.class_constants) for loss in losses]
    return _margin(graph, raw, np.array(ratios), gamma)


def sigmoid(graph: Graph, raw: str, loss: Any) -> str | None:
    """Return the probabilities in one node, but for rounding; None where the link is another."""
    if link_of(loss) != (MARGIN, 0.0) or kernel.class_ratio(loss.class_constants) != 1.0:
        return None
    return graph.add("Sigmoid", raw)


def _sharpen(graph: Graph, votes: str, power: float) -> str:
    raised = graph.mul(graph.add("Sqrt", votes), votes) if power % 1.0 else votes
    for _ in range(int(power) - 1):
        raised = graph.mul(raised, votes)
    return graph.div(raised, graph.over_last("ReduceSum", raised))


def _margin(graph: Graph, raw: str, ratio: FloatArray, gamma: float) -> str:
    away = graph.add("Min", graph.add("Abs", raw), graph.constant(kernel.FAR))
    t = _exp(graph, graph.add("Neg", away))
    right, wrong = t, graph.constant(1.0)
    if gamma:
        log_upper = _twice_artanh(graph, graph.div(t, graph.sum(2.0, t)))
        if gamma == 2.0:
            power = graph.mul(t, t)
        else:
            power = t if gamma == 1.0 else _exp(graph, graph.mul(-gamma, away))
        right = graph.mul(power, graph.sum(graph.mul(gamma, log_upper), t))
        wrong = graph.sum(1.0, graph.mul(graph.mul(gamma, t), graph.sum(away, log_upper)))
    above = graph.at_least(raw, 0.0)
    positive = graph.where(above, wrong, right)
    negative = graph.where(above, right, wrong)
    return graph.div(positive, graph.sum(positive, graph.mul(ratio, negative)))


def _exp(graph: Graph, x: str) -> str:
    """``exp(x)`` for x <= 0."""
    half = graph.mul(0.5, graph.add("Max", x, graph.constant(-kernel.FAR)))
    k = graph.sub(graph.sum(graph.mul(half, kernel.LOG2_E), kernel.ROUNDER), kernel.ROUNDER)
    r = graph.sub(graph.sub(half, graph.mul(k, kernel.LN2_HIGH)), graph.mul(k, kernel.LN2_LOW))
    e = graph.mul(_polynomial(graph, r, EXP), r)
    e = graph.sum(graph.sum(graph.mul(e, r), r), 1.0)
    e = graph.mul(e, graph.add("Pow", graph.constant(2.0), k))
    return graph.mul(e, e)


def _twice_artanh(graph: Graph, s: str) -> str:
    w = graph.mul(s, s)
    a = _polynomial(graph, w, ARTANH)
    return graph.mul(2.0, graph.sum(s, graph.mul(s, graph.mul(w, a))))


def _polynomial(graph: Graph, x: str, coefficients: Sequence[float]) -> str:
    """Return the value of a polynomial, whose highest coefficient is the first (Horner)."""
    total: Any = coefficients[0]
    for coefficient in coefficients[1:]:
        total = graph.sum(graph.mul(total, x), coefficient)
    return str(total)


def _softmax(graph: Graph, raw: str, constants: FloatArray, gamma: float) -> str:
    """Odds against the class with the highest raw score, over their sum."""
    raw = graph.clip(raw, -LARGEST_SCORE, LARGEST_SCORE)
    below = graph.sub(raw, graph.over_last("ReduceMax", raw))
    share = graph.add("Exp", below)
    if not gamma:
        odds = graph.div(share, constants)
        return graph.div(odds, graph.over_last("ReduceSum", odds))
    classes = graph.constant(np.arange(constants.shape[-1]), np.int64)
    is_top = graph.add("Equal", graph.add("ArgMax", raw, axis=-1, keepdims=1), classes)
    rest = graph.over_last("ReduceSum", graph.where(is_top, 0.0, share))
    whole = graph.sum(1.0, rest)
    inverse, log_sum = graph.div(1.0, whole), _log1p(graph, rest, whole)
    slope_top = _slope(graph, inverse, graph.mul(rest, inverse), log_sum, gamma)
    p = graph.mul(share, inverse)
    slope = _slope(graph, p, graph.sub(1.0, p), graph.sub(log_sum, below), gamma)
    own = graph.where(is_top, constants, 0.0)
    odds = graph.mul(
        share,
        graph.div(
            graph.mul(graph.over_last("ReduceSum", own), slope_top), graph.mul(constants, slope)
        ),
    )
    odds = graph.where(is_top, 1.0, odds)
    return graph.div(odds, graph.over_last("ReduceSum", odds))


def _log1p(graph: Graph, x: str, whole: str) -> str:
    """``log(1 + x)`` for x >= 0, also where 1 + x is rounded (Kahan)."""
    rounded = graph.sub(whole, 1.0)
    kept = graph.div(graph.mul(graph.add("Log", whole), x), rounded)
    return graph.where(graph.add("Equal", rounded, graph.constant(0.0)), x, kept)


def _slope(graph: Graph, p: str, q: str, log_loss: str, gamma: float) -> str:
    """``-p l'(p) = q^gamma (1 + gamma p L / q)``; L / q tends to 1 where q is 0."""
    if gamma == 1.0:
        return graph.sum(q, graph.mul(p, log_loss))
    if gamma == 2.0:
        return graph.mul(q, graph.sum(q, graph.mul(graph.mul(2.0, p), log_loss)))
    some = graph.add("Greater", q, graph.constant(0.0))
    ratio = graph.where(some, graph.div(log_loss, q), 1.0)
    return graph.mul(
        graph.add("Pow", q, graph.constant(gamma)),
        graph.sum(1.0, graph.mul(graph.mul(gamma, p), ratio)),
    )
