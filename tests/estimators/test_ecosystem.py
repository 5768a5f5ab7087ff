"""Inside scikit-learn's tools, and through pickle."""

from __future__ import annotations

import io
import json
import pickle
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np
import optuna
import pandas as pd
import polars as pl
import pytest
from imblearn.pipeline import make_pipeline as make_sampling_pipeline
from imblearn.under_sampling import RandomUnderSampler
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
    FixedThresholdClassifier,
    GridSearchCV,
    StratifiedKFold,
    TunedThresholdClassifierCV,
    cross_val_predict,
    cross_val_score,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import gbimb
from tests.estimators.common import KINDS, Kind, both, frame, numbers, quick

if TYPE_CHECKING:
    from collections.abc import Callable

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


@both
@pytest.mark.parametrize("outer", [make_pipeline, make_sampling_pipeline])
def test_a_pipeline_with_a_sampler_leaves_the_validation_rows_alone(
    kind: Kind, outer: Callable[..., Any]
) -> None:
    X, y = numbers(600)
    X_val, y_val = numbers(seed=1)
    sampler, scaler = RandomUnderSampler(random_state=0), StandardScaler().fit(X)
    with config_context(enable_metadata_routing=True):
        clf = quick(kind, cv=None).set_fit_request(X_val=True, y_val=True)
        inner = make_sampling_pipeline(sampler, clf)
        model = outer(StandardScaler(), inner, transform_input=["X_val"])
        model.fit(X, y, X_val=X_val, y_val=y_val)
    fewer = sampler.fit_resample(scaler.transform(X), y)
    assert len(fewer[1]) == 2 * y.sum()
    expected = quick(kind, cv=None).fit(*fewer, X_val=scaler.transform(X_val), y_val=y_val)
    np.testing.assert_array_equal(
        model.predict_proba(X_val), expected.predict_proba(scaler.transform(X_val))
    )
    assert model.predict_proba(X_val)[:, 1].mean() == pytest.approx(y_val.mean(), abs=0.02)


@both
def test_meta_estimators_keep_or_drop_the_threshold_as_the_guide_says(kind: Kind) -> None:
    X, y = numbers(600)
    clf = quick(kind, threshold=0.05)
    alone = clone(clf).fit(X, y).predict(X)
    half = clone(clf).set_params(threshold=0.5).fit(X, y).predict(X)
    assert alone.sum() > 1.5 * half.sum()
    hard = VotingClassifier([("a", clf)], voting="hard").fit(X, y)
    np.testing.assert_array_equal(hard.predict(X), alone)
    np.testing.assert_array_equal(OneVsRestClassifier(clf).fit(X, y).predict(X), alone)
    soft = VotingClassifier([("a", clf)], voting="soft").fit(X, y)
    np.testing.assert_array_equal(soft.predict(X), half)
    own = FixedThresholdClassifier(clf, threshold=0.5, response_method="predict_proba")
    np.testing.assert_array_equal(own.fit(X, y).predict(X), half)


@both
def test_a_pipeline_routes_weights_of_both_tables(kind: Kind) -> None:
    X, y = numbers()
    X_val, y_val = numbers(seed=1)
    weight, weight_val = 1.0 + (X[:, 2] > 0), 1.0 + (X_val[:, 2] > 0)
    plain = quick(kind, cv=None).fit(
        X, y, sample_weight=weight, X_val=X_val, y_val=y_val, sample_weight_val=weight_val
    )
    with config_context(enable_metadata_routing=True):
        clf = quick(kind, cv=None).set_fit_request(
            sample_weight=True, X_val=True, y_val=True, sample_weight_val=True
        )
        model = make_pipeline("passthrough", clf, transform_input=["X_val"])
        model.fit(
            X, y, sample_weight=weight, X_val=X_val, y_val=y_val, sample_weight_val=weight_val
        )
    assert model[-1].evals_result_ == plain.evals_result_
    np.testing.assert_array_equal(model.predict_proba(X), plain.predict_proba(X))


@pytest.mark.parametrize("kind", [*KINDS, gbimb.UnderBaggingClassifier])
def test_a_grid_search_routes_weights_to_fit_and_score(kind: type) -> None:
    X, y = numbers()
    weight = np.where(X[:, 2] > 0, 1.0, 0.0)  # half of the rows are not there
    est = quick(KINDS[0], cv="auto") if kind is gbimb.UnderBaggingClassifier else None
    clf = kind(est, 2, random_state=0) if est is not None else quick(kind)
    with config_context(enable_metadata_routing=True):
        scorer = make_scorer(matthews_corrcoef).set_score_request(sample_weight=True)
        clf.set_fit_request(sample_weight=True)
        search = GridSearchCV(clf, {"threshold": ["auto", 0.5]}, scoring=scorer, cv=3)
        search.fit(X, y, sample_weight=weight)
    got, plain = search.best_estimator_, clone(clf).set_params(**search.best_params_)
    plain.fit(X, y, sample_weight=weight)
    np.testing.assert_array_equal(got.predict_proba(X), plain.predict_proba(X))
    assert got.threshold_ != clone(clf).set_params(**search.best_params_).fit(X, y).threshold_


@both
@pytest.mark.parametrize("form", ["pandas", "polars"])
def test_names_of_a_transformers_output_are_kept(kind: Kind, form: str) -> None:
    X, y = numbers()
    table = pd.DataFrame(X, columns=list("abcd"))
    model = make_pipeline(StandardScaler().set_output(transform=form), quick(kind)).fit(table, y)
    assert model[-1].feature_names_in_.tolist() == list("abcd")
    bare = make_pipeline(StandardScaler(), quick(kind)).fit(table, y)
    assert not hasattr(bare[-1], "feature_names_in_")
    np.testing.assert_array_equal(model.predict_proba(table), bare.predict_proba(table))


@both
def test_polars_tables_and_labels_go_in_and_arrays_come_out(kind: Kind) -> None:
    X, y = frame()
    X = X.drop(columns="code")  # numbers as categories are numbers in polars
    labels = np.where(y == 1, "fraud", "fine")
    table = pl.from_pandas(X)
    clf = quick(kind).fit(table, pl.Series(labels), sample_weight=pl.Series(np.ones(len(y))))
    assert clf.feature_names_in_.tolist() == table.columns
    scored = table.with_columns(
        fraud=clf.predict_proba(table)[:, 1], predicted=pl.Series(clf.predict(table))
    )
    assert scored.shape == (len(y), 11)
    same = quick(kind).fit(X, labels)
    np.testing.assert_array_equal(scored["predicted"].to_numpy(), same.predict(X))


@pytest.mark.parametrize(
    "kind", [*KINDS, gbimb.UnderBaggingClassifier, gbimb.AutoImbalancedClassifier]
)
def test_parameters_are_plain_values_that_a_tracker_can_log(kind: type) -> None:
    assert json.loads(json.dumps(kind().get_params())).keys() == kind().get_params().keys()
    named = repr(kind(loss=gbimb.FocalLoss(3.0))) if kind in KINDS else ""
    assert not named or "loss=FocalLoss(gamma=3.0" in named


@both
def test_scores_are_plain_numbers_that_a_tracker_can_log(kind: Kind) -> None:
    X, y = numbers()
    clf = quick(kind).fit(X, y)
    logged = {
        "best_score": clf.best_score_,
        "threshold": clf.threshold_,
        "rounds": clf.best_iteration_,
        "history": clf.evals_result_,
        "held_out": clf.validation_,
        "label": clf.pos_label_.item(),
    }
    assert json.loads(json.dumps(logged)) == logged


@both
def test_optuna_searches_parameters_and_losses(kind: Kind) -> None:
    X, y = numbers()

    def objective(trial: optuna.Trial) -> float:
        clf = quick(
            kind,
            loss=trial.suggest_categorical("loss", ["focal", "logistic"]),
            reg_lambda=trial.suggest_float("reg_lambda", 0.1, 10, log=True),
        )
        return float(cross_val_score(clf, X, y, scoring=MCC, cv=2).mean())

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=0))
    study.optimize(objective, n_trials=3)
    quick(kind, **study.best_params).fit(X, y)
    assert study.best_value > 0.2
