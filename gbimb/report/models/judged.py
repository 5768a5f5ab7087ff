"""A fitted classifier, of gbimb or not, as a report sees it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from numbers import Real
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from gbimb.estimators.decision import DecidingClassifier
from gbimb.estimators.inspection import RowPredictions, describe_model, predict_rows
from gbimb.exceptions import InvalidDataError, InvalidTypeError, warn
from gbimb.tables.encoder import encoder_of
from gbimb.tables.files.match import as_text, label_options, match_columns, text_columns

if TYPE_CHECKING:
    from gbimb.array_types import BoolArray, FloatArray, IntArray
    from gbimb.tables.files.options import ReadOptions

USUAL: Final = 0.5


@dataclass(frozen=True, eq=False)
class JudgedClassifier:
    """A classifier and what is known of how it decides.

    Attributes
    ----------
    model : fitted classifier
    own : bool
        Whether it is one of gbimb's.
    given : any table, optional
        Rows that were given as ``X``, which go to the model as they are; else columns of a frame
        or a file are matched by name.
    done : RowPredictions, optional
        What it predicts for them.
    positive : label or None
        Of two classes.
    threshold : float or None
        On the probability of that label, of two classes.
    """

    model: Any
    own: bool = True
    given: Any = None
    done: RowPredictions | None = None
    positive: object = None
    threshold: float | None = None

    @classmethod
    def of(cls, model: Any) -> JudgedClassifier:
        """Return a classifier of gbimb that is to see columns of a frame or a file."""
        return cls(model, positive=getattr(model, "pos_label_", None))

    @classmethod
    def on(cls, model: Any, X: Any, codes: IntArray) -> JudgedClassifier:
        """Return a classifier with its predictions for ``X``, of which ``codes`` are the labels.

        Of a classifier that is not gbimb's the rarer label is positive, and the threshold is the
        one that its own ``predict`` uses.
        """
        if isinstance(model, DecidingClassifier):
            found = cls(model, given=X, positive=model.pos_label_)
            return replace(found, done=predict_rows(model, X))
        classes = list(np.asarray(model.classes_).tolist())
        proba = np.asarray(model.predict_proba(X), np.float64)
        _check_proba(model, proba, len(codes), len(classes))
        predicted = np.searchsorted(model.classes_, np.asarray(model.predict(X)).ravel())
        found = cls(model, own=False, given=X)
        if len(classes) > 2:
            return replace(found, done=RowPredictions(proba, proba, predicted.astype(np.intp)))
        positive = getattr(_last_step(model), "pos_label_", None)
        at = _rarer(codes) if positive not in classes else classes.index(positive)
        threshold = _threshold(model, proba[:, at], predicted == at)
        decided = np.where(proba[:, at] >= threshold, at, 1 - at).astype(np.intp)
        return replace(
            found,
            done=RowPredictions(proba, proba, decided),
            positive=classes[at],
            threshold=threshold,
        )

    @property
    def labels(self) -> list[Any]:
        """The labels, in the order of the columns of probabilities."""
        return list(np.asarray(self.model.classes_).tolist())

    @property
    def names(self) -> list[str]:
        """The labels as text."""
        return [as_text(label) for label in self.labels]

    @property
    def positive_code(self) -> int | None:
        """The position of the positive label of two."""
        return self.labels.index(self.positive) if len(self.labels) == 2 else None

    @property
    def important(self) -> list[str]:
        """The columns with some importance, the most important first, as far as it is known."""
        gains = _gains(self.model, self.columns)
        if gains is None:
            return []
        order = np.argsort(-gains, kind="stable")
        return [self.columns[i] for i in order if gains[i] > 0]

    @property
    def columns(self) -> list[str]:
        """The names of the columns, as far as they are known."""
        return [str(name) for name in getattr(self.model, "feature_names_in_", [])]

    def text(self) -> list[str]:
        """Return the columns of a file to read as text."""
        return text_columns(self.model) if self.given is None else []

    def options(self, target: str, known: ReadOptions) -> ReadOptions:
        """Return how labels are read."""
        return label_options(self.model, target, known) if self.own else known

    def rows(self, frame: pd.DataFrame, file: str, known: ReadOptions) -> pd.DataFrame:
        """Return the columns that it is trained on, as a frame to look at."""
        if self.given is None:
            return match_columns(self.model, frame, file, known)
        return as_frame(self.given, self.columns)

    def predict(self, X: pd.DataFrame) -> RowPredictions:
        """Return its predictions for what ``rows`` returned."""
        return predict_rows(self.model, X) if self.done is None else self.done

    def proba(self, X: pd.DataFrame) -> FloatArray:
        """Return probabilities for rows in the form of ``given``."""
        plain = self.given is not None and not isinstance(self.given, pd.DataFrame)
        proba: FloatArray = self.model.predict_proba(X.to_numpy() if plain else X)
        return proba

    def describe(self) -> dict[str, Any]:
        """Return what it is and how it decides; see ``describe_model``."""
        if self.own:
            return describe_model(self.model)
        columns = self.columns or [str(c) for c in as_frame(self.given, []).columns]
        plain = dict.fromkeys(
            ("guarantee", "history", "best_iteration", "best_score", "oob_score", "loss"), None
        )
        return {
            "class": _class_in_words(self.model),
            "classes": self.labels,
            "positive": self.positive,
            "threshold": self.threshold,
            "class_weights": [1.0] * len(self.labels),
            "parameters": {"metric": None},
            "changed": _changed(self.model),
            "columns": [
                {"name": c, "kind": "", "categories": 0, "importance": None} for c in columns
            ],
            "best_iterations": {},
            "validation": None,
            "choice": None,
            **plain,
        }


def check_model(model: Any) -> None:
    """Raise unless ``model`` is a fitted classifier with probabilities."""
    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import check_is_fitted

    name = type(model).__name__
    if isinstance(model, type) or not hasattr(model, "predict"):
        msg = f"model must be a fitted classifier, got {model!r}."
        raise InvalidTypeError(msg)
    try:
        check_is_fitted(model)
        classes = getattr(model, "classes_", None)
    except (NotFittedError, AttributeError, TypeError):
        classes = None
    if classes is None:
        msg = f"model must be a fitted classifier with classes_, got {name}. Call its fit first."
        raise InvalidTypeError(msg)
    if not hasattr(model, "predict_proba"):
        msg = (
            f"model must have predict_proba, got {name}, which has none. Wrap it in "
            "sklearn.calibration.CalibratedClassifierCV."
        )
        raise InvalidTypeError(msg)


def has_columns(model: Any) -> bool:
    """Whether a model of gbimb knows the columns of a frame by name."""
    encoder = encoder_of(model)
    return encoder is not None and bool(encoder.columns)


def as_frame(X: Any, names: list[str]) -> pd.DataFrame:
    """Return a table as a frame to look at; without columns where it cannot be one."""
    if isinstance(X, pd.DataFrame):
        return X.set_axis([str(name) for name in X.columns], axis=1).reset_index(drop=True)
    if hasattr(X, "to_pandas"):
        return as_frame(X.to_pandas(), names)
    array: Any = np.zeros(()) if hasattr(X, "tocsr") else np.asarray(X)
    if array.ndim != 2:
        return pd.DataFrame(index=pd.RangeIndex(_length(X)))
    columns = names if len(names) == array.shape[1] else [f"x{i}" for i in range(array.shape[1])]
    return pd.DataFrame(array, columns=columns)


def _length(X: Any) -> int:
    return int(X.shape[0]) if hasattr(X, "shape") else len(X)


def _rarer(codes: IntArray) -> int:
    """Return the rarer of two labels; of equal ones the second."""
    first, second = np.bincount(codes, minlength=2)
    return 0 if first < second else 1


def _check_proba(model: Any, proba: FloatArray, rows: int, classes: int) -> None:
    if proba.shape != (rows, classes) or not np.isfinite(proba).all():
        msg = (
            f"predict_proba of {type(model).__name__} must give finite numbers of shape "
            f"({rows}, {classes}), got shape {proba.shape}."
        )
        raise InvalidDataError(msg)


def _threshold(model: Any, proba: FloatArray, flagged: BoolArray) -> float:
    """Return the threshold that gives the predictions, of those that the model may have or any."""
    last = _last_step(model)
    known = [getattr(last, "threshold_", None), getattr(last, "best_threshold_", None)]
    known += [getattr(last, "threshold", None), USUAL, float(np.nextafter(USUAL, 1.0))]
    for threshold in known:
        if isinstance(threshold, Real) and np.array_equal(proba >= float(threshold), flagged):
            return float(threshold)
    low, high = proba[flagged].min(initial=np.inf), proba[~flagged].max(initial=-np.inf)
    if high < low:
        return min(float(low), 1.0)
    msg = (
        f"predict and predict_proba differ for {int(((proba >= USUAL) != flagged).sum()):,} rows "
        "at 0.5, and no threshold gives what is predicted. The report is of predict_proba and 0.5."
    )
    warn(msg)
    return USUAL


def _last_step(model: Any) -> Any:
    steps = getattr(model, "steps", None)
    return steps[-1][1] if steps else model


def _class_in_words(model: Any) -> str:
    name = type(model).__name__
    steps = getattr(model, "steps", None)
    if not steps:
        return name
    return f"{name} of {', '.join(type(step).__name__ for _, step in steps)}"


def _changed(model: Any) -> dict[str, Any]:
    """Return the parameters without their defaults, as far as that can be told."""
    try:
        given, usual = (m.get_params(deep=False) for m in (model, type(model)()))
    except (AttributeError, TypeError, ValueError):
        return {}
    return {k: v for k, v in given.items() if repr(v) != repr(usual.get(k))}


def _gains(model: Any, columns: list[str]) -> FloatArray | None:
    gains = getattr(model, "feature_importances_", None)
    if gains is None or len(gains) != len(columns):
        return None
    return np.asarray(gains, np.float64)
