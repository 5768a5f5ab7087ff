"""Judge a model on rows that come piece by piece: what is kept of each piece is small."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from pandas.api import types as pdt
from scipy.special import expit, softmax

from gbimb.exceptions import InvalidDataError, unknown_name
from gbimb.tables.files.columns import plain_labels, read_weights
from gbimb.tables.files.match import as_text, match_columns
from gbimb.tables.files.read import require_columns

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from gbimb.array_types import FloatArray, IntArray

SHOWN_MISTAKES: Final = 10
SHOWN_FEATURES: Final = 5
SAMPLED_PER_CLASS: Final = 20_000
OPTIONS: Final = {
    "data": "DATA",
    "target": "--target",
    "weight": "--weight",
    "identifier": "--id",
    "train": "--train",
    "costs": "--cost",
}
"""What the command line calls the arguments."""


@dataclass(frozen=True)
class Asked:
    """What to read of each piece.

    Attributes
    ----------
    file : str
        Its name, for errors.
    target : str
    weight : str or None
    identifier : list of str
        Columns that name the rows.
    typed : bool
        Whether it was asked for on the command line.
    """

    file: str
    target: str
    weight: str | None = None
    identifier: Sequence[str] = ()
    typed: bool = False

    def name(self, argument: str) -> str:
        """Return what an argument is called where it was given."""
        return OPTIONS[argument] if self.typed else argument


@dataclass
class Rows:
    """All rows: label, probabilities and weight; a few of them whole.

    Attributes
    ----------
    names : list of str
        The classes, in the order of ``proba``'s columns.
    codes : intp array of shape (n,)
    proba, before : float64 array of shape (n, K)
        With and without what is done to make the probabilities true.
    weight : float64 array of shape (n,) or None
    prints : uint64 array of shape (n,)
        A hash of the columns that the model learnt from, and of the label.
    mistakes : dict of DataFrame
        The worst rows, of each kind.
    sample, sampled : DataFrame and intp array
        Columns and labels of rows drawn at random, as many of each class.
    """

    names: list[str]
    codes: IntArray
    proba: FloatArray
    before: FloatArray
    weight: FloatArray | None
    prints: NDArray[np.uint64]
    mistakes: dict[str, pd.DataFrame] = field(default_factory=dict)
    sample: pd.DataFrame = field(default_factory=pd.DataFrame)
    sampled: IntArray = field(default_factory=lambda: np.zeros(0, np.intp))


def judge(model: Any, pieces: Iterator[pd.DataFrame], asked: Asked) -> Rows:  # noqa: ANN401
    """Return what ``model`` says about the rows of a table.

    Raises
    ------
    GbimbError
        If a column is missing or cannot be read, or a label is missing or unknown to the model.
    """
    names = class_names(model)
    worst = Worst(model, asked)
    sample = Sample(len(names))
    parts: dict[str, list[NDArray[Any]]] = {}
    for frame in pieces:
        weights = [] if asked.weight is None else [asked.weight]
        columns = {"target": [asked.target], "weight": weights, "identifier": asked.identifier}
        named = {asked.name(argument): names for argument, names in columns.items()}
        require_columns(frame.columns, asked.file, named)
        X = match_columns(model, frame, asked.file)
        codes = label_codes(frame[asked.target], names)
        raw = model.raw_score(X)
        proba = model._columns(model._calibrated(raw))  # noqa: SLF001
        before = softmax(raw, axis=1) if raw.ndim == 2 else model._columns(expit(raw))  # noqa: SLF001
        found = {"codes": codes, "proba": proba, "before": before}
        found["prints"] = fingerprints(X, codes)
        if asked.weight is not None:
            found["weight"] = read_weights(frame[asked.weight])
        for name, values in found.items():
            parts.setdefault(name, []).append(values)
        worst.add(frame, codes, proba)
        sample.add(X, codes)
    whole: dict[str, Any] = {name: np.concatenate(values) for name, values in parts.items()}
    if asked.weight is not None and not whole["weight"].any():
        msg = f"Column {asked.weight!r} must hold a weight above 0, got none."
        raise InvalidDataError(msg)
    whole.setdefault("weight", None)
    return Rows(
        names=names, **whole, mistakes=worst.found(), sample=sample.rows, sampled=sample.codes
    )


def class_names(model: Any) -> list[str]:  # noqa: ANN401
    """Return the labels as text, in the order of ``classes_``."""
    return [as_text(label) for label in model.classes_.tolist()]


def fingerprints(X: pd.DataFrame, codes: IntArray) -> NDArray[np.uint64]:
    """Return a hash of each row that does not depend on how numbers and texts are stored."""
    columns: dict[str, Any] = {str(name): _alike(X[name]) for name in X.columns}
    columns["\0label"] = codes
    hashed = pd.util.hash_pandas_object(pd.DataFrame(columns), index=False)
    return np.asarray(hashed, np.uint64)


def _alike(values: pd.Series[Any]) -> pd.Series[Any]:
    if pdt.is_numeric_dtype(values.dtype) or pdt.is_bool_dtype(values.dtype):
        return values.astype(np.float64)
    return values.astype(object).map(str)


def label_codes(values: pd.Series[Any], names: list[str]) -> IntArray:
    """Return the position of each label in ``names``.

    Raises
    ------
    GbimbError
        If a label is missing, or not among them.
    """
    column = str(values.name)
    if values.isna().any():
        msg = (
            f"Column {column!r} must have a label in every row, got {int(values.isna().sum()):,} "
            "rows without. Fill or remove them."
        )
        raise InvalidDataError(msg)
    at, found = pd.factorize(plain_labels(values))
    text = [as_text(label) for label in found.tolist()]
    for label in text:
        if label not in names:
            what = f"A label in column {column!r}"
            raise unknown_name(what, label, names)
    codes: IntArray = np.array([names.index(label) for label in text], np.intp)[at]
    return codes


class Worst:
    """The rows with the gravest mistakes, as the file has them."""

    def __init__(self, model: Any, asked: Asked) -> None:  # noqa: ANN401
        self._model, self._asked = model, asked
        gains = np.asarray(getattr(model, "feature_importances_", []), np.float64)
        names = [str(name) for name in getattr(model, "feature_names_in_", [])]
        order = np.argsort(-gains, kind="stable")[:SHOWN_FEATURES]
        self._shown = [names[i] for i in order if gains[i] > 0]
        self._names = np.array(class_names(model), object)
        self._kept: dict[str, list[pd.DataFrame]] = {}
        self._seen = 0

    def add(self, frame: pd.DataFrame, codes: IntArray, proba: FloatArray) -> None:
        """Look at some rows."""
        decided = self._model._codes(proba)  # noqa: SLF001
        if proba.shape[1] == 2:
            at = int(np.flatnonzero(self._model.classes_ == self._model.pos_label_)[0])
            positive = codes == at
            sure = proba[:, at]
            said = {"probability": sure, "called": self._names[decided]}
            self._keep("negatives", frame, _largest(np.where(positive, -1.0, sure)), said)
            self._keep("positives", frame, _largest(np.where(positive, 1.0 - sure, -1.0)), said)
        else:
            sure = proba[np.arange(len(codes)), decided]
            said = {"true": self._names[codes], "probability": sure, "called": self._names[decided]}
            self._keep("wrong", frame, _largest(np.where(decided != codes, sure, -1.0)), said)
        self._seen += len(frame)

    def _keep(
        self, kind: str, frame: pd.DataFrame, badness: pd.Series[float], said: dict[str, Any]
    ) -> None:
        at = badness.index.to_numpy()
        # A list of columns, as a name of the file may be one of these.
        columns: list[tuple[str, Any]] = [
            ("row", self._seen + at + 1),
            *((name, frame[name].iloc[at].to_numpy(object)) for name in self._asked.identifier),
            *((name, values[at]) for name, values in said.items()),
            *((name, frame[name].iloc[at].to_numpy(object)) for name in self._shown),
        ]
        table = pd.concat([pd.Series(v, dtype=object, name=n) for n, v in columns], axis=1)
        table.index = pd.Index(badness.to_numpy())
        self._kept.setdefault(kind, []).append(table)

    def found(self) -> dict[str, pd.DataFrame]:
        """Return the worst rows of each kind, the gravest first."""
        tables = {kind: pd.concat(parts) for kind, parts in self._kept.items()}
        return {
            kind: table.iloc[np.argsort(-table.index.to_numpy(), kind="stable")[:SHOWN_MISTAKES]]
            for kind, table in tables.items()
        }


def _largest(badness: FloatArray) -> pd.Series[float]:
    """Return the largest values with their places; what is negative is no mistake."""
    at = np.argsort(-badness, kind="stable")[:SHOWN_MISTAKES]
    kept = at[badness[at] >= 0]
    return pd.Series(badness[kept], index=kept)


class Sample:
    """Up to so many rows of each class, drawn with the same chance wherever they stand."""

    def __init__(self, n_classes: int, size: int = SAMPLED_PER_CLASS) -> None:
        self._rng = np.random.default_rng(0)
        self._size, self._n_classes = size, n_classes
        self.rows = pd.DataFrame()
        self.codes = np.zeros(0, np.intp)
        self._keys = np.zeros(0)

    def add(self, X: pd.DataFrame, codes: IntArray) -> None:
        """Offer some rows: those with the smallest random keys of their class stay."""
        rows = pd.concat([self.rows, X], ignore_index=True) if len(self.codes) else X
        codes = np.concatenate([self.codes, codes])
        keys = np.concatenate([self._keys, self._rng.random(len(X))])
        kept = []
        for code in range(self._n_classes):
            own = np.flatnonzero(codes == code)
            kept.append(own[np.argsort(keys[own], kind="stable")[: self._size]])
        at = np.sort(np.concatenate(kept))
        self.rows, self.codes, self._keys = (
            rows.iloc[at].reset_index(drop=True),
            codes[at],
            keys[at],
        )
