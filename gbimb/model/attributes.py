"""The fitted state of each class: an explicit list, with a rule for every attribute."""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import NoneType
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from gbimb.constraints import LABELS, NUMBERS
from gbimb.exceptions import InvalidDataError
from gbimb.json_text import shown
from gbimb.losses import Loss
from gbimb.metrics import parse_bound
from gbimb.model.kept_rows import are_marginals, are_scores, is_array, is_share
from gbimb.model.pairs import are_pairs
from gbimb.tables.text_forms import FORMS, LABEL_FORMS, TEXT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

OF_ENCODER: Final = {"columns", "values", "complete", "marginals"}
CATEGORY: Final = (*LABELS, pd.Interval, pd.Timestamp)


@dataclass(frozen=True)
class Size:
    """Numbers that tie attributes together."""

    classes: int
    features: int

    @property
    def outputs(self) -> int:
        """Raw scores a row."""
        return 1 if self.classes == 2 else self.classes


def _is_number(value: object) -> bool:
    return isinstance(value, NUMBERS) and not isinstance(value, bool | np.bool_)


def _is_integer(value: Any, low: int) -> bool:
    return _is_number(value) and not isinstance(value, float | np.floating) and bool(value >= low)


def _is_finite(value: object, *shape: int) -> bool:
    return is_array(value, "f", *shape) and bool(np.isfinite(value).all())  # type: ignore[call-overload]


def _are_labels(value: Any, size: Size) -> bool:
    if not is_array(value, "biufUO", size.classes) or size.classes < 2:
        return False
    labels = value.tolist()
    return len(set(labels)) == size.classes and all(label == label for label in labels)  # noqa: PLR0124  false for NaN alone


def _are_names(value: Any, size: Size) -> bool:
    return is_array(value, "O", size.features) and all(type(name) is str for name in value)


def _is_history(value: Any) -> bool:
    return isinstance(value, dict) and all(
        isinstance(part, dict)
        and all(
            isinstance(name, str) and isinstance(series, list) and all(map(_is_number, series))
            for name, series in part.items()
        )
        for part in value.values()
    )


def _is_blend(value: Any) -> bool:
    return isinstance(value, dict) and all(
        isinstance(name, str) and _is_number(share) and 0 < share <= 1
        for name, share in value.items()
    )


def _are_rounds(value: Any) -> bool:
    return isinstance(value, dict) and all(
        isinstance(name, str) and _is_integer(rounds, 1) for name, rounds in value.items()
    )


def _are_columns(value: Any, size: Size) -> bool:
    """Whether these are names and categories, none for a plain array, with typical values."""
    if isinstance(value, dict):
        if not {"columns", "values", "complete"} <= value.keys() <= OF_ENCODER:
            return False
        spread = value.get("marginals")
        if "marginals" in value and not are_marginals(spread, size.classes, size.features):
            return False
        if not is_array(value["complete"], "b", size.features):
            return False
        typical, value = value["values"], value["columns"]
        if not is_array(typical, "f", size.features) or np.isinf(typical).any():
            return False
    return (
        isinstance(value, list) and len(value) in {0, size.features} and all(map(_is_column, value))
    )


def _is_column(pair: Any) -> bool:
    if not isinstance(pair, list) or len(pair) not in {2, 3} or type(pair[0]) is not str:
        return False
    categories, kind = pair[1], (pair[2] if len(pair) == 3 else None)
    if kind not in ((None, "days") if categories is None else (None, "ordinal")):
        return False
    if categories is None:
        return True
    return (
        isinstance(categories, tuple)
        and all(isinstance(value, CATEGORY) for value in categories)
        and len(set(categories)) == len(categories)
    )


def _is_line(value: Any, size: Size) -> bool:
    """Whether this is slope and intercept of the recalibration."""
    return (
        isinstance(value, list)
        and len(value) == 2
        and _is_number(value[0])
        and math.isfinite(value[0])
        and _is_finite(value[1], size.outputs)
    )


def _is_guarantee(value: Any) -> bool:
    """Whether this is None, or rule, confidence, threshold, bound, met, rows and positives."""
    if value is None:
        return True
    if not isinstance(value, list) or len(value) != 7:
        return False
    rule, *numbers, met, rows, positives = value
    return (
        isinstance(rule, str)
        and parse_bound(rule) is not None
        and all(_is_number(number) and 0 <= number <= 1 for number in numbers)
        and isinstance(met, bool)
        and _is_integer(positives, 0)
        and _is_integer(rows, positives)
    )


def _is_calibrator(value: Any, size: Size) -> bool:
    """Whether this is None, or a list of the numbers of one curve a raw score."""
    return value is None or (
        isinstance(value, list) and len(value) == size.outputs and all(map(_is_curve, value))
    )


def _is_curve(value: Any) -> bool:
    if not isinstance(value, list) or len(value) not in {2, 3}:
        return False
    if len(value) == 3:
        return all(_is_number(x) and math.isfinite(x) for x in value) and min(value[:2]) >= 0
    x, y = value
    size = np.size(x)
    return (
        size >= 1
        and _is_finite(x, size)
        and _is_finite(y, size)
        and all(
            bool((np.diff(part) >= 0).all() and 0 <= part[0] <= part[-1] <= 1) for part in value
        )
    )


def _are_sums(value: Any, size: Size) -> bool:
    """Whether these are two sums and two counts of the same rows."""
    if not isinstance(value, list) or len(value) != 4:
        return False
    rows = np.size(value[2])
    shapes = [(rows, size.classes), (rows, size.classes), (rows,), (rows,)]
    return all(_is_finite(part, *shape) for part, shape in zip(value, shapes, strict=True))


def _are_effects(value: Any, _: Size) -> bool:
    return isinstance(value, list) and all(
        isinstance(part, tuple)
        and len(part) == 4
        and isinstance(part[0], str)
        and all(map(_is_number, part[1:]))
        for part in value
    )


def _is_table(value: Any, _: Size) -> bool:
    return (
        isinstance(value, dict)
        and all(isinstance(k, str) and isinstance(v, list) for k, v in value.items())
        and len({len(v) for v in value.values()}) == 1
        and all(isinstance(x, (*LABELS, NoneType)) for v in value.values() for x in v)
    )


def _fits(loss: object, size: Size) -> bool:
    return isinstance(loss, Loss) and loss.n_outputs == size.outputs


def _are_readings(value: Any, _: Size) -> bool:
    """Whether these are pairs of a form and of texts that are missing values, by column."""
    return isinstance(value, dict) and all(
        isinstance(name, str)
        and isinstance(pair, list)
        and len(pair) == 2
        and isinstance(pair[0], str)
        and pair[0] in (*FORMS, TEXT, *LABEL_FORMS)
        and isinstance(pair[1], tuple)
        and all(isinstance(text, str) for text in pair[1])
        for name, pair in value.items()
    )


Rule = tuple[str, "Callable[[Any, Size], bool]"]

SHARED: Final[dict[str, Rule]] = {
    "classes_": ("an array of two labels or more, all different", _are_labels),
    "pos_label_": (
        "one of two labels, None for more",
        lambda v, _: isinstance(v, (*LABELS, NoneType)),
    ),
    "n_features_in_": ("a whole number >= 1", lambda v, _: _is_integer(v, 1)),
    "loss_": ("a loss for so many classes", _fits),
    "feature_names_in_": ("the names of the columns", _are_names),
    "threshold_": ("a number in [0, 1]", lambda v, _: _is_number(v) and 0 <= v <= 1),
    "class_weights_": (
        "a finite number > 0 for each class",
        lambda v, s: _is_finite(v, s.classes) and bool((v > 0).all()),
    ),
    "guarantee_": ("None, or what the threshold promises", lambda v, _: _is_guarantee(v)),
    "calibrator_": ("None, or a curve for each raw score", _is_calibrator),
    "_held_out": (
        "probabilities, classes and weights of held-out rows",
        lambda v, s: are_scores(v, s.classes),
    ),
    "_adapted_to": ("a share above 0 of each class", lambda v, s: is_share(v, s.classes)),
    "feature_importances_": ("a number for each column", lambda v, s: _is_finite(v, s.features)),
    "readings_": ("how texts of files are read, by column", _are_readings),
}
BOOSTING: Final[dict[str, Rule]] = {
    **SHARED,
    "_encoder": ("name and categories of each column", _are_columns),
    "validation_": ("a sentence", lambda v, _: isinstance(v, str)),
    "best_iteration_": ("a whole number >= 1", lambda v, _: _is_integer(v, 1)),
    "best_iterations_": ("whole numbers >= 1 by name", lambda v, _: _are_rounds(v)),
    "best_score_": ("a number", lambda v, _: _is_number(v)),
    "blend_": ("a number in (0, 1] by name", lambda v, _: _is_blend(v)),
    "evals_result_": ("lists of numbers by name", lambda v, _: _is_history(v)),
    "_pairs": ("pairs of two columns", lambda v, s: are_pairs(v, s.features)),
}
XGBOOST: Final[dict[str, Rule]] = {
    **BOOSTING,
    "_zero_is_missing": ("true or false", lambda v, _: isinstance(v, bool)),
}
BAGGING: Final[dict[str, Rule]] = {
    **SHARED,
    "estimators_samples_": (
        "a list of row numbers",
        lambda v, _: isinstance(v, list) and all(is_array(rows, "i", np.size(rows)) for rows in v),
    ),
    "oob_score_": ("a number", lambda v, _: _is_number(v)),
    "_seed": ("a whole number >= 0", lambda v, _: _is_integer(v, 0)),
    "_digest": ("a whole number >= 0", lambda v, _: _is_integer(v, 0)),
    "_share": ("a number for each class", lambda v, s: _is_finite(v, s.classes)),
    "_shares": (
        "a list of numbers for each class",
        lambda v, s: isinstance(v, list) and all(_is_finite(share, s.classes) for share in v),
    ),
    "_correction": ("slope and intercept", _is_line),
    "_limits": (
        "a list of numbers",
        lambda v, _: isinstance(v, list) and all(map(_is_number, v)),
    ),
    "_oob": ("sums and counts of the judged rows", _are_sums),
    "_judged_by": ("a sentence", lambda v, _: isinstance(v, str)),
}
BLEND: Final[dict[str, Rule]] = {
    **SHARED,
    "_encoder": ("name and categories of each column", _are_columns),
    "_correction": ("slope and intercept", _is_line),
    "_seed": ("a whole number >= 0", lambda v, _: _is_integer(v, 0)),
    "_effects": ("a list of an ingredient and three numbers", _are_effects),
    "weights_": (
        "finite numbers > 0",
        lambda v, _: _is_finite(v, np.size(v)) and bool((v > 0).all()),
    ),
    "best_score_": ("a number", lambda v, _: _is_number(v)),
    "validation_": ("a sentence", lambda v, _: isinstance(v, str)),
    "leaderboard_": ("columns of equal length by name", _is_table),
}

# What bags have in common, which a file holds once.
SHARED_BY_BAGS: Final = (
    *("classes_", "pos_label_", "n_features_in_", "feature_names_in_"),
    *("_encoder", "_zero_is_missing"),
)
OPTIONAL: Final = {
    *("feature_names_in_", "calibrator_", "guarantee_", "blend_", "best_iterations_", "readings_"),
    *("_held_out", "_adapted_to", "_pairs", "_judged_by"),
}


def size_of(values: Mapping[str, Any], kind: str) -> Size:
    """Return the numbers of classes and columns."""
    classes, features = values.get("classes_"), values.get("n_features_in_")
    if not isinstance(classes, np.ndarray) or classes.ndim != 1 or not _is_integer(features, 1):
        msg = f"{kind} must have classes_, an array, and n_features_in_, a whole number >= 1."
        raise InvalidDataError(msg)
    assert features is not None
    return Size(classes.size, int(features))


def check_attributes(values: Mapping[str, Any], rules: Mapping[str, Rule], kind: str) -> Size:
    """Raise unless ``values`` are the attributes of a fitted estimator of the class ``kind``."""
    size = size_of(values, kind)
    other = "class_weights_" if size.classes == 2 else "threshold_"
    wanted = rules.keys() - {other}
    missing = wanted - OPTIONAL - values.keys()
    extra = values.keys() - wanted - OPTIONAL
    if missing or extra:
        msg = (
            f"{kind} must have the attributes of its {size.classes} classes, got "
            f"{shown(sorted(missing)) if missing else 'none'} missing and "
            f"{shown(sorted(extra)) if extra else 'none'} unknown."
        )
        raise InvalidDataError(msg)
    for name, value in values.items():
        rule, holds = rules[name]
        if not holds(value, size):
            msg = f"{name} of {kind} must be {rule}, got {shown(value)}."
            raise InvalidDataError(msg)
    positive = values["pos_label_"]
    labels = values["classes_"].tolist()
    if (positive not in labels) if size.classes == 2 else (positive is not None):
        msg = (
            f"pos_label_ of {kind} must be one of two labels, None for more, got {shown(positive)}."
        )
        raise InvalidDataError(msg)
    return size
