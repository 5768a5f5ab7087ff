"""Predict the rows of a table piece by piece; of each piece only a little is kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from pandas.api import types as pdt

from gbimb.exceptions import InvalidDataError, unknown_name
from gbimb.tables.files.columns import Times, plain_labels, read_weights
from gbimb.tables.files.match import as_text, require_labels
from gbimb.tables.files.options import AS_FOUND, ReadOptions
from gbimb.tables.files.read import require_columns
from gbimb.tables.keys import codes_of, group_keys

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from gbimb.array_types import FloatArray, IntArray
    from gbimb.report.models.judged import JudgedClassifier

MISTAKES_SHOWN: Final = 10
FEATURES_SHOWN: Final = 5
SAMPLED_PER_CLASS: Final = 20_000


@dataclass(frozen=True)
class EvaluationRequest:
    """Which columns of the data to read.

    Attributes
    ----------
    file : str
        Its name, for errors.
    target : str
    weight : str or None
    identifier : list of str
        Columns that identify the rows.
    group : str or None
        Equal for rows that belong together.
    time : str or None
    known : ReadOptions
        How the rows are read.
    costs : list of str
        Columns with what a row costs.
    """

    file: str
    target: str
    weight: str | None = None
    identifier: Sequence[str] = ()
    group: str | None = None
    time: str | None = None
    known: ReadOptions = AS_FOUND
    costs: Sequence[str] = ()

    def columns(self) -> dict[str, Sequence[str]]:
        """Return the columns of the file that each argument names."""
        return {
            "target": [self.target],
            "identifier": self.identifier,
            "costs": self.costs,
            **{
                option: [name]
                for option in ("weight", "group", "time")
                if (name := getattr(self, option)) is not None
            },
        }


@dataclass
class EvaluatedRows:
    """Label, prediction and weight of all rows; all columns of a few.

    Attributes
    ----------
    names : list of str
        The classes, in the order of ``proba``'s columns.
    codes, predicted : intp array of shape (n,)
        The true and the predicted class.
    proba, uncorrected : float64 array of shape (n, K)
    weight : float64 array of shape (n,) or None
    prints : uint64 array of shape (n,)
        A hash of the columns that the model was trained on, and of the label.
    mistakes : dict of DataFrame
        The worst mistakes of each kind.
    sample, sample_codes : DataFrame and intp array
        Columns and labels of random rows, up to the same number from each class.
    group_keys : uint64 array of shape (n,) or None
        Equal for rows of a group, 0 where it is missing.
    times : Times or None
    costs : dict of float64 arrays of shape (n,)
        The columns with costs.
    """

    names: list[str]
    codes: IntArray
    predicted: IntArray
    proba: FloatArray
    uncorrected: FloatArray
    weight: FloatArray | None
    prints: NDArray[np.uint64]
    mistakes: dict[str, pd.DataFrame] = field(default_factory=dict)
    sample: pd.DataFrame = field(default_factory=pd.DataFrame)
    sample_codes: IntArray = field(default_factory=lambda: np.zeros(0, np.intp))
    group_keys: NDArray[np.uint64] | None = None
    times: Times | None = None
    costs: dict[str, FloatArray] = field(default_factory=dict)

    @cached_property
    def groups(self) -> IntArray | None:
        """The group of each row, from 0 on, a missing one its own."""
        return None if self.group_keys is None else codes_of(self.group_keys)


def score_rows(
    model: JudgedClassifier, pieces: Iterator[pd.DataFrame], request: EvaluationRequest
) -> EvaluatedRows:
    """Return what ``model`` predicts for the rows of a table.

    Raises
    ------
    GbimbError
        If a column is missing or cannot be read, or a label is missing or unknown to the model.
    """
    names = model.names
    worst = WorstMistakes(model, request)
    sample = ClassSample(len(names))
    needed = request.columns()
    costs: dict[str, list[FloatArray]] = {name: [] for name in request.costs}
    parts: dict[str, list[NDArray[Any]]] = {}
    times: list[pd.Series[Any]] = []
    for frame in pieces:
        require_columns(frame.columns, request.file, needed)
        X = model.rows(frame, request.file, request.known)
        codes = label_codes(request.known.clean_labels(frame[request.target]), names)
        proba, uncorrected, predicted = model.predict(X)
        part = {"codes": codes, "predicted": predicted, "proba": proba, "uncorrected": uncorrected}
        part["prints"] = fingerprints(X, codes)
        if request.weight is not None:
            part["weight"] = read_weights(frame[request.weight])
        if request.group is not None:
            part["group_keys"] = group_keys(frame[request.group])
        if request.time is not None:
            times.append(frame[request.time])
        for name, amounts in costs.items():
            amounts.append(read_weights(frame[name], "cost"))
        for name, values in part.items():
            parts.setdefault(name, []).append(values)
        worst.add(frame, codes, predicted, proba)
        sample.add(X, codes)
    whole: dict[str, Any] = {name: np.concatenate(values) for name, values in parts.items()}
    if request.weight is not None and not whole["weight"].any():
        msg = f"Column {request.weight!r} must hold a weight above 0, got none."
        raise InvalidDataError(msg)
    whole.setdefault("weight", None)
    whole["costs"] = {name: np.concatenate(amounts) for name, amounts in costs.items()}
    return EvaluatedRows(
        names,
        **whole,
        mistakes=worst.tables(),
        sample=sample.rows,
        sample_codes=sample.codes,
        times=Times.read(pd.concat(times, ignore_index=True), request.known) if times else None,
    )


def fingerprints(X: pd.DataFrame, codes: IntArray) -> NDArray[np.uint64]:
    """Return a hash of each row that does not depend on how numbers and texts are stored."""
    columns: dict[str, Any] = {str(name): _canonical(X[name]) for name in X.columns}
    columns["\0label"] = codes  # no column of a file has this name
    hashed = pd.util.hash_pandas_object(pd.DataFrame(columns), index=False)
    return np.asarray(hashed, np.uint64)


def _canonical(values: pd.Series[Any]) -> pd.Series[Any]:
    if pdt.is_numeric_dtype(values.dtype) or pdt.is_bool_dtype(values.dtype):
        return values.astype(np.float64)
    return values.astype(object).map(str)


def label_codes(values: pd.Series[Any], names: list[str]) -> IntArray:
    """Return the position of each label in ``names``.

    Raises
    ------
    GbimbError
        If a label is missing, or not in ``names``.
    """
    column = str(values.name)
    require_labels(values, column)
    at, labels = pd.factorize(plain_labels(values))
    text = [as_text(label) for label in labels.tolist()]
    for label in text:
        if label not in names:
            what = f"A label in column {column!r}"
            raise unknown_name(what, label, names)
    return np.array([names.index(label) for label in text], np.intp)[at]


class WorstMistakes:
    """The most certain wrong predictions, with some columns of their rows."""

    def __init__(self, model: JudgedClassifier, request: EvaluationRequest) -> None:
        self._shown = model.important[:FEATURES_SHOWN]
        self._identifier = request.identifier
        self._names = np.array(model.names, object)
        self._positive = model.positive_code
        self._kept: dict[str, list[pd.DataFrame]] = {}
        self._rows_before = 0

    def add(
        self, frame: pd.DataFrame, codes: IntArray, predicted: IntArray, proba: FloatArray
    ) -> None:
        """Look at the rows of a piece."""
        labels = self._names[predicted]
        if self._positive is not None:
            sure = proba[:, self._positive]
            is_positive = codes == self._positive
            shown = {"probability": sure, "predicted": labels}
            self._add("negatives", frame, np.where(is_positive, -1.0, sure), shown)
            self._add("positives", frame, np.where(is_positive, 1.0 - sure, -1.0), shown)
        else:
            sure = proba[np.arange(len(codes)), predicted]
            shown = {"true": self._names[codes], "probability": sure, "predicted": labels}
            self._add("wrong", frame, np.where(predicted != codes, sure, -1.0), shown)
        self._rows_before += len(frame)

    def _add(
        self, kind: str, frame: pd.DataFrame, badness: FloatArray, shown: dict[str, Any]
    ) -> None:
        """Keep the rows with the largest badness; below zero it is no mistake."""
        at = np.argsort(-badness, kind="stable")[:MISTAKES_SHOWN]
        at = at[badness[at] >= 0]
        # A list of columns, as a name of the file may be one of these.
        columns: list[tuple[str, Any]] = [
            ("row", self._rows_before + at + 1),
            *((name, frame[name].iloc[at].to_numpy(object)) for name in self._identifier),
            *((name, values[at]) for name, values in shown.items()),
            *(
                (name, frame[name].iloc[at].to_numpy(object))
                for name in self._shown
                if name in frame.columns
            ),
        ]
        table = pd.concat([pd.Series(v, dtype=object, name=n) for n, v in columns], axis=1)
        table.index = pd.Index(badness[at])
        self._kept.setdefault(kind, []).append(table)

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return the mistakes of each kind, the worst first."""
        whole = {kind: pd.concat(parts) for kind, parts in self._kept.items()}
        return {
            kind: table.iloc[np.argsort(-table.index.to_numpy(), kind="stable")[:MISTAKES_SHOWN]]
            for kind, table in whole.items()
        }


class ClassSample:
    """A uniform sample of each class from pieces of a table.

    Every row gets a random key, and of each class those with the smallest keys stay: each row has
    the same chance wherever it stands, without knowing the number of rows before.
    """

    def __init__(self, n_classes: int, size: int = SAMPLED_PER_CLASS) -> None:
        self._rng = np.random.default_rng(0)
        self._size, self._n_classes = size, n_classes
        self.rows = pd.DataFrame()
        self.codes = np.zeros(0, np.intp)
        self._keys = np.zeros(0)

    def add(self, X: pd.DataFrame, codes: IntArray) -> None:
        """Offer the rows of a piece."""
        rows = pd.concat([self.rows, X], ignore_index=True) if len(self.codes) else X
        codes = np.concatenate([self.codes, codes])
        keys = np.concatenate([self._keys, self._rng.random(len(X))])
        kept = []
        for code in range(self._n_classes):
            own = np.flatnonzero(codes == code)
            kept.append(own[np.argsort(keys[own], kind="stable")[: self._size]])
        at = np.sort(np.concatenate(kept))
        self.rows = rows.iloc[at].reset_index(drop=True)
        self.codes, self._keys = codes[at], keys[at]
