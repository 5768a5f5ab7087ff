"""What people bring from other packages works, or a sentence says what does."""

from __future__ import annotations

import copy
import pickle
import re
import warnings
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, fbeta_score, make_scorer
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    GroupShuffleSplit,
    LeaveOneGroupOut,
    StratifiedGroupKFold,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import gbimb
from gbimb.exceptions import GbimbError, GbimbWarning, InvalidParameterError, InvalidTypeError
from gbimb.metrics import get_metric, get_multiclass_metric
from tests.estimators.common import KINDS, Kind, both, numbers, quick

OTHERS = [gbimb.UnderBaggingClassifier, gbimb.AutoImbalancedClassifier]


@both
@pytest.mark.parametrize(
    ("name", "value", "remedy"),
    [
        ("class_weight", "balanced", "Use scale_pos_weight, a number, 'balanced' or a dict"),
        ("class_weight", None, "Use scale_pos_weight"),
        ("is_unbalance", True, "Use scale_pos_weight"),
        ("objective", "binary", "Use loss."),
        ("num_boost_round", 10, "Use n_estimators."),
        ("seed", 3, "Use random_state."),
        ("n_estimator", 3, "Did you mean 'n_estimators'?"),
        ("max_bin", 31, "goes into engine_params"),
    ],
)
def test_a_parameter_of_another_package_is_answered_with_the_one_here(
    kind: Kind, name: str, value: object, remedy: str
) -> None:
    with pytest.raises(InvalidTypeError, match=f"^{name} is not a parameter of .*{remedy}"):
        kind(**{name: value})


@pytest.mark.parametrize(
    ("kind", "remedy"),
    [*zip(OTHERS, ["Give scale_pos_weight to the classifier in", "The search"], strict=True)],
)
def test_class_weight_is_answered_by_bags_and_the_automatic_choice(kind: type, remedy: str) -> None:
    with pytest.raises(TypeError, match=f"^class_weight is not a parameter .*{remedy}"):
        kind(class_weight="balanced")
    with pytest.raises(InvalidTypeError, match="Did you mean 'random_state'"):
        kind(randomstate=3)


@both
def test_class_weight_in_a_grid_is_answered_alike(kind: Kind) -> None:
    with pytest.raises(InvalidParameterError, match=r"class_weight is not .* Use scale_pos_weight"):
        kind().set_params(class_weight="balanced")
    with pytest.raises(ValueError, match="Invalid parameter 'gama'"):
        kind().set_params(gama=3)


class Mine(gbimb.ImbalancedLGBMClassifier):
    """A subclass that hands its parameters on."""

    def __init__(self, *, bonus: float = 1.0, **parameters: Any) -> None:
        super().__init__(**parameters)
        self.bonus = bonus


def test_copies_pickles_and_subclasses_are_made_as_ever() -> None:
    clf = gbimb.ImbalancedXGBClassifier(loss=gbimb.FocalLoss(3.0))
    for made in (clone(clf), copy.copy(clf), pickle.loads(pickle.dumps(clf))):
        assert made.get_params() == clf.get_params()
    mine = Mine(bonus=2.0, gamma=1.0)
    assert (mine.bonus, mine.gamma) == (2.0, 1.0)


# The loss inside -----------------------------------------------------------------------------


@both
def test_parameters_of_a_loss_can_be_set_in_a_grid(kind: Kind) -> None:
    X, y = numbers(600)
    given = gbimb.FocalLoss(1.0)
    grid = {"loss__gamma": [0.0, 4.0], "loss__scale_pos_weight": [1.0, 2.0]}
    search = GridSearchCV(quick(kind, loss=given), grid, scoring="neg_log_loss", cv=2).fit(X, y)
    assert given == gbimb.FocalLoss(1.0)  # a value: it is replaced, not changed
    best = search.best_estimator_
    assert best.loss_.gamma == search.best_params_["loss__gamma"]
    by_hand = {
        gamma: -log_loss_of(quick(kind, loss=gbimb.FocalLoss(gamma)), X, y) for gamma in (0.0, 4.0)
    }
    plain = search.cv_results_["mean_test_score"][
        [p["loss__scale_pos_weight"] == 1.0 for p in search.cv_results_["params"]]
    ]
    np.testing.assert_allclose(plain, [by_hand[0.0], by_hand[4.0]], rtol=1e-12)


def log_loss_of(clf: Any, X: np.ndarray, y: np.ndarray) -> float:
    from sklearn.model_selection import cross_val_score

    return -float(cross_val_score(clf, X, y, scoring="neg_log_loss", cv=2).mean())


def test_parameters_of_a_loss_are_listed_and_reach_through_pipelines_and_bags() -> None:
    clf = gbimb.ImbalancedLGBMClassifier(loss=gbimb.FocalLoss(1.0, alpha=0.3))
    inside = {"loss__gamma": 1.0, "loss__alpha": 0.3, "loss__scale_pos_weight": 1.0}
    assert inside.items() <= clf.get_params().items()
    assert not [name for name in clf.get_params(deep=False) if "__" in name]
    assert not [name for name in gbimb.ImbalancedLGBMClassifier().get_params() if "__" in name]
    model = make_pipeline(StandardScaler(), gbimb.UnderBaggingClassifier(clf))
    model.set_params(underbaggingclassifier__estimator__loss__gamma=5.0)
    assert model[-1].estimator.loss == gbimb.FocalLoss(5.0, alpha=0.3)
    clf.set_params(loss=gbimb.SoftFBetaLoss(), loss__beta=2.0)  # of the new loss
    assert clf.loss.beta == 2.0


def test_parameters_of_a_loss_that_is_not_there_are_answered() -> None:
    with pytest.raises(InvalidParameterError, match=r"loss__gamma must belong .* or use gamma"):
        gbimb.ImbalancedLGBMClassifier().set_params(loss__gamma=1.0)
    clf = gbimb.ImbalancedLGBMClassifier(loss=gbimb.FocalLoss())
    with pytest.raises(InvalidParameterError, match="Did you mean 'loss__gamma'"):
        clf.set_params(loss__gama=1.0)
    with pytest.raises(GbimbError, match="gamma must be"):
        clf.set_params(loss__gamma=-1.0)
    with pytest.raises(ValueError, match="Invalid parameter 'loss'"):
        gbimb.UnderBaggingClassifier().set_params(loss__gamma=1.0)


# Metrics -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("got", "right"),
    [
        *dict.fromkeys(["aucpr", "pr_auc", "ap", "PR-AUC", "auprc"], "average_precision").items(),
        *dict.fromkeys(["auc", "AUROC", "roc_auc_score"], "roc_auc").items(),
        *dict.fromkeys(["logloss", "binary_logloss", "neg_log_loss"], "log_loss").items(),
        *dict.fromkeys(["matthews", "matthews_corrcoef", "phi"], "mcc").items(),
        *dict.fromkeys(["f1_score", "F-score", "f1_score@0.5"], "f1").items(),
        ("f2", "fbeta:2"),
        ("brier_score_loss", "brier"),
        ("gmean", "g_mean"),
        ("sensitivity", "recall at precision >= 0.5"),
        ("accuracy", "balanced_accuracy"),
        ("f11", "f1"),
    ],
)
def test_the_usual_names_of_metrics_are_answered_with_those_here(got: str, right: str) -> None:
    with pytest.raises(InvalidParameterError, match=f"Did you mean {right!r}"):
        get_metric(got)


def test_the_usual_names_are_answered_for_many_classes_and_by_every_estimator() -> None:
    with pytest.raises(InvalidParameterError, match="Did you mean 'f1'"):
        get_multiclass_metric("f1_macro")
    X, y = numbers()
    for clf in (
        *(quick(kind, eval_metric="pr_auc") for kind in KINDS),
        gbimb.UnderBaggingClassifier(eval_metric="pr_auc"),
        gbimb.AutoImbalancedClassifier("pr_auc"),
    ):
        with pytest.raises(InvalidParameterError, match="Did you mean 'average_precision'"):
            clf.fit(X, y)


@pytest.mark.parametrize(
    ("function", "remedy"),
    [
        (average_precision_score, "average_precision_score. Use 'average_precision'."),
        (make_scorer(fbeta_score, beta=2), "fbeta_score. Use 'fbeta:2'."),
        (max, "max. Name one of gbimb's, and compare fits"),
    ],
)
def test_a_function_as_metric_is_answered_with_its_name(function: object, remedy: str) -> None:
    X, y = numbers()
    sentence = re.escape(remedy)
    for clf in (
        *(quick(kind, eval_metric=m) for kind in KINDS for m in (function, ["mcc", function])),
        gbimb.UnderBaggingClassifier(eval_metric=function),
        gbimb.AutoImbalancedClassifier(function),
    ):
        with pytest.raises(InvalidTypeError, match=f"metric must be a name .*{sentence}"):
            clf.fit(X, y)


# Splits --------------------------------------------------------------------------------------


@both
@pytest.mark.parametrize(
    "cv", [GroupKFold(5), LeaveOneGroupOut(), StratifiedGroupKFold(3), GroupShuffleSplit()]
)
def test_splitters_by_group_are_answered_with_the_list_that_works(kind: Kind, cv: Any) -> None:
    X, y = numbers()
    words = re.escape("cv=list(cv.split(X, y, groups))")
    with pytest.raises(InvalidParameterError, match=f"{type(cv).__name__}.*{words}"):
        quick(kind, cv=cv).fit(X, y)
    groups = np.arange(len(y)) % 4
    if not isinstance(cv, GroupKFold):
        return
    folds = list(GroupKFold(4).split(X, y, groups))
    assert quick(kind, cv=folds).fit(X, y).validation_ == "4 splits given by cv"


@both
def test_a_hold_out_speaks_of_one_row_in_five(kind: Kind) -> None:
    X, y = numbers()
    with pytest.warns(GbimbWarning, match="1 of 3 classes have fewer than 5 rows, of which one"):
        quick(kind, cv="holdout").fit(X, np.where(np.arange(len(y)) < 3, 2, y))
    with pytest.raises(
        GbimbError, match=r"one row in 5 needs .* 5 rows of two classes, got 3"
    ) as e:
        quick(kind, cv="holdout").fit(X, np.arange(len(y)) < 3)
    assert "folds" not in str(e.value)


# Labels --------------------------------------------------------------------------------------


def test_a_label_by_name_inside_voting_and_stacking_is_answered() -> None:
    X, y = numbers()
    names = np.where(y == 1, "yes", "no")
    for meta in (VotingClassifier, StackingClassifier):
        inner = quick(KINDS[0], pos_label="yes", n_estimators=3)
        with pytest.raises(InvalidParameterError, match=r"numbers the labels .* give the number"):
            meta([("a", inner), ("b", LogisticRegression())]).fit(X, names)
        model = meta([("a", inner.set_params(pos_label=1)), ("b", LogisticRegression())])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert model.fit(X, names).named_estimators_["a"].pos_label_ == 1
        assert set(model.predict(X)) == {"no", "yes"}


# Engines -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"device": "cuda"}, "GPUs are not supported"),
        ({"tree_method": "gpu_hist"}, "GPUs are not supported: .* by 'hist'"),
        ({"gpu_id": 0}, "GPUs are not supported"),
        ({"booster": "dart"}, "trees are boosted with 'gbtree'"),
        ({"base_score": 0.5}, "training starts at the minimum of the loss"),
    ],
)
def test_what_xgboost_is_not_asked_for_has_a_reason(params: dict[str, Any], reason: str) -> None:
    X, y = numbers()
    name = next(iter(params))
    with pytest.raises(InvalidParameterError, match=f"must not hold {name!r}: {reason}"):
        quick(KINDS[1], engine_params=params).fit(X, y)


def test_what_lightgbm_is_not_asked_for_has_a_reason() -> None:
    X, y = numbers()
    with pytest.raises(InvalidParameterError, match="must not hold 'boosting': trees are boosted"):
        quick(KINDS[0], engine_params={"boosting": "dart"}).fit(X, y)
