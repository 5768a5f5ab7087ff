"""What broke a process, or left a raw error, is refused in a sentence or fitted as it should be."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from scipy import sparse

import gbimb
from gbimb.exceptions import GbimbError, InvalidDataError, InvalidParameterError, InvalidTypeError
from tests.estimators.common import KINDS, Kind, both, numbers, quick

LGBM, XGB = KINDS
X, Y = numbers(200)


def corrupt(array: str, place: int, value: int) -> Any:  # noqa: ANN401
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
def test_a_sparse_matrix_whose_indices_lead_out_of_it_is_refused(kind: Kind, spoilt: Any) -> None:  # noqa: ANN401
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
def test_a_gamma_of_another_type_is_the_number_it_is(gamma: Any) -> None:  # noqa: ANN401
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
