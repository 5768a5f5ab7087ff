"""One description of a fitted model, and predictions that agree with the estimator's own."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import gbimb
from gbimb.estimators.inspection import describe_model, predict_rows

QUICK = {"n_estimators": 8, "cv": "holdout", "random_state": 0, "n_jobs": 1}


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    x = rng.normal(size=400)
    kind = pd.Categorical(rng.choice(["u", "v", "w"], 400))
    return pd.DataFrame({"x": x, "kind": kind, "y": np.digitize(x, [0.8, 1.5])})


def test_a_model_of_two_classes_is_described_with_its_threshold(frame: pd.DataFrame) -> None:
    X, y = frame[["x", "kind"]], np.where(frame["y"] > 0, "bad", "good")
    clf = gbimb.ImbalancedLGBMClassifier(**QUICK).fit(X, y)
    about = describe_model(clf)
    assert (about["class"], about["positive"]) == ("ImbalancedLGBMClassifier", "bad")
    assert about["threshold"] == clf.threshold_
    assert about["class_weights"] is None
    assert {"n_estimators", "cv"} <= set(about["changed"])
    assert "learning_rate" not in about["changed"]
    assert [(c["name"], c["kind"], c["categories"]) for c in about["columns"]] == [
        ("x", "number", 0),
        ("kind", "category", 3),
    ]
    assert sum(c["importance"] for c in about["columns"]) == pytest.approx(1)
    assert list(about["best_iterations"]) == list(about["history"])


def test_a_model_of_many_classes_is_described_with_its_weights(frame: pd.DataFrame) -> None:
    clf = gbimb.ImbalancedXGBClassifier(**QUICK).fit(frame[["x"]], frame["y"])
    about = describe_model(clf)
    assert (about["threshold"], about["positive"]) == (None, None)
    assert about["class_weights"] == clf.class_weights_.tolist()


@pytest.mark.parametrize("labels", [2, 3])
def test_predictions_of_rows_are_those_of_the_estimator(frame: pd.DataFrame, labels: int) -> None:
    y = np.minimum(frame["y"], labels - 1)
    clf = gbimb.ImbalancedLGBMClassifier(**QUICK).fit(frame[["x"]], y)
    found = predict_rows(clf, frame[["x"]])
    np.testing.assert_array_equal(found.proba, clf.predict_proba(frame[["x"]]))
    np.testing.assert_array_equal(clf.classes_[found.codes], clf.predict(frame[["x"]]))
    assert found.uncorrected.sum(axis=1) == pytest.approx(1)
