from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from gbimb.model.values import encode
from tests.persistence.archives import refuse, with_state
from tests.persistence.models import saved

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def fit(**values: object) -> Callable[[dict[str, Any]], Any]:
    """Set fitted attributes."""
    return lambda state: state["fitted"].update(values)


def par(**values: object) -> Callable[[dict[str, Any]], Any]:
    """Set parameters."""
    return lambda state: state["params"].update(values)


def array(values: list[Any], dtype: str = "float64", **more: object) -> dict[str, Any]:
    return {"type": "array", "dtype": dtype, "shape": [len(values)], "values": values, **more}


def categories(value: object) -> dict[str, Any]:
    return {"type": "tuple", "items": [value]}


NAN = {"type": "float", "value": "nan"}
INF = {"type": "float", "value": "inf"}

CHANGES: list[tuple[str, Callable[[dict[str, Any]], Any], str]] = [
    # what is looked up
    ("lightgbm", lambda s: s.update({"class": "os.system"}), "must name one of the classes"),
    ("lightgbm", lambda s: s.update({"class": "BaseEstimator"}), "must name one of the classes"),
    ("lightgbm", lambda s: s.update({"class": ["x"]}), "must name one of the classes"),
    (
        "lightgbm",
        lambda s: s.update({"class": "ImbalancedXGBClassifier"}),
        "_zero_is_missing|no parameter",
    ),
    ("lightgbm", lambda s: s.update({"class": "UnderBaggingClassifier"}), "does not have the form"),
    (
        "bagging",
        lambda s: s.update({"class": "ImbalancedLGBMClassifier"}),
        "does not have the form",
    ),
    (
        "lightgbm",
        lambda s: s["fitted"]["loss_"].update(name="Evil"),
        "loss_ does not have the form",
    ),
    ("lightgbm", lambda s: s["fitted"]["loss_"].update(name="object"), "loss_ does not have"),
    ("lightgbm", lambda s: s["fitted"]["loss_"]["params"].update(x=1), "loss_ does not have"),
    ("lightgbm", lambda s: s["fitted"]["loss_"]["params"].update(gamma=-1.0), "gamma must be"),
    ("lightgbm", lambda s: s["fitted"]["loss_"]["params"].update(gamma="2"), "gamma must be"),
    ("lightgbm_many", lambda s: s["fitted"]["loss_"]["params"].pop("n_classes"), "valid loss"),
    ("lightgbm", fit(loss_="focal"), "loss_ .* must be a loss for so many classes"),
    ("lightgbm", fit(loss_=None), "loss_ .* must be a loss"),
    ("lightgbm", par(cv={"type": "splitter", "name": "Popen", "params": {}}), "params.cv does not"),
    (
        "lightgbm",
        par(cv={"type": "splitter", "name": "KFold", "params": {"x": 1}}),
        "params.cv does",
    ),
    (
        "lightgbm",
        par(
            cv={
                "type": "splitter",
                "name": "KFold",
                "params": {"n_splits": "x", "shuffle": 1, "random_state": None},
            }
        ),
        "params.cv does not have the form",
    ),
    (
        "lightgbm",
        par(random_state={"type": "random_state", "state": [1, 2]}),
        "random_state does not",
    ),
    (
        "lightgbm",
        par(loss={"type": "pickle", "value": "gASV"}),
        "params.loss does not have the form",
    ),
    ("lightgbm", par(loss={"type": ["loss"]}), "params.loss does not have the form"),
    ("lightgbm", par(loss={"py/object": "os.system"}), "params.loss does not have the form"),
    (
        "lightgbm",
        par(random_state={"type": "random_state", "state": [[], 1, 0, 0.0]}),
        "random_state",
    ),
    (
        "lightgbm",
        par(cv={"type": "array", "dtype": "int64", "shape": 3, "values": []}),
        "params.cv",
    ),
    ("lightgbm", par(cv={"type": "loss", "name": 3, "params": []}), "params.cv does not have"),
    ("lightgbm", par(cv={"type": "tuple", "items": 3}), "params.cv does not have the form"),
    (
        "lightgbm",
        fit(_encoder=[["a", categories({"type": "timestamp", "ticks": "now", "unit": 3})]] * 4),
        "_encoder does",
    ),
    (
        "lightgbm",
        fit(
            _encoder=[["a", categories({"type": "interval", "ends": [2, 1], "closed": "left"})]] * 4
        ),
        "_encoder does",
    ),
    (
        "lightgbm",
        fit(_encoder=[["a", categories({"type": "interval", "ends": [{}], "closed": "left"})]] * 4),
        "_encoder does",
    ),
    # names
    ("lightgbm", fit(__class__="x"), "none missing and .'__class__'. unknown"),
    ("lightgbm", fit(predict="x"), ".'predict'. unknown"),
    ("lightgbm", fit(booster_="x"), ".'booster_'. unknown"),
    ("lightgbm", fit(__dict__=[]), ".'__dict__'. unknown"),
    ("lightgbm", par(__init__="x"), "has no parameter '__init__'"),
    ("lightgbm", lambda s: s.update(evil=1), "does not have the form"),
    ("lightgbm", lambda s: s.pop("fitted"), "does not have the form"),
    ("lightgbm", lambda s: s.update(fitted=[]), "fitted does not have the form"),
    ("lightgbm", lambda s: s.update(params=3), "params does not have the form"),
    ("lightgbm", lambda s: s["fitted"].pop("threshold_"), ".'threshold_'. missing"),
    ("xgboost", lambda s: s["fitted"].pop("_zero_is_missing"), ".'_zero_is_missing'. missing"),
    ("lightgbm", lambda s: s.update(booster="other.txt"), "booster does not have the form"),
    ("lightgbm", lambda s: s.update(booster="../x"), "booster does not have the form"),
    ("lightgbm", lambda s: s.update(booster="state.json"), "booster does not have the form"),
    ("lightgbm", lambda s: s.update(booster=None), "booster does not have the form"),
    # the decision
    ("lightgbm", fit(threshold_=NAN), r"threshold_ .* must be a number in \[0, 1\], got nan"),
    ("lightgbm", fit(threshold_=INF), "threshold_ .* must be a number"),
    ("lightgbm", fit(threshold_=1.5), "threshold_ .* must be a number"),
    ("lightgbm", fit(threshold_=-0.1), "threshold_ .* must be a number"),
    ("lightgbm", fit(threshold_="0.5"), "threshold_ .* must be a number"),
    ("lightgbm", fit(threshold_=True), "threshold_ .* must be a number"),
    ("lightgbm", fit(threshold_=None), "threshold_ .* must be a number"),
    ("lightgbm", fit(class_weights_=array([1.0, 1.0])), ".'class_weights_'. unknown"),
    ("lightgbm_many", fit(threshold_=0.5), ".'threshold_'. unknown"),
    ("lightgbm_many", fit(class_weights_=array([1.0, 1.0])), "class_weights_ .* for each class"),
    ("lightgbm_many", fit(class_weights_=array([1.0] * 4)), "class_weights_ .* for each class"),
    ("lightgbm_many", fit(class_weights_=array([1.0, NAN, 1.0])), "class_weights_ .* finite"),
    ("lightgbm_many", fit(class_weights_=array([1.0, 0.0, 1.0])), "class_weights_ .* > 0"),
    ("lightgbm_many", fit(class_weights_=array([1, 1, 1], "int64")), "class_weights_ .* for each"),
    ("lightgbm_many", fit(class_weights_=[1.0, 1.0, 1.0]), "class_weights_ .* for each class"),
    # the classes
    ("lightgbm", fit(classes_=array([0, 1, 2], "int64")), "threshold_|class_weights_"),
    ("lightgbm", fit(classes_=array([0], "int64")), "missing|two labels"),
    ("lightgbm", fit(classes_=array([1, 1], "int64")), "classes_ .* all different"),
    ("lightgbm", fit(classes_=array([0.0, NAN])), "classes_ .* all different"),
    ("lightgbm", fit(classes_=[0, 1]), "must have classes_, an array"),
    ("lightgbm", fit(classes_=array([0, None], "object")), "classes_ does not have the form"),
    ("lightgbm", fit(classes_=array([0, [1]], "object")), "classes_ does not have the form"),
    ("lightgbm", fit(pos_label_=5), "pos_label_ .* must be one of two labels, .* got 5"),
    ("lightgbm", fit(pos_label_=None), "pos_label_ .* must be one of two labels"),
    ("lightgbm", fit(pos_label_=array([0, 1], "int64")), "pos_label_ .* must be one of two"),
    ("lightgbm_many", fit(pos_label_=1), "pos_label_ .* None for more"),
    (
        "xgboost_many",
        lambda s: s["fitted"]["loss_"]["params"].update(n_classes=4),
        "so many|numbers",
    ),
    # columns
    ("lightgbm", fit(n_features_in_=0), "n_features_in_, a whole number >= 1"),
    ("lightgbm", fit(n_features_in_=10**9), "must be"),
    ("lightgbm", fit(n_features_in_=True), "n_features_in_, a whole number"),
    ("lightgbm", fit(feature_names_in_=array(["a"], "object")), "names of the columns"),
    ("lightgbm", fit(_encoder=[["a", None]]), "name and categories of each column"),
    ("lightgbm", fit(_encoder=[["a"]] * 4), "name and categories"),
    ("lightgbm", fit(_encoder=[[1, None]] * 4), "name and categories"),
    ("lightgbm", fit(_encoder=[["a", ["x", "y"]]] * 4), "name and categories"),
    (
        "lightgbm",
        fit(_encoder=[["a", {"type": "tuple", "items": ["x", "x"]}]] * 4),
        "name and categories",
    ),
    (
        "lightgbm",
        fit(_encoder=[["a", {"type": "tuple", "items": [["x"]]}]] * 4),
        "name and categories",
    ),
    ("lightgbm", fit(_encoder=[["a", None]] * 4), "a split by category on a number"),
    ("xgboost", fit(_encoder=[["a", None]] * 4), "a category that is not there"),
    # other attributes and parameters
    ("lightgbm", fit(best_iteration_=0), "best_iteration_ .* >= 1"),
    ("lightgbm", fit(best_score_="x"), "best_score_ .* a number"),
    (
        "lightgbm",
        fit(best_iterations_=encode({"valid": 0}, "x")),
        "best_iterations_ .* >= 1 by name",
    ),
    ("lightgbm", fit(evals_result_=[]), "evals_result_ .* lists of numbers by name"),
    ("lightgbm", fit(validation_=[]), "validation_ .* a sentence"),
    ("xgboost", fit(_zero_is_missing=1), "_zero_is_missing .* true or false"),
    ("lightgbm", par(n_estimators="3"), "takes n_estimators as one of"),
    ("lightgbm", par(n_estimators=True), "takes n_estimators as one of"),
    ("lightgbm", par(n_jobs=1.5), "takes n_jobs as one of"),
    ("lightgbm", par(verbose=None), "takes verbose as one of"),
    ("lightgbm", par(engine_params=[]), "takes engine_params as one of"),
    ("lightgbm", par(n_estimators=2**64), "params.n_estimators does not have the form"),
    ("lightgbm", par(gamma={"type": "float", "value": "1e999"}), "params.gamma does not have"),
    ("lightgbm", par(gamma={"type": "dict", "items": [1]}), "params.gamma does not have the form"),
    ("lightgbm", par(gamma={"type": "dict", "items": [[[], 1]]}), "params.gamma does not have the"),
    ("lightgbm", par(pos_label="\ud800"), "params.pos_label does not have the form"),
    # bags
    ("bagging", lambda s: s.update(bags=[]), "must agree in number"),
    ("bagging", lambda s: s.update(bags={}), "bags does not have the form"),
    ("bagging", lambda s: s["bags"].pop(), "must agree in number|left over"),
    ("bagging", lambda s: s["bags"][0].update(booster="booster_1.txt"), "booster does not have"),
    (
        "bagging",
        lambda s: s["bags"][0].update({"class": "UnderBaggingClassifier"}),
        "must have classes_",
    ),
    (
        "bagging",
        lambda s: s["bags"][0].update({"class": "LogisticRegression"}),
        "class does not have",
    ),
    (
        "bagging",
        lambda s: s["prototype"].update({"class": "UnderBaggingClassifier"}),
        "no parameter",
    ),
    (
        "bagging",
        lambda s: s["prototype"].update(params={}, **{"class": "UnderBaggingClassifier"}),
        ".",
    ),
    (
        "bagging",
        lambda s: s["estimator"].update({"class": "UnderBaggingClassifier"}),
        "estimator does",
    ),
    ("bagging", lambda s: s["estimator"].update({"class": "SVC"}), "estimator does not have"),
    ("bagging", lambda s: s["estimator"]["params"].update(evil=1), "has no parameter 'evil'"),
    ("bagging", lambda s: s["fitted"]["_shares"].pop(), "must agree in number"),
    ("bagging", lambda s: s["fitted"]["estimators_samples_"].pop(), "must agree in number"),
    ("bagging", fit(estimators_samples_=[3, 3]), "a list of row numbers"),
    ("bagging", fit(_limits=["x"]), "_limits .* a list of numbers"),
    ("bagging", fit(_correction=[1.0]), "slope and intercept"),
    ("bagging", fit(_correction=[NAN, array([0.0])]), "slope and intercept"),
    ("bagging", fit(_correction=[1.0, array([0.0, 0.0])]), "slope and intercept"),
    ("bagging", fit(_oob=[]), "sums and counts"),
    ("bagging", fit(_oob=[array([])] * 4), "sums and counts"),
    ("bagging", fit(pos_label_=0), "must agree in number, classes"),
    ("bagging_many", fit(n_features_in_=5), "a number for each|names|must agree"),
]


@pytest.mark.parametrize(
    ("name", "change", "reason"),
    CHANGES,
    ids=[f"{i}-{name}-{reason[:30]}" for i, (name, _, reason) in enumerate(CHANGES)],
)
def test_a_state_that_is_not_allowed_is_refused(
    name: str,
    change: Callable[[dict[str, Any]], Any],
    reason: str,
    tmp_path: Path,
) -> None:
    refuse(with_state(saved(name), change), tmp_path / "x", reason)
