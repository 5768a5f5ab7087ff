"""``adapt``: a fitted copy for rows in which the classes have other shares than in training."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

import gbimb
from gbimb.decisions.held_out import HeldOutScores
from gbimb.decisions.marginals import Marginals
from gbimb.exceptions import GbimbWarning, InvalidDataError, InvalidTypeError
from gbimb.metrics import mcc_score

if TYPE_CHECKING:
    from pathlib import Path

SMALL: dict[str, Any] = {"n_estimators": 15, "random_state": 0, "n_jobs": 1}


def rows(n: int, share: float, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Two classes of which only the shares differ from table to table."""
    rng = np.random.default_rng(seed)
    y = rng.random(n) < share
    X = pd.DataFrame(rng.normal(size=(n, 3)) + 1.2 * y[:, None], columns=["a", "b", "c"])
    X["colour"] = pd.Categorical(np.where(rng.random(n) < 0.3 + 0.3 * y, "red", "blue"))
    return X, y.astype(int)


@pytest.fixture(scope="module", params=["lightgbm", "xgboost", "bags", "first label"])
def model(request: pytest.FixtureRequest) -> Any:
    X, y = rows(3000, 0.05, 20)
    if request.param == "bags":
        return gbimb.UnderBaggingClassifier(n_estimators=3, random_state=0, n_jobs=1).fit(X, y)
    if request.param == "xgboost":
        return gbimb.ImbalancedXGBClassifier(**SMALL).fit(X, y)
    label = 0 if request.param == "first label" else 1
    return gbimb.ImbalancedLGBMClassifier(pos_label=label, **SMALL).fit(X, y)


def share_of_ones(model: Any) -> float:
    return float(model.prevalence_ if model.pos_label_ == 1 else 1 - model.prevalence_)


@pytest.mark.parametrize("share", [0.15, 0.4])
def test_it_finds_the_prevalence_and_the_probabilities_are_true_again(
    model: Any, share: float
) -> None:
    X, y = rows(6000, share, 1)
    copy = model.adapt(X)
    assert share_of_ones(model) == pytest.approx(0.05, abs=0.01)
    assert share_of_ones(copy) == pytest.approx(share, rel=0.5)
    assert copy.predict_proba(X)[:, 1].mean() == pytest.approx(y.mean(), rel=0.5)
    found = copy.prevalence_estimate_
    assert found.low <= copy.prevalence_ <= found.high
    assert not hasattr(model, "prevalence_estimate_")


def test_the_odds_move_by_the_odds_of_the_classes(model: Any) -> None:
    X, _ = rows(500, 0.05, 2)
    new = 0.2 if model.pos_label_ == 1 else 0.8
    before, after = (m.predict_proba(X)[:, 1] for m in (model, model.adapt(prevalence=new)))
    own = share_of_ones(model)
    factor = (0.2 / 0.8) / (own / (1 - own))
    assert after / (1 - after) == pytest.approx(factor * before / (1 - before))
    same = model.adapt(prevalence=model.prevalence_)
    assert same.predict_proba(X)[:, 1] == pytest.approx(before)


def test_the_threshold_serves_the_metric_in_the_new_prevalence(model: Any) -> None:
    """With many more positives the old decisions flag too few."""
    X, y = rows(4000, 0.4, 3)
    copy = model.adapt(X)
    assert mcc_score(y, copy.predict(X)) > mcc_score(y, model.predict(X)) + 0.03
    assert (copy.predict(X) == 1).sum() > (model.predict(X) == 1).sum()


def test_to_adapt_again_starts_from_training(model: Any) -> None:
    X, _ = rows(2000, 0.2, 4)
    once, twice = model.adapt(X), model.adapt(prevalence=0.5).adapt(X)
    assert twice.prevalence_ == pytest.approx(once.prevalence_)
    assert twice.threshold_ == once.threshold_


def test_a_given_threshold_stays() -> None:
    X, y = rows(1000, 0.1, 5)
    clf = gbimb.ImbalancedLGBMClassifier(threshold=0.3, **SMALL).fit(X, y)
    assert clf.adapt(prevalence=0.3).threshold_ == 0.3


def test_without_held_out_rows_the_prevalence_is_that_of_training() -> None:
    X, y = rows(1000, 0.1, 5)
    clf = gbimb.ImbalancedLGBMClassifier(cv=None, **SMALL).fit(X, y)
    assert clf.prevalence_ == pytest.approx(y.mean())
    assert clf.adapt(prevalence=0.3).predict_proba(X).mean(axis=0)[1] > 0.2


def test_files_keep_it(model: Any, tmp_path: Path) -> None:
    X, _ = rows(2000, 0.2, 6)
    copy = model.adapt(X)
    copy.save(tmp_path / "m.gbimb")
    loaded = gbimb.load(tmp_path / "m.gbimb")
    assert (loaded.predict_proba(X) == copy.predict_proba(X)).all()
    assert loaded.prevalence_ == copy.prevalence_
    again = loaded.adapt(X)
    assert (again.prevalence_, again.threshold_) == (copy.prevalence_, copy.threshold_)


def test_a_source_is_adapted_to(model: Any, tmp_path: Path) -> None:
    X, _ = rows(2000, 0.2, 6)
    X.to_parquet(tmp_path / "part.parquet")
    copy = model.adapt(gbimb.ParquetSource(tmp_path))
    assert copy.prevalence_ == pytest.approx(model.adapt(X).prevalence_)


def test_many_classes() -> None:
    def three(n: int, share: list[float], seed: int) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng(seed)
        y = rng.choice(3, n, p=share)
        return rng.normal(size=(n, 3)) + 2.0 * np.eye(3)[y], y

    X, y = three(3000, [0.7, 0.2, 0.1], 0)
    clf = gbimb.ImbalancedLGBMClassifier(**SMALL).fit(X, y)
    new, labels = three(3000, [0.2, 0.1, 0.7], 1)
    copy = clf.adapt(new)
    assert clf.prevalence_ == pytest.approx([0.7, 0.2, 0.1], abs=0.03)
    assert copy.prevalence_ == pytest.approx([0.2, 0.1, 0.7], abs=0.06)
    before, after = ((m.predict(new) == labels).mean() for m in (clf, copy))
    assert after > before + 0.02
    assert clf.adapt(prevalence=[0.2, 0.1, 0.7]).prevalence_ == pytest.approx([0.2, 0.1, 0.7])


# --- whether only the shares have changed ----------------------------------------------------


def test_a_change_of_prevalence_alone_is_seldom_taken_for_another() -> None:
    X, y = rows(3000, 0.05, 0)
    clf = gbimb.ImbalancedLGBMClassifier(**SMALL).fit(X, y)
    alarms = 0
    for seed in range(30):
        new, _ = rows(2000, [0.01, 0.05, 0.25][seed % 3], 100 + seed)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            clf.adapt(new)
        alarms += len(caught)
    assert alarms <= 2


def test_other_values_of_the_columns_are_noticed_and_named(model: Any) -> None:
    X, _ = rows(2000, 0.05, 7)
    with pytest.warns(GbimbWarning, match=r"change of prevalence alone: .* columns? 'b'"):
        model.adapt(X.assign(b=X["b"] + 0.7))
    rng = np.random.default_rng(0)
    colours = pd.Categorical(rng.choice(["red", "blue"], len(X), p=[0.8, 0.2]))
    with pytest.warns(GbimbWarning, match="columns? 'colour'"):
        model.adapt(X.assign(colour=colours))


def test_marginals_are_shares_of_the_rows_of_each_class() -> None:
    rng = np.random.default_rng(0)
    x = np.round(rng.normal(size=(500, 2)), 1)
    x[::10, 1] = np.nan
    codes = (rng.random(500) < 0.3).astype(int)
    found = Marginals.of(x, codes, np.ones(500))
    assert found.prevalence == pytest.approx([1 - codes.mean(), codes.mean()])
    for place, cuts, share in zip(found.columns, found.cuts, found.share, strict=True):
        for k in (0, 1):
            values = x[codes == k, place]
            assert share[k].sum() == pytest.approx(1)
            assert share[k, -1] == pytest.approx(np.isnan(values).mean())
            assert share[k, 0] == pytest.approx((values < cuts[0]).mean())
    assert found.count(x).sum(axis=1).tolist() == [500, 500]


def test_held_out_scores_keep_the_sums_of_each_class() -> None:
    rng = np.random.default_rng(0)
    proba = rng.beta(0.3, 6, 20_000)
    y = (rng.random(proba.size) < proba).astype(float)
    weight = rng.integers(1, 4, y.size).astype(float)
    kept = HeldOutScores.of(y, proba, weight)
    assert kept is not None
    assert kept.codes.size < 3000
    assert kept.prevalence == pytest.approx(np.bincount(y.astype(int), weight) / weight.sum())
    for k in (0, 1):
        own = kept.codes == k
        mean = np.average(kept.proba[own], weights=kept.weight[own])
        assert mean == pytest.approx(np.average(proba[y == k], weights=weight[y == k]), rel=1e-4)
    moved = kept.under(np.array([0.9, 0.1]))
    assert moved[kept.codes == 1].sum() / moved.sum() == pytest.approx(0.1)


# --- what cannot be used ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({}, InvalidTypeError, "Give either X_new, .* got neither"),
        ({"X_new": [[0.0]], "prevalence": 0.1}, InvalidTypeError, "got both"),
        ({"prevalence": 0.0}, InvalidDataError, "prevalence must be a number in"),
        ({"prevalence": [0.2, 0.3, 0.5]}, InvalidDataError, "prevalence must be a number in"),
        ({"prevalence": "half"}, InvalidTypeError, "prevalence must hold numbers"),
    ],
)
def test_wrong_arguments_get_a_sentence(
    model: Any, arguments: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        model.adapt(**arguments)


def test_few_rows_without_the_rare_class_do_not_say_that_it_is_gone(model: Any) -> None:
    X, _ = rows(300, 0.0, 5)
    copy = model.adapt(X)
    found = copy.prevalence_estimate_
    spread = max(found.high - found.prevalence, found.prevalence - found.low) / 1.96
    at = np.linspace(0.0, 1.0, 400_001)
    density = np.exp(-0.5 * ((at - found.prevalence) / spread) ** 2)
    assert copy.prevalence_ == pytest.approx(float(at @ density / density.sum()), rel=1e-4)
    assert abs(copy.prevalence_ - found.prevalence) > 1e-3
