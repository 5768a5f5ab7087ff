"""A fit takes effect as a whole or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression

import gbimb
from gbimb.training.bagging import fitting as _bagging
from gbimb.training.recipe import Recipe
from tests.estimators.common import KINDS, numbers, quick

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

X, Y = numbers(600)


def bags(estimator: Any = None, **parameters: Any) -> gbimb.UnderBaggingClassifier:
    inside = quick(KINDS[0], cv="auto", n_estimators=5) if estimator is None else estimator
    return gbimb.UnderBaggingClassifier(inside, 3, random_state=0, n_jobs=1, **parameters)


def automatic() -> gbimb.AutoImbalancedClassifier:
    return gbimb.AutoImbalancedClassifier(n_trials=1, time_budget=None, random_state=0, n_jobs=1)


MAKE: dict[str, Callable[[], Any]] = {
    "lgbm": lambda: quick(KINDS[0]),
    "xgb": lambda: quick(KINDS[1]),
    "bags": bags,
    "bags of others": lambda: bags(LogisticRegression()),
    "automatic": automatic,
}
made = pytest.mark.parametrize("make", MAKE.values(), ids=MAKE)


def fit_interrupted(clf: Any, X: np.ndarray, y: np.ndarray, after: int = 0) -> None:
    """Fit, and be interrupted after so many bags, or when a booster was trained."""
    bags = []

    def fit_bag(*given: Any) -> Any:
        bags.append(given)
        if len(bags) > after:
            raise KeyboardInterrupt
        return plain(*given)

    def keep(*_: object) -> None:
        raise KeyboardInterrupt

    plain = _bagging._fit_bag
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_bagging, "_fit_bag", fit_bag)
        if not isinstance(clf, gbimb.UnderBaggingClassifier):
            patch.setattr(Recipe, "model", keep)
        with pytest.raises(KeyboardInterrupt):
            clf.fit(X, y)


@made
def test_an_interrupted_second_fit_leaves_the_first(make: Callable[[], Any]) -> None:
    clf = make().fit(X, np.where(Y, "bad", "good"))
    before, names = clf.predict_proba(X), sorted(vars(clf))
    fit_interrupted(clf, np.column_stack([X, X]), np.where(Y, "zebra", "apple"))
    assert sorted(vars(clf)) == names
    assert clf.n_features_in_ == X.shape[1]
    np.testing.assert_array_equal(clf.predict_proba(X), before)
    assert set(clf.predict(X)) <= {"bad", "good"}


@made
def test_an_interrupted_first_fit_leaves_an_estimator_that_is_not_fitted(
    make: Callable[[], Any],
) -> None:
    clf = make()
    fit_interrupted(clf, X, Y)
    with pytest.raises(NotFittedError):
        clf.predict(X)
    clf.fit(X, Y).predict(X)


@pytest.mark.parametrize("estimator", [None, LogisticRegression()], ids=["own", "other"])
def test_bags_that_are_added_are_all_there_or_none(
    estimator: Any,
    tmp_path: Path,
) -> None:
    clf = bags(estimator, warm_start=True).fit(X, Y)
    before = clf.predict_proba(X)
    clf.set_params(n_estimators=6)
    fit_interrupted(clf, X, Y, after=2)
    assert len(clf.estimators_) == len(clf.estimators_samples_) == 3
    np.testing.assert_array_equal(clf.predict_proba(X), before)
    clf.fit(X, Y)
    np.testing.assert_array_equal(
        clf.predict_proba(X), bags(estimator).set_params(n_estimators=6).fit(X, Y).predict_proba(X)
    )
    if estimator is None:
        clf.save(tmp_path / "m.gbimb")
