"""Values of a kind that training never saw get an answer near the average, and one warning."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from scipy.special import expit

import gbimb
from gbimb.tables.typical import Observed
from tests.estimators.common import Estimator, Kind, both, numbers, quick

if TYPE_CHECKING:
    from pathlib import Path

ROWS = 2500


def table(effect: str) -> tuple[pd.DataFrame, np.ndarray]:
    """Rows with one strong column "a" of a kind, and "b", a weaker one."""
    rng = np.random.default_rng(7)
    b = rng.normal(size=ROWS)
    a: Any
    if effect == "rising":
        a = rng.normal(size=ROWS)
        score = 2.5 * a - 5.5
    elif effect == "zero is extreme":
        a = 500 + 1000 * np.exp(rng.normal(size=ROWS))
        score = -2.5 * np.log(a / 1000) - 2.5
    elif effect == "categories":
        a = rng.choice(list("uvwxyz"), ROWS, p=[0.3, 0.3, 0.2, 0.1, 0.06, 0.04])
        score = (
            pd.Series(a).map(dict(zip("uvwxyz", [-6, -5, -3, -2, 0, 2], strict=True))).to_numpy()
        )
    else:  # missing values are the riskiest
        a = rng.choice(list("uvw"), ROWS).astype(object)
        score = pd.Series(a).map({"u": -4.0, "v": -3.0, "w": -2.5}).to_numpy(copy=True)
        empty = rng.random(ROWS) < 0.08
        a[empty], score[empty] = None, 2.0
    y = rng.random(ROWS) < expit(score + 0.5 * b)
    return pd.DataFrame({"a": a, "b": b}), y.astype(int)


def silent(X: Any, clf: Estimator) -> np.ndarray:  # any table
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gbimb.GbimbWarning)
        return clf.predict_proba(X)[:, 1]


@both
@pytest.mark.parametrize("effect", ["rising", "zero is extreme", "categories", "informative"])
def test_unseen_values_get_an_answer_near_the_base_rate(kind: Kind, effect: str) -> None:
    X, y = table(effect)
    clf = quick(kind, n_estimators=60).fit(X, y)
    new = X.assign(a=np.nan if X["a"].dtype.kind == "f" else "never seen")
    proba = silent(new, clf)
    assert 0.3 * y.mean() < proba.mean() < 1.6 * y.mean()
    with pytest.warns(gbimb.GbimbWarning):
        assert clf.predict(new).mean() < 0.35
    if effect == "informative":
        missing = clf.predict_proba(X.assign(a=None))[:, 1]  # as it was at fit
        assert missing.mean() > 4 * proba.mean()


@both
def test_one_warning_names_column_count_and_share(kind: Kind) -> None:
    X, y = table("categories")
    clf = quick(kind).fit(X, y)
    new = X.copy()
    new.loc[:249, "a"] = "Mars"
    new.loc[:49, "b"] = np.nan
    with pytest.warns(gbimb.GbimbWarning) as caught:
        clf.predict_proba(new)
    (message,) = [str(w.message) for w in caught]
    assert "column 'a' has 250 unknown categories such as 'Mars' (10 % of the rows)" in message
    assert "column 'b' has 50 missing values, where it had none (2 % of the rows)" in message
    assert caught[0].filename == __file__
    one = X.copy()
    one.loc[0, "a"] = "Mars"
    with pytest.warns(gbimb.GbimbWarning, match=r"'a' has 1 unknown category such as 'Mars' \("):
        clf.predict_proba(one)


@both
def test_seen_values_give_no_warning(kind: Kind) -> None:
    X, y = table("informative")
    clf = quick(kind).fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        clf.predict_proba(X)
        clf.predict_proba(X.assign(a=None))


@both
def test_new_edges_of_cut_are_said_and_give_no_extreme_answer(kind: Kind) -> None:
    X, y = table("rising")
    binned = X.assign(a=pd.cut(X["a"], [-9, -1, 0, 1, 2, 9]))
    clf = quick(kind, n_estimators=60).fit(binned, y)
    other = X.assign(a=pd.cut(X["a"], [-8, -0.5, 0.5, 8]))
    with pytest.warns(gbimb.GbimbWarning, match="100 % of the rows"):
        proba = clf.predict_proba(other)[:, 1]
    assert 0.2 * y.mean() < proba.mean() < 2 * y.mean()


@both
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix, pd.DataFrame])
def test_arrays_and_sparse_matrices_are_treated_alike(kind: Kind, form: Any) -> None:
    X, y = numbers(1500)
    clf = quick(kind, n_estimators=40).fit(form(X), y)
    new = X.copy()
    new[:, 0] = np.nan
    before = new.copy()
    with pytest.warns(gbimb.GbimbWarning, match="1,500 missing values"):
        proba = clf.predict_proba(form(new))[:, 1]
    assert 0.3 * y.mean() < proba.mean() < 1.6 * y.mean()
    np.testing.assert_array_equal(new, before)
    known = X.copy()
    known[:, 0] = clf.model_.schema.encoder.typical.values[0]
    np.testing.assert_array_equal(clf.predict_proba(form(known))[:, 1], proba)


@both
def test_a_missing_value_is_as_it_was_where_there_were_some(kind: Kind) -> None:
    X, y = numbers(1500)
    X[:, 0][y == 1] = np.where(np.arange(int(y.sum())) % 2, X[:, 0][y == 1], np.nan)
    clf = quick(kind).fit(X, y)
    new = np.full((3, 4), np.nan)
    new[:, 1:] = X[:3, 1:]
    assert silent(new, clf).min() > 0.5


@both
def test_tools_on_the_booster_get_the_values_that_predictions_use(kind: Kind) -> None:
    X, y = table("categories")
    clf = quick(kind).fit(X, y)
    new = X.assign(a="never seen").head(4)
    with pytest.warns(gbimb.GbimbWarning):
        matrix = clf.booster_input(new)
    assert np.isfinite(matrix).all()
    np.testing.assert_array_equal(
        silent(new, clf), clf.model_.probability(clf.model_.raw_score_of(matrix, 1))[:, 1]
    )


@both
def test_typical_values_are_saved(kind: Kind, tmp_path: Path) -> None:
    X, y = table("informative")
    X["cut"] = pd.cut(X["b"], [-9, -1, 1, 9])
    X["when"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(X["b"], "D")
    clf = quick(kind).fit(X, y)
    clf.save(tmp_path / "m.gbimb")
    loaded = gbimb.load(tmp_path / "m.gbimb")
    new = X.assign(a="never seen", b=np.nan, cut=pd.cut(X["b"], 4))
    np.testing.assert_array_equal(silent(new, loaded), silent(new, clf))
    np.testing.assert_array_equal(loaded.predict_proba(X), clf.predict_proba(X))
    assert loaded.model_.schema.encoder.columns == clf.model_.schema.encoder.columns


@pytest.mark.parametrize(
    "make",
    [
        lambda: gbimb.UnderBaggingClassifier(n_estimators=2, random_state=0),
        pytest.param(
            lambda: gbimb.AutoImbalancedClassifier(time_budget=None, n_trials=2, random_state=0),
            marks=pytest.mark.slow,
        ),
    ],
    ids=["bags", "automatic"],
)
def test_bags_and_the_automatic_choice_do_so_too(make: Any, tmp_path: Path) -> None:
    X, y = table("categories")
    clf = make().fit(X[:1500], y[:1500])
    new = X.assign(a="never seen")
    with pytest.warns(gbimb.GbimbWarning, match="2,500 unknown categories") as caught:
        proba = clf.predict_proba(new)
    assert len(caught) == 1
    assert 0.2 * y.mean() < proba[:, 1].mean() < 1.6 * y.mean()
    clf.save(tmp_path / "m.gbimb")
    np.testing.assert_array_equal(silent(new, gbimb.load(tmp_path / "m.gbimb")), proba[:, 1])


@both
def test_a_source_does_so_with_one_warning(kind: Kind, tmp_path: Path) -> None:
    X, y = table("informative")
    X["town"] = pd.Categorical(np.where(X["b"] > 1, "far", "near"), ["near", "nowhere", "far"])
    X.assign(y=y).to_parquet(tmp_path / "train.parquet", row_group_size=700)
    new = X.assign(a="never seen", b=np.nan, town=None)
    new.to_parquet(tmp_path / "new.parquet", row_group_size=700)
    streamed = quick(kind).fit(gbimb.ParquetSource(tmp_path / "train.parquet", target="y"))
    local = quick(kind).fit(X, y)
    assert streamed.model_.schema.encoder.columns == local.model_.schema.encoder.columns
    np.testing.assert_array_equal(
        streamed.model_.schema.encoder.typical.values, local.model_.schema.encoder.typical.values
    )
    source = gbimb.ParquetSource(tmp_path / "new.parquet")
    for run in (
        lambda: streamed.predict_proba(source),
        lambda: streamed.predict_to(source, tmp_path / "out.parquet"),
    ):
        with pytest.warns(gbimb.GbimbWarning, match="2,500 unknown.*100 %") as caught:
            run()
        assert len(caught) == 1
    np.testing.assert_allclose(silent(source, streamed), silent(new, local), rtol=1e-9)


@both
def test_validation_rows_are_treated_as_new_rows(kind: Kind) -> None:
    X, y = table("categories")
    new = X.assign(a="never seen")
    clf = quick(kind, cv=None, early_stopping_rounds=5)
    with pytest.warns(gbimb.GbimbWarning, match="2,500 unknown categories"):
        clf.fit(X, y, X_val=new, y_val=y)


@both
def test_three_classes_get_about_their_shares(kind: Kind) -> None:
    rng = np.random.default_rng(3)
    a = rng.normal(size=ROWS)
    y = np.where(rng.random(ROWS) < expit(2 * a - 3), 2, np.where(rng.random(ROWS) < 0.1, 1, 0))
    X = pd.DataFrame({"a": a, "b": rng.normal(size=ROWS)})
    clf = quick(kind).fit(X, y)
    with pytest.warns(gbimb.GbimbWarning):
        proba = clf.predict_proba(X.assign(a=np.nan)).mean(axis=0)
    np.testing.assert_allclose(proba, np.bincount(y) / ROWS, atol=0.1)


def test_the_typical_value_does_not_depend_on_the_order_of_equal_values() -> None:
    flag = np.repeat([0.0, 1.0], [900, 100])[:, None]
    y = np.zeros(1000, int)
    y[[5, 10, 15, *range(950, 1000)]] = 1
    for order in (
        np.arange(1000),
        np.arange(1000)[::-1],
        np.random.default_rng(0).permutation(1000),
    ):
        typical = Observed.of([flag[order]], y[order], None).typical([])
        assert typical.values[0] == 0.0
        assert typical.complete[0]


def test_a_rare_category_is_not_typical() -> None:
    codes = np.repeat([0.0, 1.0, 2.0], [500, 490, 10])[:, None]
    y = np.zeros(1000, int)
    y[[*range(40), *range(500, 560), 995]] = 1  # 8 %, 12 %, and 1 row in 10
    assert Observed.of([codes], y, None).typical([0]).values[0] in (0.0, 1.0)
