"""Sample weights: rows by number, a scale below one, absent at zero."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import gbimb
from gbimb.exceptions import InvalidDataError
from tests.estimators.common import Kind, both, numbers, quick


def few_values(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows of few values, whose bins are the values whatever the weights are."""
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 9, size=(500, 4)).astype(np.float64)
    y = (X[:, 0] + 3 * rng.random(500) > 8.8).astype(int)
    return X, y, rng.integers(1, 4, 500)


def plain_leaves(kind: Kind) -> dict[str, Any]:
    """LightGBM counts rows in a leaf, and a row is one row whatever its weight."""
    return {"min_child_samples": 0} if kind is gbimb.ImbalancedLGBMClassifier else {}


@both
@pytest.mark.parametrize("calibration", ["platt", "isotonic"])
def test_weights_below_one_are_a_scale(kind: Kind, calibration: str) -> None:
    X, y = numbers(600)
    weight = np.random.default_rng(0).uniform(0.0, 1.0, 600)
    one = quick(kind, calibration=calibration, cv=3).fit(X, y, weight)
    # By a power of two, so that not a digit is lost.
    other = quick(kind, calibration=calibration, cv=3).fit(X, y, weight / 2**20)
    np.testing.assert_array_equal(other.predict_proba(X), one.predict_proba(X))
    assert other.threshold_ == one.threshold_
    plain = quick(kind, calibration=calibration, cv=3).fit(X, y)
    equal = quick(kind, calibration=calibration, cv=3).fit(X, y, np.full(600, 1 / 1024))
    np.testing.assert_array_equal(equal.predict_proba(X), plain.predict_proba(X))


@both
@pytest.mark.parametrize("held_out", ["folds", "rows", "nothing"])
def test_a_whole_weight_is_as_many_rows(kind: Kind, held_out: str) -> None:
    X, y, weight = few_values()
    fold = np.arange(500) % 3
    times = np.repeat(np.arange(500), weight)

    def splits(rows: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        return [(np.flatnonzero(fold[rows] != k), np.flatnonzero(fold[rows] == k)) for k in (0, 1)]

    X_val, y_val, weight_val = few_values(1)
    again = np.repeat(np.arange(500), weight_val)
    fits = []
    for rows, w, rows_val, w_val in (
        (np.arange(500), weight, np.arange(500), weight_val),
        (times, None, again, None),
    ):
        options: dict[str, Any] = {}
        if held_out == "rows":
            options = {
                "X_val": X_val[rows_val],
                "y_val": y_val[rows_val],
                "sample_weight_val": w_val,
            }
        cv = splits(rows) if held_out == "folds" else None
        fits.append(
            quick(kind, cv=cv, colsample_bytree=1.0, **plain_leaves(kind)).fit(
                X[rows], y[rows], sample_weight=w, **options
            )
        )
    weighted, repeated = fits
    np.testing.assert_allclose(
        weighted.predict_proba(X), repeated.predict_proba(X), rtol=1e-4, atol=1e-6
    )
    assert weighted.threshold_ == pytest.approx(repeated.threshold_, rel=1e-4)
    for name, values in weighted.evals_result_.get("valid", {}).items():
        np.testing.assert_allclose(values, repeated.evals_result_["valid"][name], rtol=1e-3)


@both
@pytest.mark.parametrize("form", ["array", "frame"])
def test_a_row_of_weight_zero_is_absent(kind: Kind, form: str) -> None:
    X, y = numbers(600)
    kept = np.arange(600) % 3 > 0
    wild = X.copy()
    wild[~kept] = 1e6
    folds = [(np.arange(0, 600, 2), np.arange(1, 600, 2))]
    position = np.cumsum(kept) - 1
    folds_kept = [tuple(position[rows[kept[rows]]] for rows in pair) for pair in folds]
    wrap = pd.DataFrame if form == "frame" else np.asarray
    absent = quick(kind, cv=folds_kept).fit(wrap(X[kept]), y[kept], np.ones(kept.sum()))
    ignored = quick(kind, cv=folds).fit(wrap(wild), np.where(kept, y, 1 - y), kept.astype(float))
    np.testing.assert_array_equal(ignored.predict_proba(wrap(X)), absent.predict_proba(wrap(X)))
    assert ignored.threshold_ == absent.threshold_


@both
@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (np.zeros(400), "all zero"),
        (-np.ones(400), ">= 0, got -1"),
        (np.full(400, np.nan), "finite"),
        (np.full(400, np.inf), "finite"),
        (np.ones(399), r"shape \(400,\), got shape \(399,\)"),
        (np.ones((400, 2)), r"shape \(400,\), got shape \(400, 2\)"),
        (["heavy"] * 400, "numbers"),
    ],
    ids=["zero", "negative", "nan", "inf", "short", "wide", "words"],
)
def test_weights_that_cannot_be_used_are_refused(
    kind: Kind,
    weight: Any,
    message: str,
) -> None:
    X, y = numbers()
    with pytest.raises((ValueError, TypeError), match=f"sample_weight .*{message}"):
        quick(kind).fit(X, y, sample_weight=weight)


@both
def test_rows_without_weight_do_not_say_which_label_is_positive(kind: Kind) -> None:
    X, _ = numbers(200)
    labels = np.where(np.arange(200) < 120, "a", "b")
    weight = np.r_[np.zeros(60), np.ones(140)]
    clf = quick(kind).fit(X, labels, weight)
    assert clf.pos_label_ == "a"
    heavy = weight > 0
    same = quick(kind).fit(X[heavy], labels[heavy], weight[heavy])
    np.testing.assert_array_equal(clf.predict_proba(X), same.predict_proba(X))


@both
def test_splits_keep_repeated_rows_when_others_have_no_weight(kind: Kind) -> None:
    X, y = numbers(300)
    rng = np.random.default_rng(0)
    train = rng.choice(200, 300)
    splits = [(train, np.arange(200, 299))]
    weight = np.r_[np.ones(299), 0.0]
    clf = quick(kind, cv=splits).fit(X, y, weight)
    same = quick(kind, cv=splits).fit(X[:299], y[:299], weight[:299])
    np.testing.assert_array_equal(clf.predict_proba(X), same.predict_proba(X))


@both
def test_a_split_that_trains_on_one_class_with_weight_is_refused(kind: Kind) -> None:
    X, y = numbers(300)
    weight = np.where((y == 1) & (np.arange(300) < 200), 0.0, 1.0)
    with pytest.raises(InvalidDataError, match="a training part with only one"):
        quick(kind, cv=[(np.arange(200), np.arange(200, 300))]).fit(X, y, weight)
