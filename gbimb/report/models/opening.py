"""From what a caller has (a file, a frame, X and y) to pieces of rows and who judges them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from gbimb.estimators.decision import DecidingClassifier
from gbimb.exceptions import (
    InvalidDataError,
    InvalidParameterError,
    InvalidTypeError,
    unknown_name,
)
from gbimb.report._rows import EvaluationRequest, label_codes
from gbimb.report.models.judged import JudgedClassifier, as_frame, check_model, has_columns
from gbimb.tables.files.chunks import chunks
from gbimb.tables.files.match import as_text
from gbimb.tables.files.options import AS_FOUND, ReadOptions
from gbimb.tables.files.read import read_file, require_columns

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Opened(NamedTuple):
    """A model, the rows that it is to see, and what was asked for.

    Attributes
    ----------
    model : JudgedClassifier
    pieces : iterator of DataFrame
    request : EvaluationRequest
    """

    model: JudgedClassifier
    pieces: Iterator[pd.DataFrame]
    request: EvaluationRequest


def open_rows(model: Any, data: Any, target: Any, request: EvaluationRequest) -> Opened:
    """Return the rows for ``model``; of gbimb's, files are read piece by piece.

    Raises
    ------
    GbimbError
        If the model is not a fitted classifier, or the rows do not fit to it.
    """
    check_model(model)
    if not isinstance(target, str) and not _is_label_of(data, target):
        return _from_arrays(model, data, target, request)
    if isinstance(model, DecidingClassifier):
        judged = JudgedClassifier.of(model)
        known = judged.options(target, request.known)
        text = [*text_to_read(judged, request), *request.identifier]
        pieces = (
            iter([data])
            if isinstance(data, pd.DataFrame)
            else chunks(Path(data), "data", text, known=request.known)
        )
        return Opened(judged, pieces, replace(request, known=known))
    frame = data if isinstance(data, pd.DataFrame) else read_file(Path(data), "data", request.known)
    require_columns(frame.columns, request.file, request.columns())
    named = {name for names in request.columns().values() for name in names}
    known_to = [str(name) for name in getattr(model, "feature_names_in_", [])]
    require_columns(frame.columns, request.file, {"data": known_to})
    X = frame[known_to] if known_to else frame.drop(columns=list(named))
    return _judged_on(model, X, frame, request)


def _from_arrays(model: Any, X: Any, y: Any, request: EvaluationRequest) -> Opened:
    frame = as_frame(X, [str(name) for name in getattr(model, "feature_names_in_", [])])
    labels = np.asarray(y)
    if labels.ndim != 1 or labels.size != len(frame):
        msg = (
            f"y must have one label for each row of X, got shape {labels.shape} for {len(frame):,} "
            "rows."
        )
        raise InvalidDataError(msg)
    name = getattr(y, "name", None)
    free = (f"label_{i}" if i else "label" for i in range(len(frame.columns) + 1))
    name = (
        name
        if isinstance(name, str) and name not in frame
        else next(label for label in free if label not in frame)
    )
    request = replace(request, target=name)
    if isinstance(model, DecidingClassifier) and isinstance(X, pd.DataFrame) and has_columns(model):
        return Opened(JudgedClassifier.of(model), iter([frame.assign(**{name: labels})]), request)
    return _judged_on(model, X, frame.assign(**{name: labels}), request)


def _judged_on(model: Any, X: Any, frame: pd.DataFrame, request: EvaluationRequest) -> Opened:
    names = [as_text(label) for label in np.asarray(model.classes_).tolist()]
    codes = label_codes(request.known.clean_labels(frame[request.target]), names)
    return Opened(JudgedClassifier.on(model, X, codes), iter([frame]), request)


def request_of(
    data: Any, target: Any, known: ReadOptions = AS_FOUND, **columns: Any
) -> EvaluationRequest:
    """Return which columns to read; raise if one is given as values instead of its name."""
    for name, given in columns.items():
        if name in ("weight", "group", "time") and not pd.api.types.is_hashable(given):
            msg = (
                f"{name} must be the name of the column with the {name} in data, got a "
                f"{type(given).__name__}. Put it into data, with data.assign({name}={name}), and "
                f"give {name!r}."
            )
            raise InvalidTypeError(msg)
    file = Path(data).name if isinstance(data, str | Path) else "the data frame"
    if isinstance(data, str | Path) and not isinstance(target, str):
        msg = f"target must be the name of the column with the label in {file!r}, got {target!r}."
        raise InvalidParameterError(msg)
    return EvaluationRequest(
        file, target if isinstance(target, str) else "", known=known, **columns
    )


def text_to_read(model: JudgedClassifier, request: EvaluationRequest) -> list[str]:
    """Return the columns to read as text: those of training, such labels, names of rows."""
    labels = [request.target] if isinstance(model.labels[0], str) else []
    groups = [] if request.group is None else [request.group]
    return [*model.text(), *labels, *groups]


def _is_label_of(data: Any, target: Any) -> bool:
    """Whether ``target`` names a column of a frame, which may be a number."""
    return (
        isinstance(data, pd.DataFrame)
        and pd.api.types.is_hashable(target)
        and target in data.columns
    )


def baseline_of(others: Mapping[str, Any], own: str, baseline: str | None) -> str:
    """Return the name of the baseline: the one given, or the last of the others."""
    if own in others:
        msg = f"against must not have the name {own!r}, which is that of the model."
        raise InvalidParameterError(msg)
    names = [own, *others]
    if baseline is not None and baseline not in names:
        raise unknown_name("baseline", baseline, names)
    return baseline or names[-1]
