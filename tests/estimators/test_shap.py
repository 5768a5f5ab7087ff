"""SHAP on the booster: the values of a row add up to its raw score."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gbimb
from tests.estimators.common import Kind, both, frame, numbers, quick


@pytest.fixture(scope="module")
def explainer() -> Any:  # a class of shap
    import shap

    return shap.TreeExplainer


@both
@pytest.mark.parametrize("loss", ["focal", "logistic", "soft_mcc"])
def test_values_add_up_to_the_raw_score(kind: Kind, loss: str, explainer: Any) -> None:
    X, y = numbers()
    clf = quick(kind, loss=loss, scale_pos_weight="balanced").fit(X, y)
    explain = explainer(clf.booster_)
    values = explain.shap_values(X)
    raw = values.sum(axis=1) + explain.expected_value
    np.testing.assert_allclose(raw, clf.raw_score(X), atol=5e-6)
    np.testing.assert_allclose(clf.loss_.probability(raw), clf.predict_proba(X)[:, 1], atol=5e-6)


@both
def test_values_of_categories_belong_to_the_booster_input(kind: Kind, explainer: Any) -> None:
    X, y = frame()
    clf = quick(kind, max_depth=6).fit(X, np.where(y == 1, "fraud", "ok"))
    assert clf.pos_label_ == clf.classes_[0] == "fraud"
    explain = explainer(clf.booster_)
    values = explain.shap_values(clf.booster_input(X))
    assert values.shape == X.shape
    raw = values.sum(axis=1) + explain.expected_value
    np.testing.assert_allclose(raw, clf.raw_score(X), atol=5e-6)  # of the positive label


@both
def test_values_of_many_classes_add_up(kind: Kind, explainer: Any) -> None:
    X, y = numbers(600)
    y = y + (X[:, 2] > 1.0)
    clf = quick(kind).fit(X, y)
    explain = explainer(clf.booster_)
    values = np.asarray(explain.shap_values(X))
    assert values.shape == (600, 4, 3)
    raw = values.sum(axis=1) + explain.expected_value
    np.testing.assert_allclose(raw, clf.raw_score(X), atol=5e-6)


def test_values_of_a_bag_add_up(explainer: Any) -> None:
    X, y = numbers(600)
    bags = gbimb.UnderBaggingClassifier(
        quick(gbimb.ImbalancedLGBMClassifier, cv="auto"), 2, random_state=0
    ).fit(X, y)
    for clf in bags.estimators_:
        explain = explainer(clf.booster_)
        raw = explain.shap_values(clf.booster_input(X)).sum(axis=1) + explain.expected_value
        np.testing.assert_allclose(raw, clf.raw_score(X), atol=5e-6)
