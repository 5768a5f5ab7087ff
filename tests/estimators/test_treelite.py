"""Trees exported to Treelite: raw scores, probabilities and labels stay what they were."""

from __future__ import annotations

import numpy as np
import pytest
import treelite
from scipy.special import softmax

from tests.estimators.common import KINDS, Kind, both, frame, numbers, quick


def exported(kind: Kind, booster: object) -> treelite.Model:
    if kind is KINDS[0]:
        return treelite.frontend.from_lightgbm(booster)
    return treelite.frontend.from_xgboost(booster)


@both
@pytest.mark.parametrize("loss", ["focal", "soft_mcc"])
@pytest.mark.parametrize("table", [numbers, frame], ids=["numbers", "categories"])
def test_a_scoring_function_of_treelite_link_and_threshold_gives_the_same_labels(
    kind: Kind, loss: str, table: object
) -> None:
    X, y = table()
    clf = quick(kind, loss=loss, scale_pos_weight="balanced").fit(X, y)
    matrix = clf.booster_input(X)
    model = exported(kind, clf.booster_)
    raw = treelite.gtil.predict(model, matrix, pred_margin=True).reshape(-1)
    # LightGBM's trees add up in double precision, XGBoost's in single.
    np.testing.assert_allclose(raw, clf.raw_score(X), atol=1e-12 if kind is KINDS[0] else 1e-5)
    proba = clf.loss_.probability(raw)
    np.testing.assert_allclose(proba, clf.predict_proba(X)[:, 1], atol=1e-5)
    clear = np.abs(proba - clf.threshold_) > 1e-5
    np.testing.assert_array_equal((proba >= clf.threshold_)[clear], clf.predict(X)[clear] == 1)
    # The link rises, so that the labels need no link.
    cut = clf.loss_.raw_score_at(clf.threshold_)
    np.testing.assert_array_equal((raw >= cut)[clear], clf.predict(X)[clear] == 1)


def test_many_classes_are_exported_from_xgboost() -> None:
    X, y = numbers(600)
    y = y + (X[:, 2] > 1.0)
    clf = quick(KINDS[1], loss="logistic").fit(X, y)
    raw = treelite.gtil.predict(exported(KINDS[1], clf.booster_), X, pred_margin=True)
    raw = raw.reshape(600, 3)
    np.testing.assert_allclose(raw, clf.raw_score(X), atol=1e-5)
    np.testing.assert_allclose(softmax(raw, axis=1), clf.predict_proba(X), atol=1e-5)


def test_many_classes_of_lightgbm_are_refused_by_treelite() -> None:
    X, y = numbers(600)
    clf = quick(KINDS[0]).fit(X, y + (X[:, 2] > 1.0))
    with pytest.raises(treelite.TreeliteError, match="Objective must be 'multiclass'"):
        exported(KINDS[0], clf.booster_)
