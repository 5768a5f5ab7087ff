"""The other side of the catalogue: forms of good input that must work, and mean the same."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

import gbimb
from gbimb.exceptions import GbimbWarning, InvalidDataError
from tests.catalogue import estimators as e

DENSE = np.where(np.random.default_rng(1).random(e.X.shape) < 0.5, 0.0, e.X)


@cache
def fitted(kind: Any) -> Any:
    """A classifier that knows the columns of ``WORDS``."""
    return e.make(kind).fit(e.WORDS, e.Y)


def stored_zeros() -> Any:
    """The same table with some of its zeros written down."""
    matrix = sparse.csr_matrix(DENSE + 1.0)
    matrix.data -= 1.0
    return matrix


def frozen(values: np.ndarray) -> np.ndarray:
    """A copy that cannot be written to."""
    copy = values.copy()
    copy.flags.writeable = False
    return copy


def every_other(values: np.ndarray) -> np.ndarray:
    """The same values, in memory that has gaps."""
    wide = np.repeat(values, 2, axis=values.ndim - 1)
    return wide[..., ::2]


QUICK = [e.LGBM, e.XGB, e.BAGS]  # the automatic choice reads tables and labels as these do

FORMS = {
    "read-only": (e.X, frozen(e.X)),
    "columns first": (e.X, np.asfortranarray(e.X)),
    "with gaps": (e.X, every_other(e.X)),
    "backwards": (e.X, np.ascontiguousarray(e.X[::-1])[::-1]),
    "a frame": (e.X, e.FRAME.set_axis(range(4), axis=1)),
    "big-endian": (e.X, e.X.astype(">f8")),
    "lists": (e.X, e.X.tolist()),
    "integers": (np.round(10 * e.X), np.round(10 * e.X).astype(np.int16)),
    "objects": (e.X, e.X.astype(object)),
}


@pytest.mark.parametrize("kind", QUICK, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("form", FORMS)
def test_forms_of_a_table(kind: Any, form: str) -> None:
    plain, other = FORMS[form]
    clf = e.make(kind).fit(plain, e.Y)
    again = e.make(kind).fit(other, e.Y)
    np.testing.assert_array_equal(again.predict_proba(plain), clf.predict_proba(plain))


@pytest.mark.parametrize("kind", QUICK, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize(
    "labels",
    [
        e.Y.astype(bool),
        e.Y.astype(np.int8),
        e.Y.astype(float),
        e.Y.astype(object),
        frozen(e.Y),
        every_other(e.Y),
        pd.Series(e.Y, index=np.arange(240)[::-1]),
        pd.array(e.Y, dtype="Int64"),
        pd.array(e.Y.astype(bool), dtype="boolean"),
        pd.Categorical(e.Y),
        np.where(e.Y, "fraud", "fine"),
        pd.Series(np.where(e.Y, "fraud", "fine"), dtype="string"),
        e.Y * 10**18,
        e.Y * 2 - 1,
        e.Y.tolist(),
    ],
    ids=lambda labels: f"{type(labels).__name__} {getattr(labels, 'dtype', '')}",
)
def test_forms_of_labels(kind: Any, labels: Any) -> None:
    proba = e.make(kind).fit(e.X, e.Y).predict_proba(e.X)[:, 1]
    clf = e.make(kind).fit(e.X, labels)
    at = list(clf.classes_).index(clf.pos_label_)
    np.testing.assert_array_equal(clf.predict_proba(e.X)[:, at], proba)


@pytest.mark.parametrize("kind", QUICK, ids=lambda kind: kind.__name__)
def test_sparse_with_zeros_that_are_written_down(kind: Any) -> None:
    plain, stored = sparse.csr_matrix(DENSE), stored_zeros()
    assert stored.nnz > plain.nnz
    clf = e.make(kind).fit(plain, e.Y)
    again = e.make(kind).fit(stored, e.Y)
    for table in (plain, stored, DENSE):
        np.testing.assert_array_equal(again.predict_proba(table), clf.predict_proba(table))


@pytest.mark.parametrize("kind", e.KINDS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize(
    "change",
    [
        lambda X: X[X.columns[::-1]],
        lambda X: X[["e", "c", "a", "d", "b"]],
        lambda X: X.astype({"a": "Float64", "b": "float64[pyarrow]"}),
        lambda X: X.astype({"e": "category"}),
        lambda X: X.astype({"e": "string"}),
        lambda X: X.astype({"e": object}),
        lambda X: X.set_index(np.arange(len(X))[::-1]),
    ],
    ids=["reversed", "shuffled", "nullable", "category", "string", "object", "index"],
)
def test_columns_are_matched_by_name(kind: Any, change: Any) -> None:
    clf = fitted(kind)
    np.testing.assert_array_equal(clf.predict_proba(change(e.WORDS)), clf.predict_proba(e.WORDS))


@pytest.mark.parametrize("kind", e.KINDS, ids=lambda kind: kind.__name__)
def test_columns_named_by_numbers_are_matched_too(kind: Any) -> None:
    numbered = e.FRAME.set_axis(range(4), axis=1)
    clf = e.make(kind).fit(numbered, e.Y)
    np.testing.assert_array_equal(
        clf.predict_proba(numbered[[3, 1, 0, 2]]), clf.predict_proba(numbered)
    )


@pytest.mark.parametrize("kind", e.BOOSTING, ids=lambda kind: kind.__name__)
def test_validation_columns_are_matched_by_name(kind: Any) -> None:
    straight = e.make(kind).fit(e.WORDS, e.Y, X_val=e.WORDS, y_val=e.Y)
    turned = e.make(kind).fit(e.WORDS, e.Y, X_val=e.WORDS[e.WORDS.columns[::-1]], y_val=e.Y)
    assert turned.evals_result_ == straight.evals_result_


@pytest.mark.parametrize("kind", QUICK, ids=lambda kind: kind.__name__)
def test_new_categories_and_new_missing_values_are_told_of_and_taken_alike(kind: Any) -> None:
    clf = e.make(kind).fit(e.WORDS, e.Y)
    with pytest.warns(GbimbWarning, match=r"'e' has 240 unknown categories such as 'sideways'"):
        new = clf.predict_proba(e.WORDS.assign(e="sideways"))
    with pytest.warns(GbimbWarning, match=r"'e' has 240 missing values"):
        missing = clf.predict_proba(e.WORDS.assign(e=None))
    np.testing.assert_array_equal(new, missing)


@pytest.mark.parametrize("kind", QUICK, ids=lambda kind: kind.__name__)
def test_one_column_is_a_table(kind: Any) -> None:
    for table in (e.X[:, :1], e.FRAME[["a"]]):
        assert e.make(kind).fit(table, e.Y).predict_proba(table).shape == (240, 2)


@pytest.mark.parametrize("kind", QUICK, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize(
    "weight", [2, np.full(240, 2, np.uint8), [2.0] * 240, frozen(np.full(240, 2.0))]
)
def test_forms_of_weights(kind: Any, weight: Any) -> None:
    plain = e.make(kind).fit(e.X, e.Y, sample_weight=np.full(240, 2.0))
    clf = e.make(kind).fit(e.X, e.Y, sample_weight=weight)
    np.testing.assert_array_equal(clf.predict_proba(e.X), plain.predict_proba(e.X))


@pytest.mark.parametrize("kind", e.KINDS, ids=lambda kind: kind.__name__)
def test_no_memory_for_the_bins_is_said_beforehand(
    kind: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    huge = np.broadcast_to(e.X[:1], (10**10, 4))
    with pytest.raises(InvalidDataError, match=r"X with 10,000,000,000 rows .* about \d+\.\d GB"):
        e.make(kind).fit(huge, e.Y)
    monkeypatch.setattr("gbimb.tables.memory.available_bytes", lambda: 1000)
    with pytest.raises(InvalidDataError, match=r"would take about .* [kM]B, more than the 1\.0 kB"):
        e.make(kind).fit(e.X, e.Y)


def test_a_system_that_does_not_tell_its_memory_is_no_obstacle(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gbimb.tables.memory.available_bytes", lambda: None)
    gbimb.ImbalancedLGBMClassifier(n_estimators=2, n_jobs=1).fit(e.X, e.Y)
