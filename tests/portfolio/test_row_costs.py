"""``metric="cost"``: members judged, and thresholds chosen, by what each row costs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

import gbimb
from gbimb.decisions.rules import RowCosts
from gbimb.decisions.threshold import cheapest_threshold
from gbimb.exceptions import GbimbError, InvalidDataError, InvalidParameterError, InvalidTypeError
from gbimb.metrics import mean_cost
from gbimb.training.objectives.named import make_objective
from tests.auto.common import numbers, quick

Rows = tuple[np.ndarray, np.ndarray, np.ndarray]


def small(**parameters: Any) -> gbimb.ImbalancedClassifier:
    given = {"metric": "cost", "random_state": 0, "n_jobs": 1, **parameters}
    return gbimb.ImbalancedClassifier(**given)


def table(n: int = 600, seed: int = 0) -> Rows:
    X, y = numbers(n, seed=seed)
    return X, y, np.exp(np.random.default_rng(seed).uniform(0, np.log(100), n))


@pytest.fixture(scope="module")
def fitted() -> gbimb.ImbalancedClassifier:
    X, y, amounts = table()
    return small().fit(X, y, cost_fp=5.0, cost_fn=amounts)


def test_the_score_is_that_of_rows_decided_by_their_own_costs() -> None:
    _, y, amounts = table()
    proba = np.random.default_rng(1).random(y.size)
    costs = RowCosts(np.full(y.size, 5.0), amounts, 1)
    objective = make_objective("cost", 2).of_rows(costs)
    flagged = proba * amounts > (1 - proba) * 5.0
    each = np.where(flagged == (y == 1), 0.0, np.where(y == 1, amounts, 5.0))
    rng = np.random.default_rng(0)  # that of the bootstraps
    means = [-np.average(each, weights=rng.poisson(1.0, y.size)) for _ in range(50)]
    np.testing.assert_allclose(objective.scores(y, proba, None), means)


def test_the_threshold_is_about_the_cheapest_one(fitted: gbimb.ImbalancedClassifier) -> None:
    X, y, amounts = table(20_000, seed=1)
    proba = fitted.predict_proba(X)[:, 1]
    costs = [mean_cost(y, proba >= t, 5.0, amounts) for t in np.linspace(0.01, 0.9, 200)]
    chosen = mean_cost(y, fitted.predict(X), 5.0, amounts)
    assert chosen <= 1.05 * min(costs)
    assert mean_cost(y, fitted.predict(X, cost_fp=5.0, cost_fn=amounts), 5.0, amounts) < chosen


@pytest.mark.parametrize(("fp", "fn"), [(1.0, 1.0), (1.0, 20.0), (3.0, 1.0)])
def test_equal_costs_give_the_threshold_of_their_ratio(fp: float, fn: float) -> None:
    rng = np.random.default_rng(0)
    proba = rng.beta(0.5, 2, 50_000)
    y = (rng.random(proba.size) < proba).astype(int)
    found = cheapest_threshold(y, proba, np.full(y.size, fp), np.full(y.size, fn))
    assert found == pytest.approx(fp / (fp + fn), rel=0.08)
    weight = np.full(y.size, 0.01)
    again = cheapest_threshold(y, proba, np.full(y.size, fp), np.full(y.size, fn), weight)
    assert again == pytest.approx(found, rel=0.01)


def test_costs_of_one_side_alone_flag_all_or_none() -> None:
    y, proba, one, none = np.array([0, 1] * 5), np.full(10, 0.5), np.ones(10), np.zeros(10)
    assert cheapest_threshold(y, proba, none, one) == 0.0
    assert cheapest_threshold(y, proba, one, none) == 1.0
    assert cheapest_threshold(y, proba, none, none) == 1.0


def test_rows_without_weight_take_their_costs_along() -> None:
    X, y, amounts = table()
    twice = np.r_[X, X[:50]], np.r_[y, 1 - y[:50]], np.r_[np.ones(len(X)), np.zeros(50)]
    fp = np.linspace(1, 9, len(X))
    one = small().fit(X, y, cost_fp=fp, cost_fn=amounts)
    costs = {"cost_fp": np.r_[fp, np.full(50, 1e6)], "cost_fn": np.r_[amounts, np.full(50, 1e6)]}
    two = small().fit(*twice, **costs)
    assert two.threshold_ == pytest.approx(one.threshold_)
    assert two.best_score_ == pytest.approx(one.best_score_)


def test_the_first_label_may_be_the_positive_one(fitted: gbimb.ImbalancedClassifier) -> None:
    X, y, amounts = table()
    other = small(pos_label=0).fit(X, 1 - y, cost_fp=5.0, cost_fn=amounts)
    assert other.threshold_ == pytest.approx(fitted.threshold_)
    costs = {"cost_fp": 5.0, "cost_fn": amounts}
    assert (other.predict(X, **costs) == 1 - fitted.predict(X, **costs)).all()


def test_another_prevalence_leaves_the_threshold_of_costs_alone(
    fitted: gbimb.ImbalancedClassifier, tmp_path: Any
) -> None:
    fitted.save(tmp_path / "m.gbimb")
    for model in (fitted, gbimb.load(tmp_path / "m.gbimb")):
        assert model.adapt(prevalence=0.4).threshold_ == pytest.approx(fitted.threshold_)


def test_a_search_compares_candidates_by_cost() -> None:
    X, y, amounts = table()
    clf = quick(metric="cost").fit(X, y, cost_fp=5.0, cost_fn=amounts)
    assert (clf.leaderboard_["score"] < 0).all()
    assert 0 < clf.threshold_ < 1


def test_scikit_learn_clones_and_cuts_the_costs_with_the_folds() -> None:
    X, y, amounts = table()
    with sklearn.config_context(enable_metadata_routing=True):
        clf = quick(metric="cost", n_trials=1).set_fit_request(cost_fp=True, cost_fn=True)
        search = GridSearchCV(clone(clf), {"engine": ["lightgbm"]}, cv=2, error_score="raise")
        search.fit(X, y, cost_fp=np.full(len(X), 5.0), cost_fn=amounts)
    assert search.best_estimator_.metric == "cost"


@pytest.mark.parametrize(
    ("metric", "costs", "error", "words"),
    [
        ("cost", {}, InvalidTypeError, "needs cost_fp and cost_fn in fit"),
        ("cost", {"cost_fp": 1.0}, InvalidTypeError, "cost_fn is missing"),
        ("cost", {"cost_fp": 1.0, "cost_fn": [1.0]}, InvalidDataError, r"shape \(600,\)"),
        ("cost", {"cost_fp": -1.0, "cost_fn": 1.0}, InvalidDataError, "cost_fp must be >= 0"),
        ("cost", {"cost_fp": 1.0, "cost_fn": "amount"}, InvalidTypeError, "got the text"),
        ("mcc", {"cost_fp": 1.0, "cost_fn": 1.0}, InvalidParameterError, "go with metric='cost'"),
    ],
)
def test_wrong_costs_get_a_sentence(
    metric: str, costs: dict[str, Any], error: Any, words: str
) -> None:
    X, y, _ = table()
    with pytest.raises(error, match=words):
        small(metric=metric).fit(X, y, **costs)


def test_more_classes_and_sources_are_refused(tmp_path: Any) -> None:
    X, _, amounts = table()
    with pytest.raises(InvalidParameterError, match=r"two classes, got 3.*matrix"):
        small().fit(X, np.arange(len(X)) % 3, cost_fp=1.0, cost_fn=amounts)
    import pandas as pd

    pd.DataFrame(X, columns=list("abcd")).assign(y=0).to_parquet(tmp_path / "part.parquet")
    source = gbimb.ParquetSource(tmp_path, target="y")
    with pytest.raises(GbimbError, match="needs a table in memory"):
        small().fit(source, cost_fp=1.0, cost_fn=2.0)
