"""Whether an ONNX file predicts as the estimator does: on rows at and around every split."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import pandas as pd

from gbimb.decisions.calibration import IsotonicCurve
from gbimb.decisions.rules import Rule, Threshold
from gbimb.exceptions import GbimbWarning, InvalidDataError
from gbimb.onnx.columns import MATRIX, OUTPUTS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from gbimb.array_types import FloatArray
    from gbimb.model.model import Model
    from gbimb.onnx.columns import Input
    from gbimb.onnx.scores import Grown

FEWEST_ROWS: Final = 512
MOST_ROWS: Final = 20_000
ROWS_OF_REFERENCE: Final = 4096
TOLERANCE: Final = 1e-12
SINGLE: Final = 1e-6
ROUNDING: Final = 1e-15
UNUSUAL: Final = 0.05  # share of the values that are missing, and of those that are unknown


class CheckedRows(NamedTuple):
    """The same rows as the estimator and as the file take them."""

    table: Any
    feed: dict[str, NDArray[Any]]


def check(
    path: Path,
    estimator: Any,
    members: Sequence[Grown],
    inputs: Sequence[Input],
    *,
    columns: bool,
) -> None:
    """Raise if the file at ``path`` gives other labels, or probabilities beyond rounding.

    Runs in onnxruntime if that is installed, else in the reference evaluator of ``onnx``, on some
    rows only.

    Raises
    ------
    InvalidDataError
        If it does.
    """
    import warnings

    model = estimator.model_
    fast = find_spec("onnxruntime") is not None
    codes = rows_at_splits(members, inputs, MOST_ROWS if fast else ROWS_OF_REFERENCE)
    rows = as_rows(codes, model, inputs, columns=columns)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GbimbWarning)  # of unknown values, which are meant
        proba, labels = estimator.predict_proba(rows.table), estimator.predict(rows.table)
    label, probability, _ = (_run_fast if fast else _run)(path, rows.feed)
    off = float(np.abs(probability - proba).max())
    allowed = tolerance(model, members)
    differs = np.asarray(label != labels)
    if not isinstance(model.rule, Threshold):
        differs &= ~_tied(model.rule, proba)
    if not off <= allowed or differs.any():
        msg = (
            f"The ONNX file would not predict as {type(estimator).__name__} does, got "
            f"{int(differs.sum()):,} other labels of {len(labels):,} rows and probabilities that "
            f"differ by {off:.2g} (allowed {allowed:.2g}). No file was written: please report it."
        )
        raise InvalidDataError(msg)


def tolerance(model: Model, members: Sequence[Grown]) -> float:
    """Return by how much probabilities may differ: by rounding, which steep curves enlarge."""
    single = any(member.trees.dtype == np.float32 for member in members)
    curved = [model, *(member.model for member in members)]
    steepest = max(
        (
            float(np.max(np.diff(curve.y) / np.diff(curve.x), initial=0.0))
            for each in curved
            if each.calibrator is not None
            for curve in each.calibrator.curves
            if isinstance(curve, IsotonicCurve)
        ),
        default=0.0,
    )
    return max(SINGLE if single else TOLERANCE, ROUNDING * steepest)


def _tied(rule: Rule, proba: FloatArray) -> NDArray[np.bool_]:
    """Whether the two best classes of a row are as good as each other, but for rounding."""
    best = np.sort(rule.margins(proba), axis=1)
    return best[:, -1] - best[:, -2] <= TOLERANCE * np.abs(best[:, -1])


def rows_at_splits(members: Sequence[Grown], inputs: Sequence[Input], most: int) -> FloatArray:
    """Return rows that hold each threshold and its neighbours, missing and unknown values.

    Places of categories stand for them; that after the last is an unknown one.
    """
    rng = np.random.default_rng(0)
    values = []
    for j, column in enumerate(inputs):
        if column.categories is not None:
            values.append(np.arange(len(column.categories) + 1.0))
            continue
        found = np.unique(
            np.concatenate([_thresholds(member, j) for member in members] or [np.zeros(1)])
        ).astype(np.float64)
        found = found[np.abs(found) < np.finfo(np.float32).max] if found.size else np.zeros(1)
        found = np.r_[found, 0.0]
        values.append(
            np.concatenate([found, np.nextafter(found, -np.inf), np.nextafter(found, np.inf)])
        )
    n_rows = int(np.clip(max(each.size for each in values), min(FEWEST_ROWS, most), most))
    rows = np.column_stack([_drawn(each, n_rows, rng) for each in values])
    rows[rng.random(rows.shape) < UNUSUAL] = np.nan
    return rows


def _thresholds(member: Grown, feature: int) -> NDArray[Any]:
    parts = [
        tree.threshold[(tree.left >= 0) & (tree.feature == feature)] for tree in member.trees.trees
    ]
    return np.concatenate(parts)


def _drawn(values: NDArray[Any], n_rows: int, rng: np.random.Generator) -> NDArray[Any]:
    """Return each value as often as others, in random order."""
    times = -(-n_rows // values.size)
    return np.concatenate([rng.permutation(values) for _ in range(times)])[:n_rows]


def as_rows(
    codes: FloatArray, model: Model, inputs: Sequence[Input], *, columns: bool
) -> CheckedRows:
    """Return rows as the estimator and the file take them."""
    if not any(column.categories is not None for column in inputs):
        table: Any = codes
        if model.schema.names is not None:
            table = pd.DataFrame(codes, columns=model.schema.names)
        feed = {each.name: codes[:, j] for j, each in enumerate(inputs)}
        return CheckedRows(table, feed if columns else {MATRIX: codes})
    series, feed, codes = {}, {}, codes.copy()
    for j, column in enumerate(inputs):
        series[column.column], feed[column.name] = _column(codes[:, j], column)
        if column.categories is not None:
            codes[codes[:, j] >= len(column.categories), j] = -1.0
    return CheckedRows(pd.DataFrame(series), feed if columns else {MATRIX: codes})


def _column(codes: FloatArray, column: Input) -> tuple[Any, NDArray[Any]]:
    """Return a column as the estimator takes it, and as the file takes it by itself."""
    if column.categories is None:
        return codes, codes
    known = list(column.categories)
    stranger = _stranger(known)
    if stranger is None:  # no further one is known of this kind
        codes[codes >= len(known)] = 0.0
    missing = np.isnan(codes)
    places = np.where(missing, -1, codes).astype(np.intp)
    all_of_them = known if stranger is None else [*known, stranger]
    series = pd.Series(pd.Categorical.from_codes(places, pd.Index(all_of_them)))
    if column.is_text:
        texts = np.array([*map(str, all_of_them), column.missing], object)
        return series, texts[places]
    numbers = np.array([*map(float, all_of_them), np.nan])
    return series, numbers[places]


def _stranger(known: list[Any]) -> Any:
    """Return a category of the same kind as those known that is none of them, or None."""
    if not known or all(isinstance(each, str) for each in known):
        return max(known, key=len, default="") + "!"
    if all(type(each) in {int, float} or isinstance(each, np.number) for each in known):
        return type(known[0])(max(known) + 1)
    return None


def _run_fast(path: Path, feed: dict[str, NDArray[Any]]) -> list[NDArray[Any]]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # several would add the trees in another order
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    found: list[NDArray[Any]] = session.run(list(OUTPUTS), feed)
    return found


def _run(path: Path, feed: dict[str, NDArray[Any]]) -> list[NDArray[Any]]:
    from gbimb.onnx.reference import evaluator

    found: list[NDArray[Any]] = evaluator(path).run(list(OUTPUTS), feed)
    return found
