"""Inside scikit-learn's tools, and through pickle."""

from __future__ import annotations

import io
import pickle

import joblib
import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, make_scorer, matthews_corrcoef
from sklearn.model_selection import (
    GridSearchCV,
    StratifiedKFold,
    TunedThresholdClassifierCV,
    cross_val_predict,
    cross_val_score,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import gbimb
from tests.estimators.common import KINDS, Kind, both, frame, numbers, quick

MCC = make_scorer(matthews_corrcoef)


@both
def test_clone_copies_parameters_only(kind: Kind) -> None:
    X, y = numbers()
    loss = gbimb.FocalLoss(gamma=3.0)
    clf = quick(kind, loss=loss, engine_params={"max_bin": 31}, eval_metric=("f1",)).fit(X, y)
    copy = clone(clf)
    assert not hasattr(copy, "booster_")
    assert copy.get_params() == clf.get_params()
    np.testing.assert_array_equal(copy.fit(X, y).predict_proba(X), clf.predict_proba(X))


@both
def test_set_params_changes_the_next_fit(kind: Kind) -> None:
    X, y = numbers()
    clf = quick(kind).set_params(gamma=0.5, n_estimators=7)
    assert clf.get_params()["gamma"] == 0.5
    assert clf.fit(X, y).best_iteration_ == 7
    assert clf.loss_.gamma == 0.5
    with pytest.raises(ValueError, match="Invalid parameter 'gama'"):
        clf.set_params(gama=1.0)


@both
@pytest.mark.parametrize("how", ["pickle", "joblib"])
def test_a_fitted_estimator_travels(kind: Kind, how: str) -> None:
    X, y = frame()
    clf = quick(kind, loss=gbimb.FocalLoss(1.0)).fit(X, np.where(y == 1, "yes", "no"))
    if how == "pickle":
        again = pickle.loads(pickle.dumps(clf))
    else:
        buffer = io.BytesIO()
        joblib.dump(clf, buffer)
        buffer.seek(0)
        again = joblib.load(buffer)
    np.testing.assert_array_equal(again.predict_proba(X), clf.predict_proba(X))
    np.testing.assert_array_equal(again.predict(X), clf.predict(X))
    assert again.evals_result_ == clf.evals_result_
    again.fit(X, y)


@both
def test_grid_search_over_losses(kind: Kind) -> None:
    X, y = numbers(600)
    grid = [
        {"loss": ["focal"], "gamma": [0.5, 4.0]},
        {"loss": ["logistic", gbimb.FocalLoss(1.0)], "n_estimators": [5, 10]},
    ]
    search = GridSearchCV(quick(kind, n_estimators=10), grid, scoring=MCC, cv=3).fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.best_score_ > 0.2
    assert search.predict(X).shape == y.shape


@both
def test_cross_val_score_with_labels_scores_and_probabilities(kind: Kind) -> None:
    X, y = numbers(600)
    clf = quick(kind)
    folds = StratifiedKFold(3)
    for scoring in (MCC, "average_precision", "roc_auc", "neg_log_loss", "f1", "balanced_accuracy"):
        scores = cross_val_score(clf, X, y, scoring=scoring, cv=folds, error_score="raise")
        assert np.isfinite(scores).all()
    names = np.array(["fine", "fraud"])[y]
    named = make_scorer(f1_score, pos_label="fraud")
    np.testing.assert_allclose(
        cross_val_score(clf, X, names, scoring=named, cv=folds),
        cross_val_score(clf, X, y, scoring="f1", cv=folds),
    )
    proba = cross_val_predict(clf, X, y, cv=folds, method="predict_proba")
    assert proba.shape == (600, 2)


@both
def test_in_a_pipeline(kind: Kind) -> None:
    X, y = frame()
    model = make_pipeline(
        make_column_transformer(
            (StandardScaler(), ["number", "single"]),
            (OneHotEncoder(handle_unknown="ignore"), ["text", "category"]),
            remainder="drop",
        ),
        quick(kind),
    )
    last = type(model[-1]).__name__.lower()
    model.fit(X, y, **{f"{last}__sample_weight": np.ones(len(y))})
    assert model.predict_proba(X).shape == (len(y), 2)
    as_frame = clone(model)
    as_frame[0].set_params(sparse_threshold=0.0)
    as_frame[0].set_output(transform="pandas")
    as_frame[0].transformers[1][1].set_params(sparse_output=False)
    as_frame.fit(X, y)
    assert "standardscaler__number" in as_frame[-1].feature_names_in_
    clone(model).fit(X, y).score(X, y)


@both
def test_inside_other_classifiers(kind: Kind) -> None:
    X, y = numbers(600)
    clf = quick(kind, n_estimators=10)
    for model in (
        CalibratedClassifierCV(clf, cv=2),
        CalibratedClassifierCV(FrozenEstimator(clone(clf).fit(X, y))),
        StackingClassifier([("a", clf), ("b", LogisticRegression())], cv=2),
        VotingClassifier([("a", clf), ("b", LogisticRegression())], voting="soft"),
    ):
        proba = model.fit(X, y).predict_proba(X)
        assert proba.shape == (600, 2)
        assert proba[y == 1, 1].mean() > proba[y == 0, 1].mean() + 0.05


@both
def test_scikit_learn_can_tune_the_threshold(kind: Kind) -> None:
    X, y = numbers(600)
    fitted = quick(kind).fit(X, y)
    tuned = TunedThresholdClassifierCV(
        FrozenEstimator(fitted), scoring=MCC, cv="prefit", refit=False
    ).fit(X, y)
    assert 0 < tuned.best_threshold_ < 1
    assert matthews_corrcoef(y, tuned.predict(X)) >= matthews_corrcoef(y, fitted.predict(X)) - 0.05
    within = TunedThresholdClassifierCV(quick(kind), scoring=MCC, cv=2).fit(X, y)
    assert within.predict(X).shape == y.shape


@both
def test_importance_by_permutation(kind: Kind) -> None:
    X, y = numbers(600)
    clf = quick(kind).fit(X, y)
    result = permutation_importance(clf, X, y, scoring="average_precision", n_repeats=2)
    assert set(np.argsort(result.importances_mean)[-2:]) == {0, 1}
    assert set(np.argsort(clf.feature_importances_)[-2:]) == {0, 1}
    assert clf.feature_importances_.sum() == pytest.approx(1.0)
    assert (clf.feature_importances_ >= 0).all()


@both
def test_the_representation_names_what_was_changed(kind: Kind) -> None:
    assert repr(kind(gamma=1.0)) == f"{kind.__name__}(gamma=1.0)"
    X, y = numbers()
    assert kind.__name__ in quick(kind).fit(X, y)._repr_html_()


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_two_estimators_at_once_do_not_disturb_each_other(n_jobs: int) -> None:
    X, y = numbers()
    alone = [quick(kind).fit(X, y).predict_proba(X) for kind in KINDS]

    def fit(kind: Kind) -> np.ndarray:
        return quick(kind, n_jobs=n_jobs).fit(X, y).predict_proba(X)

    together = joblib.Parallel(n_jobs=2, backend="threading")(
        joblib.delayed(fit)(kind) for kind in KINDS * 2
    )
    for got, expected in zip(together, alone * 2, strict=True):
        np.testing.assert_array_equal(got, expected)


@both
def test_a_pipeline_can_transform_the_validation_rows(kind: Kind) -> None:
    X, y = numbers()
    X_val, y_val = numbers(seed=1)
    scaler = StandardScaler().fit(X)
    with config_context(enable_metadata_routing=True):
        clf = quick(kind, cv=None).set_fit_request(X_val=True, y_val=True, sample_weight=True)
        model = make_pipeline(StandardScaler(), clf, transform_input=["X_val"])
        model.fit(X, y, X_val=X_val, y_val=y_val)
    expected = quick(kind, cv=None).fit(
        scaler.transform(X), y, X_val=scaler.transform(X_val), y_val=y_val
    )
    assert model[-1].evals_result_ == expected.evals_result_
    np.testing.assert_array_equal(
        model.predict_proba(X), expected.predict_proba(scaler.transform(X))
    )
