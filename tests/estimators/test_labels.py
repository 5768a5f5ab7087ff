"""Labels of any kind, and which of two is positive."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from gbimb.exceptions import InvalidDataError, InvalidParameterError, InvalidTypeError
from tests.estimators.common import Kind, both, numbers, probability, quick

LABELS = {
    "rare string first": ("bad", "good"),
    "rare string last": ("yes", "no"),
    "booleans": (True, False),
    "1 and 2": (2, 1),
    "2 and 1": (1, 2),
    "-1 and 1": (1, -1),
    "floats": (1.0, 0.0),
    "far floats": (-7.0, 1e9),
}


@both
@pytest.mark.parametrize("pair", LABELS.values(), ids=LABELS)
def test_any_two_labels_give_the_same_model(kind: Kind, pair: tuple[Any, Any]) -> None:
    X, y = numbers()
    positive, negative = pair
    labels = np.where(y == 1, positive, negative)
    plain, clf = quick(kind).fit(X, y), quick(kind).fit(X, labels)
    np.testing.assert_array_equal(clf.classes_, np.unique(labels))
    assert clf.pos_label_ == positive
    assert clf.threshold_ == plain.threshold_
    np.testing.assert_array_equal(probability(clf, X), plain.predict_proba(X)[:, 1])
    np.testing.assert_array_equal(clf.predict(X) == positive, plain.predict(X) == 1)
    assert clf.predict(X).dtype == clf.classes_.dtype
    np.testing.assert_array_equal(clf.raw_score(X), plain.raw_score(X))
    sign = 1 if clf.classes_[1] == positive else -1
    np.testing.assert_array_equal(sign * clf.decision_function(X), plain.decision_function(X))


@both
def test_predict_and_predict_proba_never_disagree(kind: Kind) -> None:
    X, y = numbers(800)
    names = np.array(["fine", "fraud"])
    for threshold in ("auto", "f1", "balanced_accuracy", 0.0, 0.07, 1.0):
        clf = quick(kind, threshold=threshold).fit(X, names[y])
        assert 0 <= clf.threshold_ <= 1
        expected = np.where(probability(clf, X) >= clf.threshold_, "fraud", "fine")
        np.testing.assert_array_equal(clf.predict(X), expected)
        if isinstance(threshold, float):
            assert clf.threshold_ == threshold
    # At a probability that occurs, the row is flagged.
    clf.threshold_ = float(probability(clf, X)[5])
    assert clf.predict(X)[5] == "fraud"


@both
def test_pos_label_turns_the_model_round(kind: Kind) -> None:
    X, y = numbers()
    clf = quick(kind, pos_label=0).fit(X, y)
    assert clf.pos_label_ == 0
    assert clf.decision_function(X)[y == 1].mean() > clf.decision_function(X)[y == 0].mean()
    np.testing.assert_array_equal(
        clf.predict(X), np.where(clf.predict_proba(X)[:, 0] >= clf.threshold_, 0, 1)
    )
    assert clf.predict_proba(X)[:, 1].mean() == pytest.approx(y.mean(), rel=0.3)


@both
def test_the_commoner_label_is_not_positive_even_if_it_is_1(kind: Kind) -> None:
    X, y = numbers()
    assert quick(kind).fit(X, 1 - y).pos_label_ == 0
    assert quick(kind).fit(X[:200], np.arange(200) % 2).pos_label_ == 1


@both
@pytest.mark.parametrize(
    "wrap",
    [
        list,
        pd.Series,
        lambda y: pd.Series(y, index=np.arange(len(y))[::-1]),
        lambda y: pd.Series(y, dtype="Int64"),
        lambda y: pd.Series(y == 1, dtype="boolean"),
        lambda y: pd.Series((y == 1).tolist(), dtype=object),
        lambda y: pd.Series(y.tolist(), dtype=object),
        lambda y: pd.Series(pd.Categorical(y)),
        pl.Series,
        pa.array,
        lambda y: pa.chunked_array([y[:7], y[7:]]),
    ],
    ids=[
        "list",
        "series",
        "index",
        "Int64",
        "boolean",
        "object booleans",
        "object integers",
        "category",
        "polars",
        "arrow",
        "chunks",
    ],
)
def test_labels_come_in_any_container(kind: Kind, wrap: Any) -> None:
    X, y = numbers()
    clf = quick(kind, n_estimators=3).fit(X, wrap(y))
    np.testing.assert_array_equal(clf.classes_.astype(int), [0, 1])
    expected = quick(kind, n_estimators=3).fit(X, y)
    np.testing.assert_array_equal(clf.predict_proba(X), expected.predict_proba(X))


@both
@pytest.mark.parametrize(
    "bad",
    [
        lambda y: np.where(np.arange(y.size) == 3, np.nan, y),
        lambda y: np.where(np.arange(y.size) == 3, None, y),
        lambda y: pd.Series(y).astype("Int64").where(np.arange(y.size) != 3),
        lambda y: pd.Series(y == 1).astype("boolean").where(np.arange(y.size) != 3),
        lambda y: pd.Series(np.where(y == 1, "a", "b")).where(np.arange(y.size) != 3),
    ],
    ids=["nan", "none", "Int64", "boolean", "string"],
)
def test_a_missing_label_is_refused(kind: Kind, bad: Any) -> None:
    X, y = numbers()
    with pytest.raises(InvalidDataError, match="y must not contain missing labels"):
        quick(kind).fit(X, bad(y))


@both
def test_labels_that_cannot_be_classes_are_refused(kind: Kind) -> None:
    X, y = numbers()
    with pytest.raises(InvalidDataError, match=r"two classes.* got 1"):
        quick(kind).fit(X, np.zeros_like(y))
    with pytest.raises(InvalidDataError, match=r"two classes.* got 1"):
        quick(kind).fit(X, y, sample_weight=(y == 0).astype(float))
    with pytest.raises(InvalidTypeError, match=r"one kind, got types \['int', 'str'\]"):
        quick(kind).fit(X, _mixed(y))
    with pytest.raises(InvalidDataError, match=r"same number of rows.*400, 399"):
        quick(kind).fit(X, y[:-1])
    with pytest.raises(ValueError, match="label type"):
        quick(kind).fit(X, X[:, 0])
    with pytest.raises(ValueError, match="requires y to be passed"):
        quick(kind).fit(X, None)
    with pytest.raises(InvalidParameterError, match=r"pos_label must be one of \[.*got 'fraud'"):
        quick(kind, pos_label="fraud").fit(X, y)


def _mixed(y: np.ndarray) -> np.ndarray:
    out = np.empty(y.size, dtype=object)
    out[:] = ["a" if v else 2 for v in y]
    return out
