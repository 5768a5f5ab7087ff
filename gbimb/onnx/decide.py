"""From probabilities to labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gbimb.decisions.rules import ClassWeights, Costs, Threshold
from gbimb.exceptions import InvalidDataError
from gbimb.model.model import AveragedModel, to_raw
from gbimb.onnx.columns import check_texts
from gbimb.onnx.graph import BOOL, DOUBLE, INT64, STRING

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gbimb.model.model import Model
    from gbimb.onnx.graph import Graph
    from gbimb.onnx.scores import Scores

NEIGHBOURS: Final = 1024


def labels_of(model: Model) -> tuple[NDArray[Any], int]:
    """Return the labels as ONNX has them, and their type: numbers, booleans or texts.

    Raises
    ------
    InvalidDataError
        If they are anything else.
    """
    labels = np.asarray(model.classes.labels)
    if labels.dtype.kind == "b":
        return labels, BOOL
    if labels.dtype.kind in "iu" and labels.max() <= np.iinfo(np.int64).max:
        return labels.astype(np.int64), INT64
    if labels.dtype.kind == "f":
        return labels.astype(np.float64), DOUBLE
    if all(isinstance(label, str) for label in labels.tolist()):
        check_texts(labels.tolist(), "Labels")
        return labels.astype(object), STRING
    msg = (
        "Labels of an ONNX file are numbers below 2**63, booleans or strings, got "
        f"{labels.tolist()[0]!r:.60} ({type(labels.tolist()[0]).__name__}). Fit with such labels."
    )
    raise InvalidDataError(msg)


def decide(graph: Graph, model: Model, found: Scores, columns: str) -> str:
    """Return the positions of the predicted labels, shape (n,).

    Parameters
    ----------
    graph : Graph
    model : Model
    found : Scores
    columns : str
        Probabilities of all classes, shape (n, K).
    """
    rule = model.rule
    if isinstance(rule, Threshold):
        flagged = graph.at_least(found.exact, smallest_flagged(model))
        pair = graph.constant([1 - rule.positive, rule.positive], np.int64)
        return graph.add("Gather", pair, graph.add("Cast", graph.flat(flagged), to=INT64))
    if isinstance(rule, ClassWeights):
        return graph.add("ArgMax", graph.mul(columns, rule.weights), axis=1, keepdims=0)
    if isinstance(rule, Costs):
        costs = graph.add("MatMul", columns, graph.constant(rule.matrix))
        return graph.add("ArgMin", costs, axis=1, keepdims=0)
    msg = f"The rule {type(rule).__name__} has no form in ONNX, got one."
    raise InvalidDataError(msg)


def smallest_flagged(model: Model) -> float:
    """Return the smallest value of ``Scores.exact`` with which the positive class is predicted.

    Logarithms of a runtime may differ in the last bit, which decides where a row is exactly at
    the threshold.
    """

    def flagged(places: NDArray[np.int64]) -> NDArray[np.bool_]:
        exact = places.view(np.float64)
        if isinstance(model, AveragedModel):
            proba = model.probability(model.correction.apply(to_raw(exact)))
        else:
            curve = model.calibrator
            trained = exact if curve is None else curve(exact)
            proba = model.classes.columns(model.adapted(trained))
        found: NDArray[np.bool_] = model.rule.decide(proba) == model.classes.positive_code
        return found

    # The bits of floats that are not negative rise as they do.
    low, high = np.array([0.0, 1.0]).view(np.int64).tolist()
    if flagged(np.array([low]))[0]:
        return 0.0
    if not flagged(np.array([high]))[0]:
        return np.inf
    while high - low > 1:
        middle = (low + high) // 2
        if flagged(np.array([middle]))[0]:
            high = middle
        else:
            low = middle
    # Rounding makes a curve uneven by some bits: the first of these counts.
    near = np.arange(max(high - NEIGHBOURS, 1), high + 1)
    first = near[int(np.argmax(flagged(near)))]
    return float(np.array([first]).view(np.float64)[0])
