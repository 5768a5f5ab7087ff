"""Differences and ratios of the strongest columns, which one member of the portfolio sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import gbimb
from gbimb.model import model as _model
from gbimb.model.pairs import gains_of_columns, pair_names, strongest_pairs, with_pairs

if TYPE_CHECKING:
    from pathlib import Path

PAIRS = ((0, 1), (0, 2), (1, 2))


@given(
    hnp.arrays(
        np.float64,
        st.tuples(st.integers(1, 6), st.just(3)),
        elements=st.floats(-1e300, 1e300) | st.sampled_from([0.0, -0.0, np.nan]),
    )
)
def test_each_pair_gives_its_difference_and_its_finite_ratio(matrix: np.ndarray) -> None:
    found = with_pairs(matrix, PAIRS)
    assert found.shape == (len(matrix), 9)
    np.testing.assert_array_equal(found[:, :3], matrix)
    for row, given_row in zip(found.tolist(), matrix.tolist(), strict=True):
        for k, (i, j) in enumerate(PAIRS):
            np.testing.assert_equal(row[3 + k], given_row[i] - given_row[j])
            right = given_row[j]
            ratio = given_row[i] / right if right else float("nan")
            np.testing.assert_equal(row[6 + k], ratio if np.isfinite(ratio) else float("nan"))


def test_single_precision_is_computed_in_double() -> None:
    matrix = np.array([[0.1, 0.3]], np.float32)
    left, right = map(float, matrix[0])
    assert with_pairs(matrix, ((0, 1),))[0, 2:].tolist() == [left - right, left / right]


def test_without_pairs_nothing_is_copied() -> None:
    matrix = np.zeros((2, 2))
    assert with_pairs(matrix, ()) is matrix


def test_pairs_are_those_of_the_columns_with_the_most_gain() -> None:
    gains = np.array([0.0, 5.0, 1.0, 4.0, 3.0, 2.0, 9.0, 8.0, 7.0])
    numbers = [0, 1, 2, 3, 4, 5, 6, 7]  # the last one is a category
    pairs = strongest_pairs(gains, numbers)
    assert {i for pair in pairs for i in pair} == {1, 3, 4, 5, 6, 7}
    assert len(pairs) == 15
    assert strongest_pairs(np.zeros(3), [0, 1, 2]) == ()


def test_names_and_gains_follow_the_columns() -> None:
    names = pair_names(["a", "b", "c"], PAIRS)
    assert names[3:] == [
        *("a_minus_b", "a_minus_c", "b_minus_c"),
        *("a_over_b", "a_over_c", "b_over_c"),
    ]
    gains = np.array([1.0, 2.0, 3.0, 10.0, 0.0, 0.0, 0.0, 0.0, 4.0])
    assert gains_of_columns(gains, 3, PAIRS).tolist() == [6.0, 9.0, 5.0]


def of_a_ratio(n: int = 1500) -> tuple[pd.DataFrame, np.ndarray]:
    """Return a table whose positives are those with a large ratio of two columns."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.lognormal(0, 1, (n, 3)), columns=["used", "limit", "noise"])
    X["kind"] = pd.Categorical(rng.choice(list("ab"), n))
    ratio = X["used"] / X["limit"] * np.exp(rng.normal(0, 0.3, n))
    return X, (ratio > ratio.quantile(0.9)).to_numpy()


@pytest.fixture(scope="module")
def fitted() -> gbimb.ImbalancedClassifier:
    return gbimb.ImbalancedClassifier(random_state=0, n_jobs=1).fit(*of_a_ratio())


def test_the_member_with_ratios_leads_where_a_ratio_decides(
    fitted: gbimb.ImbalancedClassifier,
) -> None:
    board = fitted.leaderboard_
    best = board.sort_values("log_loss", ascending=False)["candidate"].iloc[0]
    assert best == "LightGBM: log loss, ratios and differences"
    importances = dict(zip(fitted.feature_names_in_, fitted.feature_importances_, strict=True))
    assert importances["used"] + importances["limit"] > 0.7
    assert sum(importances.values()) == pytest.approx(1.0)


def test_predictions_are_the_same_in_blocks_and_after_a_round_trip(
    fitted: gbimb.ImbalancedClassifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    X, _ = of_a_ratio()
    whole = fitted.predict_proba(X)
    fitted.save(tmp_path / "model.gbimb")
    np.testing.assert_array_equal(gbimb.load(tmp_path / "model.gbimb").predict_proba(X), whole)
    monkeypatch.setattr(_model, "PAIRED_ROWS", 7)
    np.testing.assert_array_equal(fitted.predict_proba(X), whole)


def test_the_booster_takes_what_booster_input_gives(fitted: gbimb.ImbalancedClassifier) -> None:
    X, _ = of_a_ratio()
    member = next(m for m in fitted.members_ if m.model_.pairs)
    raw = member.booster_.predict(member.booster_input(X), raw_score=True)
    np.testing.assert_allclose(member.raw_score(X), raw, rtol=0, atol=1e-12)


@pytest.mark.parametrize("pairs", [[[0, 4]], [[0]], [[0, -1]], "x", [[0, 1.0]], [["0", 1]]])
def test_pairs_of_other_columns_are_refused_in_a_file(pairs: object) -> None:
    from gbimb.model.pairs import are_pairs

    assert are_pairs([[0, 1], [2, 3]], 4)
    assert not are_pairs(pairs, 4)


@pytest.mark.parametrize("columns", [False, True])
def test_the_onnx_file_has_the_same_ratios(
    fitted: gbimb.ImbalancedClassifier, tmp_path: Path, *, columns: bool
) -> None:
    pytest.importorskip("onnxruntime")
    X, _ = of_a_ratio(300)
    X.iloc[::7, 0] = np.nan  # never seen in training
    X.iloc[1::7, 1] = 0.0
    path = tmp_path / "model.onnx"
    fitted.to_onnx(path, columns=columns)  # compares with predictions at every split
    assert path.exists()
