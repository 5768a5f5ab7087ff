"""A fitted model as one ONNX model, with what it says of itself."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any, Final

from gbimb.decisions.rules import ClassWeights, Costs, Threshold
from gbimb.json_text import plain
from gbimb.onnx.columns import (
    MATRIX,
    OUTPUTS,
    declared,
    inputs_of,
    read_columns,
    with_known_places,
)
from gbimb.onnx.decide import decide, labels_of
from gbimb.onnx.ensemble import compared_as_numbers
from gbimb.onnx.graph import DOUBLE, ML_OPSET, OPSET, Graph, value
from gbimb.onnx.scores import scores
from gbimb.version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

    import onnx

    from gbimb.model.model import Model
    from gbimb.onnx.columns import Input
    from gbimb.onnx.scores import Grown

SMALLEST_RUNTIME: Final = "1.23"


def build(model: Model, members: Sequence[Grown], kind: str, *, columns: bool) -> onnx.ModelProto:
    """Return the ONNX model of a fitted model; ``kind`` is the name of the estimator's class."""
    inputs = inputs_of(model.schema)
    graph = Graph([*OUTPUTS, *([each.name for each in inputs] if columns else [MATRIX])])
    if columns:
        matrix = read_columns(graph, inputs)
    else:
        compared = compared_as_numbers([member.trees for member in members], len(inputs))
        matrix = with_known_places(graph, MATRIX, inputs, compared)
    found = scores(graph, model, members, matrix)
    two = model.classes.size == 2
    label, probability, raw_score = OUTPUTS
    if two:
        other = graph.sub(1.0, found.proba)
        pair = (found.proba, other) if model.classes.swapped else (other, found.proba)
        graph.add("Concat", *pair, axis=1, output=probability)
        graph.flat(found.raw, output=raw_score)
    else:
        graph.add("Identity", found.proba, output=probability)
        graph.add("Identity", found.raw, output=raw_score)
    labels, label_type = labels_of(model)
    at = decide(graph, model, found, probability)
    graph.add("Gather", graph.constant(labels, labels.dtype), at, output=label)
    shape = ("n",) if two else ("n", model.classes.size)
    outputs = [
        value(label, label_type, "n"),
        value(probability, DOUBLE, "n", model.classes.size),
        value(raw_score, DOUBLE, *shape),
    ]
    proto = graph.finish(declared(inputs, columns=columns), outputs, __version__)
    for key, said in _metadata(model, kind, inputs, columns=columns).items():
        entry = proto.metadata_props.add()
        entry.key, entry.value = key, said
    return proto


def _metadata(model: Model, kind: str, inputs: Sequence[Input], *, columns: bool) -> dict[str, str]:
    """Return what the file says of itself, as texts; lists and numbers as JSON."""
    rule = model.rule
    decided: dict[str, Any] = {}
    if isinstance(rule, Threshold):
        decided = {"threshold": rule.value, "pos_label": model.classes.positive}
        if rule.guarantee is not None:
            decided["guarantee"] = str(rule.guarantee)
    elif isinstance(rule, ClassWeights):
        decided = {"class_weights": rule.weights}
    elif isinstance(rule, Costs):
        decided = {"costs": rule.matrix}
    facts: dict[str, Any] = {
        "feature_names": [each.column for each in inputs],
        "inputs": [_described(each, columns=columns) for each in inputs],
        "labels": model.classes.labels,
        **decided,
        "opset": {"ai.onnx": OPSET, "ai.onnx.ml": ML_OPSET},
    }
    return {
        "gbimb_version": __version__,
        "class": kind,
        "rule": RULES[type(rule)],
        "written": dt.datetime.now(dt.UTC).date().isoformat(),
        "smallest_onnxruntime": SMALLEST_RUNTIME,
        **{
            key: json.dumps(plain(fact), ensure_ascii=False, default=str)
            for key, fact in facts.items()
        },
    }


RULES: Final[dict[type[Any], str]] = {
    Threshold: "pos_label where its probability is >= threshold",
    ClassWeights: "the label with the largest probability * class_weights",
    Costs: "the label with the least expected cost, probability @ costs",
}


def _described(column: Input, *, columns: bool) -> dict[str, Any]:
    """Return what a column takes."""
    about: dict[str, Any] = {"name": column.name if columns else column.column}
    if column.kind == "days":
        return {**about, "type": "number", "unit": "days since 1970-01-01, or of a duration"}
    if column.categories is None:
        return {**about, "type": "number", "missing": "NaN"}
    if not columns:
        return {**about, "type": "place in categories", "categories": column.as_texts()}
    if column.is_text:
        return {
            **about,
            "type": "text",
            "missing": column.missing,
            "categories": column.as_texts(),
        }
    return {**about, "type": "number", "missing": "NaN", "categories": column.categories}
