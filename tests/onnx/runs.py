"""Run an ONNX file as somebody would who has the file alone: what it takes is in its metadata."""

from __future__ import annotations

import json
import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
import pytest

from gbimb.exceptions import GbimbWarning

if TYPE_CHECKING:
    from pathlib import Path

onnxruntime = pytest.importorskip(
    "onnxruntime", reason="onnxruntime is not installed, which runs ONNX files"
)
pytest.importorskip("onnx", reason="onnx is not installed, which writes ONNX files")


class Predicted(NamedTuple):
    """What a file gives."""

    label: np.ndarray
    probability: np.ndarray
    raw_score: np.ndarray


def session(path: Path) -> Any:  # onnxruntime's
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def said(path: Path) -> dict[str, Any]:
    """The metadata of a file, read from JSON where it is JSON."""
    found = {}
    for key, text in session(path).get_modelmeta().custom_metadata_map.items():
        try:
            found[key] = json.loads(text)
        except json.JSONDecodeError:
            found[key] = text
    return found


def feed(path: Path, X: Any) -> dict[str, np.ndarray]:  # a data frame or an array
    """The rows of a table as the inputs of a file."""
    columns = said(path)["inputs"]
    if [each.name for each in session(path).get_inputs()] == ["X"]:
        if not isinstance(X, pd.DataFrame):
            return {"X": np.asarray(X, np.float64)}
        parts = [_places(X[about["name"]], about.get("categories")) for about in columns]
        return {"X": np.column_stack(parts)}
    names = said(path)["feature_names"]
    values = [X[name] if isinstance(X, pd.DataFrame) else X[:, j] for j, name in enumerate(names)]
    return {
        about["name"]: _texts(value, about["missing"])
        if about["type"] == "text"
        else _numbers(value)
        for about, value in zip(columns, values, strict=True)
    }


def _places(values: pd.Series[Any], categories: list[str] | None) -> np.ndarray:
    if categories is None:
        return _numbers(values)
    places = {category: float(i) for i, category in enumerate(categories)}
    return np.array(
        [
            np.nan if pd.isna(value) else places.get(str(value), len(places) + 5.0)
            for value in values
        ]
    )


def _texts(values: pd.Series[Any], missing: str) -> np.ndarray:
    return np.array([missing if pd.isna(value) else str(value) for value in values], object)


def _numbers(values: Any) -> np.ndarray:
    if getattr(values, "dtype", None) is not None and values.dtype.kind == "M":
        return (values - pd.Timestamp(0)).dt.total_seconds().to_numpy() / 86_400
    return pd.Series(values).astype("Float64").to_numpy(np.float64, na_value=np.nan)


def run(path: Path, X: Any) -> Predicted:  # a data frame or an array
    return Predicted(*session(path).run(["label", "probability", "raw_score"], feed(path, X)))


def export(clf: Any, folder: Path, *, columns: bool = False) -> Path:
    path = folder / "model.onnx"
    clf.to_onnx(path, columns=columns)
    return path


def assert_same(clf: Any, path: Path, X: Any, tolerance: float | None = None) -> Predicted:
    """Labels are the same, probabilities and raw scores but for rounding."""
    found = run(path, X)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GbimbWarning)
        labels, proba, raw = clf.predict(X), clf.predict_proba(X), clf.raw_score(X)
    single = "xgboost" in repr([member.engine for member in _members(clf.model_)])
    within = tolerance or (1e-6 if single else 1e-12)
    assert found.label.tolist() == labels.tolist()
    assert [type(v) for v in found.label.tolist()] == [type(v) for v in labels.tolist()]
    np.testing.assert_allclose(found.probability, proba, rtol=0, atol=within)
    np.testing.assert_allclose(found.raw_score, raw, rtol=1e-12, atol=1e-12)
    assert found.raw_score.shape == raw.shape
    return found


def _members(model: Any) -> list[Any]:
    return list(getattr(model, "members", [model]))
