"""More than two classes: both engines, bags, the decision rule, scarce classes."""

from __future__ import annotations

import pickle
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import StackingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, matthews_corrcoef
from sklearn.model_selection import GridSearchCV

import gbimb
from gbimb.engines.registry import get_engine
from gbimb.exceptions import InvalidDataError, InvalidParameterError
from gbimb.metrics import evaluate_multiclass
from tests.bagging.tables import OURS, Rows, bagged, excess_log_loss, many, quick

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sklearn.base import BaseEstimator

both = pytest.mark.parametrize("kind", OURS, ids=["lgbm", "xgb"])
MAKERS: list[Callable[..., Any]] = [
    lambda **options: quick(OURS[0], random_state=0, **options),
    lambda **options: quick(OURS[1], random_state=0, **options),
    lambda **options: bagged(quick(OURS[0], **options), n_estimators=3, sampling_strategy=5.0),
    lambda **options: bagged(quick(OURS[1], **options), n_estimators=3, sampling_strategy=5.0),
]
every = pytest.mark.parametrize("make", MAKERS, ids=["lgbm", "xgb", "bags-lgbm", "bags-xgb"])


@pytest.fixture(scope="module")
def three() -> Rows:
    return many(1500, 3)


# --- probabilities and decisions -------------------------------------------------------------


@every
@pytest.mark.parametrize("n_classes", [3, 7, 14])
@pytest.mark.filterwarnings("ignore::gbimb.GbimbWarning")  # of 14 classes the last have few rows
def test_any_number_of_classes(make: Callable[..., Any], n_classes: int) -> None:
    train, fresh = many(2500, n_classes, steepness=0.4), many(3000, n_classes, seed=1)
    names = np.array([f"{(5 * k) % n_classes:02d}" for k in range(n_classes)])  # in an odd order
    y = names[train.y]
    clf = make(n_estimators=10).fit(train.X, y)
    proba = clf.predict_proba(fresh.X)
    assert clf.classes_.tolist() == sorted(set(y))
    assert clf.pos_label_ is None
    assert proba.shape == (3000, clf.classes_.size)
    np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_array_equal(
        clf.predict(fresh.X), clf.classes_[np.argmax(proba * clf.class_weights_, axis=1)]
    )
    assert (clf.class_weights_ > 0).all()
    assert clf.decision_function(fresh.X).shape == proba.shape
    assert matthews_corrcoef(names[fresh.y], clf.predict(fresh.X)) > 0.3


@every
@pytest.mark.parametrize(
    "options",
    [
        {"loss": "logistic"},
        {"gamma": 2.0, "scale_pos_weight": "balanced"},
        {"gamma": 1.0, "scale_pos_weight": {2: 10.0, 0: 0.5}},
    ],
    ids=str,
)
def test_probabilities_are_true_whatever_the_loss_and_the_weights(
    make: Callable[..., Any], options: dict[str, Any]
) -> None:
    train, fresh = many(8000, 3), many(10_000, 3, seed=1)
    proba = make(n_estimators=40, **options).fit(train.X, train.y).predict_proba(fresh.X)
    share = np.bincount(train.y) / 8000
    np.testing.assert_allclose(proba.mean(axis=0), share, rtol=0.08)
    best = excess_log_loss(fresh.posterior, fresh.posterior)
    none = excess_log_loss(fresh.posterior, np.tile(share, (10_000, 1)))
    assert excess_log_loss(fresh.posterior, proba) < best + 0.25 * (none - best)


@both
def test_the_order_of_labels_does_not_matter(kind: type, three: Rows) -> None:
    clf = quick(kind, random_state=0, cv=None, subsample=1.0, colsample_bytree=1.0)
    a, b = (
        clf.fit(three.X, np.array(list(names))[three.y]).predict_proba(three.X)
        for names in ("abc", "zmb")
    )
    np.testing.assert_allclose(a, b[:, ::-1], rtol=1e-3, atol=1e-5)


@both
def test_class_weights_serve_the_metric(kind: type) -> None:
    train, fresh = many(6000, 5, steepness=1.0), many(20_000, 5, seed=1, steepness=1.0)
    auto = quick(kind, random_state=0, eval_metric="f1").fit(train.X, train.y)
    f1 = f1_score(fresh.y, auto.predict(fresh.X), average="macro")
    plain = f1_score(fresh.y, auto.predict_proba(fresh.X).argmax(axis=1), average="macro")
    assert f1 > plain
    assert auto.class_weights_[0] < auto.class_weights_[-1]
    with pytest.raises(InvalidParameterError, match="more than two"):
        quick(kind, threshold=0.3).fit(train.X[:500], train.y[:500])


# --- training --------------------------------------------------------------------------------


@both
@pytest.mark.parametrize("options", [{}, {"subsample": 0.7}, {"colsample_bytree": 0.4}], ids=str)
def test_small_tables_get_large_trees_of_all_rows_and_columns_unless_told_otherwise(
    kind: type, options: dict[str, float], three: Rows
) -> None:
    shape = {"num_leaves": 31} if kind is OURS[0] else {"max_depth": 6}
    whole = {"subsample": 1.0, "colsample_bytree": 1.0}
    left_open = {"learning_rate": None, "num_leaves" if kind is OURS[0] else "max_depth": None}
    common = {"random_state": 0, "n_estimators": 3, "cv": 2}
    ours = quick(kind, **common, **left_open, **options).fit(three.X, three.y)
    said = quick(kind, **common, **{**left_open, **shape, **whole, **options}).fit(three.X, three.y)
    np.testing.assert_array_equal(ours.predict_proba(three.X), said.predict_proba(three.X))


@both
def test_rk_and_macro_f1_are_watched_and_stop_training(kind: type, three: Rows) -> None:
    fresh = many(1000, 3, seed=1)
    clf = quick(kind, n_estimators=400, eval_metric=("mcc", "f1", "log_loss"), random_state=0).fit(
        three.X, three.y, X_val=fresh.X, y_val=fresh.y
    )
    history = clf.evals_result_["valid"]
    assert set(history) == {"mcc", "f1", "log_loss"}
    assert clf.best_iteration_ < len(history["mcc"]) < 400
    assert clf.best_score_ == history["mcc"][clf.best_iteration_ - 1]
    # The last round's value is that of the raw scores, before they are corrected.
    whole = quick(
        kind, n_estimators=20, early_stopping_rounds=None, eval_metric="mcc", random_state=0
    ).fit(three.X, three.y, X_val=fresh.X, y_val=fresh.y)
    raw = whole.raw_score(fresh.X)
    values = evaluate_multiclass(["mcc"], whole.loss_, fresh.y, raw)
    assert values["mcc"] == pytest.approx(whole.evals_result_["valid"]["mcc"][-1], abs=0.02)


@both
def test_a_weight_form_that_means_nothing_for_many_classes_is_refused(
    kind: type, three: Rows
) -> None:
    for options, match in [
        ({"scale_pos_weight": 3.0}, "'balanced', a dict"),
        ({"scale_pos_weight": {7: 2.0}}, "labels of y"),
        ({"alpha": 0.25}, "would be ignored"),
        ({"pos_label": 1}, "pos_label"),
        ({"loss": gbimb.SoftmaxFocalLoss(4)}, "3 classes"),
        ({"eval_metric": "average_precision"}, "metric"),
    ]:
        with pytest.raises(InvalidParameterError, match=match):
            quick(kind, **options).fit(three.X, three.y)


@both
def test_balanced_weights_are_those_of_the_shares(kind: type, three: Rows) -> None:
    clf = quick(kind, scale_pos_weight="balanced", n_estimators=3, cv=None).fit(three.X, three.y)
    counts = np.bincount(three.y)
    np.testing.assert_allclose(clf.loss_.class_weight, counts.max() / counts)


def test_the_gradients_of_a_row_sum_to_zero(rng: np.random.Generator) -> None:
    raw = rng.normal(size=(200, 7)) * 3
    y = rng.integers(0, 7, 200)
    for gamma in (0.0, 0.5, 2.0, 5.0):
        loss = gbimb.SoftmaxFocalLoss(7, gamma=gamma, class_weight=tuple(range(1, 8)))
        gradient, curvature = loss.gradient_curvature(y, raw)
        assert abs(gradient.sum(axis=1)).max() < 2e-6 * abs(gradient).max()
        assert (curvature > 0).all()


@every
def test_rows_can_have_weights(make: Callable[..., Any], three: Rows) -> None:
    weight = np.array([1.0, 4.0, 1.0])[three.y]
    proba = make().fit(three.X, three.y, sample_weight=weight).predict_proba(three.X)
    share = np.bincount(three.y, weights=weight) / weight.sum()
    np.testing.assert_allclose(np.average(proba, axis=0, weights=weight), share, rtol=0.15)


@both
def test_the_members_of_a_cross_fit_are_merged_into_one_booster(kind: type, three: Rows) -> None:
    whole = quick(kind, cv=2, early_stopping_rounds=None, n_estimators=8, random_state=0)
    whole.fit(three.X, three.y)
    raw = whole.raw_score(three.X)
    np.testing.assert_array_equal(
        get_engine(whole.engine_name).raw_score(whole.booster_, three.X, 1), raw
    )
    booster = whole.booster_
    trees = booster.num_trees() if kind is OURS[0] else len(booster.get_dump())
    assert trees == 2 * 8 * 3
    again = pickle.loads(pickle.dumps(whole))
    np.testing.assert_array_equal(again.predict_proba(three.X), whole.predict_proba(three.X))


@both
def test_merging_three_outputs_averages_raw_scores(kind: type, three: Rows) -> None:
    engine: Any = get_engine(kind.engine_name)
    members = [
        quick(kind, cv=None, n_estimators=n, random_state=n).fit(three.X, three.y) for n in (3, 3)
    ]
    if kind is OURS[0]:
        models = [m.booster_.model_to_string() for m in members]
        base = [0.0, 0.0]
    else:
        models = [bytes(m.booster_.save_raw("json")) for m in members]
        base = [np.atleast_1d(base_of(m.booster_)) for m in members]
    start = np.array([0.5, -1.0, 2.0])
    merged = engine.merge(models, 2.0, start)
    expected = np.mean(
        [engine.raw_score(m.booster_, three.X, 1) - b for m, b in zip(members, base, strict=True)],
        axis=0,
    )
    got = engine.raw_score(merged, three.X, 1)
    np.testing.assert_allclose(got, 2.0 * expected + start, atol=2e-5)


def base_of(booster: Any) -> np.ndarray:  # an XGBoost booster
    import json

    text = json.loads(booster.save_config())["learner"]["learner_model_param"]["base_score"]
    return np.array(json.loads(text), dtype=np.float64)


# --- scarce classes --------------------------------------------------------------------------


@every
@pytest.mark.parametrize("rows", [1, 2, 5])
def test_a_class_of_a_few_rows_does_not_crash_a_fold(make: Callable[..., Any], rows: int) -> None:
    table = many(2000, 3)
    X = np.vstack([table.X, table.X[:rows] + 5])
    y = np.concatenate([np.array(["common", "other", "third"])[table.y], ["scarce"] * rows])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        clf = make(n_estimators=10).fit(X, y)
    said = [w for w in caught if "classes have fewer" in str(w.message)]
    assert bool(said) == (rows < 5)
    assert all(w.category is gbimb.GbimbWarning for w in said)
    proba = clf.predict_proba(X)
    assert proba.shape == (2000 + rows, 4)
    assert np.isfinite(proba).all()
    at = list(clf.classes_).index("scarce")
    assert proba[:, at].mean() < 0.05


@pytest.mark.filterwarnings("ignore::gbimb.GbimbWarning")
@pytest.mark.parametrize("fold", range(5))
def test_the_only_row_of_a_class_may_be_held_out_from_any_booster(fold: int) -> None:
    table = many(300, 3)
    y = table.y.copy()
    y[0] = 3
    rows = np.arange(300)
    out = np.where(rows == 0, fold, rows % 5)
    splits = [(rows[out != i], rows[out == i]) for i in range(5)]
    clf = quick(OURS[0], n_estimators=3, cv=splits).fit(table.X, y)
    assert clf.predict_proba(table.X).shape == (300, 4)


@both
def test_five_rows_in_ten_thousand(kind: type) -> None:
    table = many(10_000, 3)
    y = table.y.copy()
    y[np.random.default_rng(0).choice(10_000, 5, replace=False)] = 3
    clf = quick(kind, n_estimators=10, random_state=0).fit(table.X, y)
    assert "5-fold" in clf.validation_
    assert clf.predict_proba(table.X)[:, 3].mean() == pytest.approx(5e-4, rel=0.5)


@both
def test_more_folds_than_rows_of_a_class_is_said_and_works(kind: type) -> None:
    table = many(600, 3)
    y = table.y.copy()
    y[:4] = 3
    with pytest.warns(
        gbimb.GbimbWarning, match="1 of 4 classes have fewer rows than 8 folds"
    ) as caught:
        clf = quick(kind, n_estimators=10, cv=8, random_state=0).fit(table.X, y)
    assert caught[0].filename == __file__
    assert clf.predict_proba(table.X).shape == (600, 4)


@both
def test_validation_rows_may_lack_a_class_but_not_have_a_new_one(kind: type, three: Rows) -> None:
    fresh = many(500, 3, seed=1)
    some = fresh.y < 2
    clf = quick(kind, random_state=0).fit(
        three.X, three.y, X_val=fresh.X[some], y_val=fresh.y[some]
    )
    proba = clf.predict_proba(fresh.X)
    assert np.isfinite(proba).all()
    assert (proba[:, 2] > 0).all()
    assert np.isfinite(clf.best_score_)
    with pytest.raises(InvalidDataError, match="y_val must hold labels seen"):
        quick(kind).fit(three.X, three.y, X_val=fresh.X, y_val=fresh.y + 1)


# --- inside scikit-learn ---------------------------------------------------------------------


@every
def test_it_stands_in_stacks_calibration_and_grid_search(
    make: Callable[..., Any], three: Rows
) -> None:
    clf = make(n_estimators=8)
    models: list[BaseEstimator] = [
        StackingClassifier([("a", clf), ("b", LogisticRegression())], cv=2),
        CalibratedClassifierCV(clf, cv=2),
    ]
    if not hasattr(clf, "estimator"):
        models.append(GridSearchCV(clf, {"gamma": [0.0, 2.0]}, cv=2, scoring="f1_macro"))
    else:
        models.append(GridSearchCV(clf, {"estimator__gamma": [0.0, 2.0]}, cv=2))
    y = np.array(["z", "a", "m"])[three.y]
    for model in models:
        model.fit(three.X, y)
        assert matthews_corrcoef(y, model.predict(three.X)) > 0.4
        np.testing.assert_allclose(model.predict_proba(three.X).sum(axis=1), 1, rtol=1e-9)


@every
def test_the_seed_decides_whatever_n_jobs_is(make: Callable[..., Any], three: Rows) -> None:
    a, b = (make(n_estimators=8).set_params(n_jobs=jobs).fit(three.X, three.y) for jobs in (1, 2))
    np.testing.assert_array_equal(a.predict_proba(three.X), b.predict_proba(three.X))
    np.testing.assert_array_equal(a.class_weights_, b.class_weights_)


@both
def test_bags_of_many_classes_are_watched_on_the_shares_of_the_data(kind: type) -> None:
    """A bag has classes in equal shares; what stops it is the score in the data."""
    train = many(6000, 4, steepness=1.2)
    clf = bagged(quick(kind, eval_metric=("log_loss", "mcc"))).fit(train.X, train.y)
    share = np.bincount(train.y) / 6000
    for member in clf.estimators_:
        np.testing.assert_allclose(
            member.predict_proba(train.X).mean(axis=0), share, rtol=0.5, atol=0.02
        )
        assert min(member.evals_result_["valid"]["log_loss"]) < -(share * np.log(share)).sum()
    assert clf.oob_score_ == pytest.approx(
        matthews_corrcoef(train.y, clf.predict(train.X)), abs=0.15
    )


@pytest.mark.parametrize(
    "kind",
    [
        gbimb.ImbalancedLGBMClassifier,
        gbimb.ImbalancedXGBClassifier,
        gbimb.UnderBaggingClassifier,
        gbimb.AutoImbalancedClassifier,
    ],
)
def test_a_fit_with_another_number_of_classes_leaves_no_rule_behind(
    kind: type, tmp_path: Path
) -> None:
    few = {"time_budget": None, "n_trials": 1} if "Auto" in kind.__name__ else {}
    few |= {"n_estimators": 2} if "Bagging" in kind.__name__ else {}
    clf = kind(**few, random_state=0, n_jobs=1)
    for n_classes in (2, 3, 2):
        table = many(400, n_classes)
        clf.fit(table.X, table.y)
        assert hasattr(clf, "threshold_") == (n_classes == 2)
        assert hasattr(clf, "class_weights_") == (n_classes == 3)
        clf.save(tmp_path / "model.gbimb")
        loaded = gbimb.load(tmp_path / "model.gbimb")
        np.testing.assert_array_equal(loaded.predict(table.X), clf.predict(table.X))
