"""What broke a process, or left a raw error, is refused in a sentence or fitted as it should be."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

import gbimb
from gbimb.exceptions import GbimbError, InvalidDataError, InvalidParameterError, InvalidTypeError
from tests.estimators.common import KINDS, Kind, both, numbers, quick

LGBM, XGB = KINDS
X, Y = numbers(200)


def corrupt(array: str, place: int, value: int) -> Any:
    """Return a CSR matrix of which one array leads somewhere else."""
    matrix = sparse.csr_matrix(np.where(np.abs(X) < 0.5, 0, X))
    getattr(matrix, array)[place] = value
    return matrix


SPOILT = [
    ("indices", 5, 10**6),
    ("indices", 5, -5),
    ("indptr", 7, 10**8),
    ("indptr", 7, 0),
    ("indptr", -1, 10**7),
    ("indptr", 3, -(10**6)),
]


@both
@pytest.mark.parametrize("spoilt", SPOILT, ids=str)
def test_a_sparse_matrix_whose_indices_lead_out_of_it_is_refused(kind: Kind, spoilt: Any) -> None:
    with pytest.raises(InvalidDataError, match="X must be a sound sparse matrix"):
        quick(kind).fit(corrupt(*spoilt), Y)


@both
def test_it_is_refused_in_predictions_and_bags_too(kind: Kind) -> None:
    clf = quick(kind).fit(sparse.csr_matrix(X), Y)
    bags = gbimb.UnderBaggingClassifier(n_estimators=2)
    for act in (clf.predict_proba, clf.predict, lambda X: bags.fit(X, Y)):
        with pytest.raises(InvalidDataError, match="X must be a sound sparse matrix"):
            act(corrupt(*SPOILT[4]))


@pytest.mark.parametrize("gamma", [Fraction(3, 2), np.longdouble(1.5), np.float32(1.5)])
def test_a_gamma_of_another_type_is_the_number_it_is(gamma: Any) -> None:
    given = quick(LGBM, gamma=gamma).fit(X, Y).predict_proba(X)
    np.testing.assert_array_equal(given, quick(LGBM, gamma=1.5).fit(X, Y).predict_proba(X))
    assert gbimb.FocalLoss(gamma) == gbimb.FocalLoss(1.5)


@both
@pytest.mark.parametrize(
    "name", ["gamma", "alpha", "calibration", "pos_label", "threshold", "loss"]
)
def test_an_array_is_no_parameter(kind: Kind, name: str) -> None:
    for value in (np.array([1.0, 2.0]), np.array(["platt", "beta"])):
        with pytest.raises(GbimbError, match=name):
            quick(kind, **{name: value}).fit(X, Y)


class Raises:
    """Raises where it is read."""

    def __array__(self, *_: object, **__: object) -> None:
        msg = "no array"
        raise RuntimeError(msg)

    def split(self, *_: object) -> None:
        raise KeyError(0)

    def get_n_splits(self, *_: object) -> int:
        return 2


@both
def test_an_error_of_a_splitter_or_an_array_names_its_argument(kind: Kind) -> None:
    with pytest.raises(InvalidParameterError, match=r"cv must .*Raises that raises KeyError"):
        quick(kind, cv=Raises()).fit(X, Y)
    with pytest.raises(InvalidTypeError, match=r"X must .*RuntimeError"):
        quick(kind).fit(Raises(), Y)
    with pytest.raises(InvalidTypeError, match=r"y must .*RuntimeError"):
        quick(kind).fit(X, Raises())


def test_labels_that_utf_8_cannot_hold_are_refused() -> None:
    with pytest.raises(InvalidDataError, match="UTF-8"):
        quick(LGBM).fit(X, np.where(Y == 1, "\ud800", "b").astype(object))


def test_more_leaves_than_rows_cost_nothing() -> None:
    many = quick(LGBM, num_leaves=131_072).fit(X, Y)
    np.testing.assert_array_equal(
        many.predict_proba(X), quick(LGBM, num_leaves=200).fit(X, Y).predict_proba(X)
    )
    assert "[num_leaves: 200]" in many.booster_.model_to_string()


@both
@pytest.mark.parametrize("half", [Fraction(1, 2), np.longdouble(0.5), np.float16(0.5)], ids=repr)
def test_numbers_of_other_types_reach_the_engine_as_the_numbers_they_are(
    kind: Kind,
    half: Any,
) -> None:
    names = ("learning_rate", "subsample", "colsample_bytree", "reg_lambda", "min_child_weight")
    given = quick(kind, engine_params={"max_delta_step": half}, **dict.fromkeys(names, half))
    plain = quick(kind, engine_params={"max_delta_step": 0.5}, **dict.fromkeys(names, 0.5))
    np.testing.assert_array_equal(
        given.fit(X, Y).predict_proba(X), plain.fit(X, Y).predict_proba(X)
    )


@both
def test_no_least_curvature_of_a_leaf_is_a_least_curvature(kind: Kind) -> None:
    none = quick(kind, min_child_weight=0).fit(X, Y).predict_proba(X)
    little = quick(kind, min_child_weight=1e-9).fit(X, Y).predict_proba(X)
    np.testing.assert_allclose(none, little, rtol=1e-6)


@both
def test_names_of_columns_that_utf8_cannot_hold_are_names(kind: Kind) -> None:
    names = ["a\ud800", *"bcdefghijklmnop"[: X.shape[1] - 1]]
    frame = pd.DataFrame(X).set_axis(pd.Index(names, dtype=object), axis=1)
    np.testing.assert_array_equal(
        quick(kind).fit(frame, Y).predict_proba(frame), quick(kind).fit(X, Y).predict_proba(X)
    )


@both
def test_an_engine_does_not_say_when_and_where_in_its_source_it_failed(kind: Kind) -> None:
    with pytest.raises(InvalidParameterError, match="engine_params") as caught:
        quick(kind, engine_params={"max_bin": 1}).fit(X, Y)
    assert "/" not in str(caught.value)


def test_an_error_is_short_and_can_be_printed() -> None:
    sentence = str(InvalidDataError("X must hold numbers, got " + "9\ud800" * 9999 + ". Drop it."))
    assert len(sentence) < 620
    assert sentence.startswith("X must hold numbers, got 9")
    assert sentence.endswith(". Drop it.")
    sentence.encode("utf-8")
