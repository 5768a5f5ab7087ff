"""``predict`` with costs of each row: the least expected cost decides, row by row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import sklearn
from hypothesis import given
from hypothesis import strategies as st
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import gbimb
from gbimb.decisions.rules import RowCosts
from gbimb.exceptions import InvalidDataError, InvalidParameterError, InvalidTypeError
from tests.helpers.strategies import QUICK, probabilities

if TYPE_CHECKING:
    from pathlib import Path

AMOUNTS = st.sampled_from([0.0, 1.0, 2.5, 40.0, 1e6])


def table(n: int = 600, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Frauds of which many are of small amounts."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(rng.normal(size=(n, 3)), columns=["a", "b", "c"])
    y = np.where(X["a"] + rng.normal(size=n) > 2, "fraud", "fine")
    return X, y, np.exp(rng.uniform(0, np.log(100), n))


@pytest.fixture(scope="module", params=["lightgbm", "xgboost", "bags", "first label"])
def model(request: pytest.FixtureRequest) -> Any:
    X, y, _ = table()
    small: dict[str, Any] = {"n_estimators": 10, "random_state": 0, "n_jobs": 1}
    if request.param == "bags":
        return gbimb.UnderBaggingClassifier(n_estimators=2, random_state=0, n_jobs=1).fit(X, y)
    if request.param == "xgboost":
        return gbimb.ImbalancedXGBClassifier(**small).fit(X, y)
    label = "fine" if request.param == "first label" else "fraud"
    return gbimb.ImbalancedLGBMClassifier(pos_label=label, **small).fit(X, y)


def flagged_by_hand(
    model: Any, X: pd.DataFrame, cost_fp: np.ndarray, cost_fn: np.ndarray
) -> list[str]:
    """Row by row: what each of the two answers costs on average."""
    positive, negative = model.pos_label_, next(c for c in model.classes_ if c != model.pos_label_)
    proba = model.predict_proba(X)[:, list(model.classes_).index(positive)]
    return [
        positive if p * fn > (1 - p) * fp else negative
        for p, fp, fn in zip(proba, cost_fp, cost_fn, strict=True)
    ]


def test_the_least_expected_cost_decides_each_row(model: Any) -> None:
    X, _, amounts = table(seed=1)
    by_hand = flagged_by_hand(model, X, np.full(len(X), 5.0), amounts)
    predicted = model.predict(X, cost_fp=5.0, cost_fn=amounts)
    assert predicted.tolist() == by_hand
    assert (predicted != model.predict(X)).any()


def test_numbers_and_arrays_and_a_scale_of_both_are_the_same(model: Any) -> None:
    X, _, amounts = table(seed=1)
    wanted = model.predict(X, cost_fp=5.0, cost_fn=amounts)
    for fp, fn in ((np.full(len(X), 5), list(amounts)), (pd.Series(5.0, X.index), amounts)):
        assert (model.predict(X, cost_fp=fp, cost_fn=fn) == wanted).all()
    assert (model.predict(X, cost_fp=8 * 5.0, cost_fn=8 * amounts) == wanted).all()


def test_equal_costs_are_a_threshold_of_one_half(model: Any) -> None:
    X, _, _ = table(seed=1)
    most_likely = model.classes_[model.predict_proba(X).argmax(axis=1)]
    assert (model.predict(X, cost_fp=3, cost_fn=3) == most_likely).all()


@given(probabilities, AMOUNTS, AMOUNTS, st.sampled_from([0, 1]))
@QUICK
def test_ties_are_not_flagged_and_margins_agree(p: float, fp: float, fn: float, at: int) -> None:
    proba = np.array([[p, 1 - p]] if at == 0 else [[1 - p, p]])
    rule = RowCosts(np.array([fp]), np.array([fn]), at)
    other = proba[0, 1 - at]
    assert (rule.decide(proba)[0] == at) == (p * fn > other * fp)
    assert (rule.margins(proba)[0] > 0) == (rule.decide(proba)[0] == 1)


def test_a_row_without_costs_is_not_flagged(model: Any) -> None:
    X, _, _ = table(seed=1)
    predicted = model.predict(X, cost_fp=0.0, cost_fn=0.0)
    assert (predicted != model.pos_label_).all()


def test_a_saved_model_decides_the_same(model: Any, tmp_path: Path) -> None:
    X, _, amounts = table(seed=1)
    model.save(tmp_path / "m.gbimb")
    loaded = gbimb.load(tmp_path / "m.gbimb")
    costs = {"cost_fp": 5.0, "cost_fn": amounts}
    assert (loaded.predict(X, **costs) == model.predict(X, **costs)).all()


def test_columns_of_a_source_are_named(model: Any, tmp_path: Path) -> None:
    X, _, amounts = table(seed=1)
    X.assign(amount=amounts, key=range(len(X))).to_parquet(tmp_path / "part.parquet")
    source = gbimb.ParquetSource(tmp_path, features=list(X.columns))
    wanted = model.predict(X, cost_fp=5.0, cost_fn=amounts)
    assert (model.predict(source, cost_fp=5.0, cost_fn="amount") == wanted).all()
    out = tmp_path / "out.parquet"
    model.predict_to(source, out, columns=["key"], cost_fp=5.0, cost_fn="amount")
    assert (pq.read_table(out).column("prediction").to_numpy() == wanted).all()
    with pytest.raises(InvalidDataError, match="no_such"):
        model.predict(source, cost_fp=5.0, cost_fn="no_such")


def test_scikit_learn_routes_the_costs_through_a_pipeline() -> None:
    X, y, amounts = table()
    with sklearn.config_context(enable_metadata_routing=True):
        clf = gbimb.ImbalancedLGBMClassifier(n_estimators=10, random_state=0, n_jobs=1)
        clf.set_predict_request(cost_fp=True, cost_fn=True)
        pipe = make_pipeline(StandardScaler().set_output(transform="pandas"), clf).fit(X, y)
        costs = {"cost_fp": np.full(len(X), 5.0), "cost_fn": amounts}
        routed = pipe.predict(X, **costs)
    scaled = pipe[:-1].transform(X)
    assert (routed == pipe[-1].predict(scaled, **costs)).all()
    assert (routed != pipe[-1].predict(scaled)).any()


@pytest.mark.parametrize(
    ("costs", "error", "words"),
    [
        ({"cost_fp": 1.0}, InvalidTypeError, "cost_fn is missing: give it with cost_fp"),
        ({"cost_fn": 1.0}, InvalidTypeError, "cost_fp is missing"),
        ({"cost_fp": -1.0, "cost_fn": 1.0}, InvalidDataError, "cost_fp must be >= 0, got -1"),
        ({"cost_fp": 1.0, "cost_fn": np.nan}, InvalidDataError, "cost_fn must be finite"),
        ({"cost_fp": np.inf, "cost_fn": 1.0}, InvalidDataError, "cost_fp must be finite"),
        ({"cost_fp": [1.0, 2.0], "cost_fn": 1.0}, InvalidDataError, r"cost_fp .* shape \(600,\)"),
        ({"cost_fp": 1.0, "cost_fn": np.ones((600, 1))}, InvalidDataError, "cost_fn must be a num"),
        ({"cost_fp": 1.0, "cost_fn": "amount"}, InvalidTypeError, "cost_fn must be a number or"),
        ({"cost_fp": [{}] * 600, "cost_fn": 1.0}, InvalidTypeError, "cost_fp must hold numbers"),
    ],
)
def test_wrong_costs_get_a_sentence(costs: dict[str, Any], error: Any, words: str) -> None:
    X, y, _ = table()
    clf = gbimb.ImbalancedLGBMClassifier(n_estimators=2, cv=None, n_jobs=1).fit(X, y)
    with pytest.raises(error, match=words):
        clf.predict(X, **costs)


def test_more_classes_are_sent_to_a_matrix() -> None:
    X, _, _ = table()
    y = np.arange(len(X)) % 3
    clf = gbimb.ImbalancedLGBMClassifier(n_estimators=2, cv=None, n_jobs=1).fit(X, y)
    with pytest.raises(InvalidParameterError, match=r"two classes, got 3.*matrix"):
        clf.predict(X, cost_fp=1.0, cost_fn=2.0)
