"""Rules of the estimators' thresholds: on average, or with a confidence."""

from __future__ import annotations

import copy
import pickle
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy.special import expit
from sklearn.base import clone

import gbimb
from gbimb.exceptions import GbimbError, GbimbWarning, InvalidDataError, InvalidParameterError
from gbimb.thresholds import Guarantee
from tests.estimators.common import both, quick

if TYPE_CHECKING:
    from pathlib import Path

RULES = ("precision >= 0.5", "recall >= 0.6", "fpr <= 0.1", "alerts <= 0.1", "specificity >= 0.9")


def table(n: int = 1200, seed: int = 0) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4))
    return X, rng.random(n) < expit(-3.0 + 2.0 * X[:, 0] + 2.0 * X[:, 1])


def estimator(name: str, **parameters: Any) -> Any:
    own = {"random_state": 0, "n_jobs": 1, **parameters}
    trees = {"n_estimators": 15, "num_leaves": 8, "n_jobs": 1}
    if name == "bags":
        return gbimb.UnderBaggingClassifier(gbimb.ImbalancedLGBMClassifier(**trees), 5, **own)
    if name == "portfolio":
        return gbimb.ImbalancedClassifier(**own)
    if name == "auto":
        search = {"time_budget": None, "n_trials": 1, "engine": "lightgbm"}
        return gbimb.AutoImbalancedClassifier(**search, **own)
    return gbimb.ImbalancedLGBMClassifier(**{**trees, **own})


@pytest.mark.parametrize("name", ["boosting", "bags", "auto", "portfolio"])
def test_every_estimator_keeps_its_promise_on_new_rows_and_in_a_file(
    name: str, tmp_path: Path
) -> None:
    new, y = table(20_000, seed=1)
    clf = estimator(name, threshold="recall >= 0.6", confidence=0.95).fit(*table())
    found = clf.guarantee_
    assert isinstance(found, Guarantee)
    assert (found.rule, found.confidence, found.met) == ("recall >= 0.6", 0.95, True)
    assert found.threshold == clf.threshold_
    assert found.bound >= 0.6
    assert np.mean(clf.predict(new)[y]) >= 0.6
    clf.save(tmp_path / "m.gbimb")
    for again in (gbimb.load(tmp_path / "m.gbimb"), pickle.loads(pickle.dumps(clf))):
        assert again.guarantee_ == found
        assert again.get_params()["confidence"] == 0.95
        assert np.array_equal(again.predict(new), clf.predict(new))


@both
@pytest.mark.parametrize("rule", RULES)
def test_a_rule_without_confidence_is_kept_on_held_out_rows_on_average(
    kind: Any, rule: str
) -> None:
    clf = quick(kind, threshold=rule).fit(*table())
    assert clf.guarantee_ is None
    flagged = clf.predict(table()[0]).mean()
    assert 0.01 < flagged < 0.4
    rate = rule.split(maxsplit=1)[0]
    served = f"{'precision' if rate == 'recall' else 'recall'} at {rule}"
    assert clf.threshold_ == quick(kind, threshold=served).fit(*table()).threshold_


@both
def test_a_promise_asks_for_more_than_an_average(kind: Any) -> None:
    X, y = table()
    for rule, flags_more in (("recall >= 0.6", True), ("fpr <= 0.05", False)):
        plain = quick(kind, threshold=rule).fit(X, y).threshold_
        sure = quick(kind, threshold=rule, confidence=0.99).fit(X, y).threshold_
        assert (sure < plain) == flags_more


@both
def test_a_rule_that_cannot_be_met_warns_and_goes_on_with_the_best(kind: Any) -> None:
    X, y = table(200)
    with pytest.warns(GbimbWarning, match="precision >= 0.99 cannot be promised with 95 %"):
        clf = quick(kind, threshold="precision >= 0.99", confidence=0.95).fit(X, y)
    assert not clf.guarantee_.met
    assert 0 < clf.guarantee_.bound < 0.99
    assert clf.guarantee_.rows == 200


@both
def test_a_threshold_set_by_hand_promises_nothing(kind: Any) -> None:
    clf = quick(kind, threshold="recall >= 0.6", confidence=0.9).fit(*table())
    other = copy.deepcopy(clf)
    other.threshold_ = 0.5
    assert other.guarantee_ is None
    assert clf.guarantee_ is not None
    assert not hasattr(clone(clf), "guarantee_")


@both
@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"confidence": 0.95}, "confidence needs a rule"),
        ({"confidence": 0.95, "threshold": "mcc"}, "confidence needs a rule"),
        ({"confidence": 0.95, "threshold": 0.3}, "confidence needs a rule"),
        ({"confidence": 1.0, "threshold": "recall >= 0.8"}, "confidence must be"),
        ({"confidence": "high", "threshold": "recall >= 0.8"}, "confidence must be"),
        ({"threshold": "recall >= 2"}, "recall must be"),
        ({"threshold": "recall <= 0.2"}, "threshold"),
        ({"threshold": "recall >= 0.8", "cv": None}, "needs held-out rows"),
        (
            {"confidence": 0.9, "threshold": "recall >= 0.8", "calibration": "isotonic"},
            "calibration must be",
        ),
    ],
)
def test_what_cannot_be_promised_is_refused(kind: Any, given: dict[str, Any], says: str) -> None:
    with pytest.raises(GbimbError, match=says):
        quick(kind, **given).fit(*table(300))


def test_too_few_rows_to_hold_any_out_promise_nothing() -> None:
    X, y = np.random.default_rng(0).normal(size=(300, 2)), np.arange(300) < 5
    for name in ("boosting", "bags"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with pytest.raises(InvalidDataError, match="needs held-out rows"):
                estimator(name, threshold="recall >= 0.5", confidence=0.9).fit(X, y)


def test_more_than_two_classes_and_estimators_in_bags_are_refused() -> None:
    X, _ = table(300)
    rule = {"threshold": "recall >= 0.5", "confidence": 0.9}
    with pytest.raises(InvalidParameterError, match="more than two classes"):
        estimator("boosting", **rule).fit(X, np.arange(300) % 3)
    bags = gbimb.UnderBaggingClassifier(gbimb.ImbalancedLGBMClassifier(**rule))
    with pytest.raises(InvalidParameterError, match=r"confidence=0\.9 of the estimator"):
        bags.fit(*table(300))


def test_the_promise_is_described() -> None:
    from gbimb.estimators.facts import facts
    from gbimb.estimators.inspection import describe_model

    clf = estimator("boosting", threshold="recall >= 0.6", confidence=0.9).fit(*table())
    assert describe_model(clf)["guarantee"] == clf.guarantee_
    assert ("Promise", str(clf.guarantee_)) in facts(clf)


def test_a_file_whose_promise_is_of_another_threshold_is_refused() -> None:
    from gbimb.model.reading import build
    from gbimb.model.states import STATE, dump

    clf = estimator("boosting", threshold="recall >= 0.6", confidence=0.9).fit(*table())
    members, _ = dump(clf)
    text = members[STATE].decode()
    wrong = text.replace(f'"threshold_": {clf.threshold_!r}', '"threshold_": 0.123')
    assert wrong != text
    with pytest.raises(InvalidDataError, match="guarantee_ must be of the threshold_"):
        build({**members, STATE: wrong.encode()}, {type(clf).__name__: type(clf)})
