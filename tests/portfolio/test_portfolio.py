"""The fixed portfolio: which members, one decision rule, sources, members from outside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import matthews_corrcoef
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier

import gbimb
from gbimb.exceptions import InvalidDataError, InvalidParameterError, InvalidTypeError
from gbimb.training.search.space import FOREST, Space
from tests.auto.common import numbers

if TYPE_CHECKING:
    from pathlib import Path


def small(**parameters: Any) -> gbimb.ImbalancedClassifier:
    return gbimb.ImbalancedClassifier(**{"random_state": 0, "n_jobs": 1, **parameters})


@pytest.fixture(scope="module")
def fitted() -> gbimb.ImbalancedClassifier:
    return small().fit(*numbers())


def test_the_members_are_unlike_and_fixed(fitted: gbimb.ImbalancedClassifier) -> None:
    assert set(fitted.leaderboard_["param_engine"]) == {"lightgbm", "xgboost", FOREST}
    assert fitted.weights_.sum() == pytest.approx(1.0)
    assert len(fitted.members_) == fitted.weights_.size > 1


def test_probabilities_are_the_corrected_mean_of_the_members(
    fitted: gbimb.ImbalancedClassifier,
) -> None:
    X, _ = numbers(50, seed=1)
    mean = sum(
        w * member.predict_proba(X)[:, 1]
        for w, member in zip(fitted.weights_, fitted.members_, strict=True)
    )
    line = fitted.model_.correction
    odds = line.slope * np.log(mean / (1 - mean)) + line.intercept[0]
    np.testing.assert_allclose(fitted.predict_proba(X)[:, 1], 1 / (1 + np.exp(-odds)), rtol=1e-9)


def test_it_decides_better_than_flagging_nobody(fitted: gbimb.ImbalancedClassifier) -> None:
    X, y = numbers(2_000, seed=1)
    assert matthews_corrcoef(y, fitted.predict(X)) > 0.4
    assert (fitted.predict(X) == (fitted.predict_proba(X)[:, 1] >= fitted.threshold_)).all()


def test_a_second_fit_gives_the_same_model(fitted: gbimb.ImbalancedClassifier) -> None:
    X, y = numbers()
    again = small().fit(X, y)
    np.testing.assert_array_equal(again.predict_proba(X), fitted.predict_proba(X))


def test_the_file_predicts_the_same(fitted: gbimb.ImbalancedClassifier, tmp_path: Path) -> None:
    X, _ = numbers(100, seed=2)
    fitted.save(tmp_path / "m.gbimb")
    loaded = gbimb.load(tmp_path / "m.gbimb")
    assert isinstance(loaded, gbimb.ImbalancedClassifier)
    np.testing.assert_array_equal(loaded.predict_proba(X), fitted.predict_proba(X))
    assert loaded.explain_choice() == fitted.explain_choice()


def test_three_classes_text_labels_and_missing_values_are_taken() -> None:
    X, _ = numbers(600)
    y = np.array(["a", "b", "c"])[np.digitize(X[:, 0] + X[:, 1], [1.0, 2.0])]
    X[::7, 2] = np.nan
    clf = small(metric="f1").fit(X, y)
    assert clf.predict_proba(X[:5]).shape == (5, 3)
    assert set(clf.predict(X)) <= {"a", "b", "c"}
    assert set(clf.leaderboard_["param_engine"]) == {"lightgbm", "xgboost", FOREST}


def test_sparse_tables_have_no_forests() -> None:
    X, y = numbers()
    clf = small().fit(sparse.csr_matrix(np.where(np.abs(X) < 0.5, 0.0, X)), y)
    assert set(clf.leaderboard_["param_engine"]) == {"lightgbm", "xgboost"}


def test_costs_decide_by_the_least_expected_cost() -> None:
    X, y = numbers()
    clf = small(metric=[[0.0, 1.0], [9.0, 0.0]]).fit(X, y)
    assert clf.threshold_ == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("rows", "engines"),
    [
        (1_000, {"lightgbm", "xgboost", FOREST}),
        (100_000, {"lightgbm", "xgboost"}),
        (2_000_001, {"lightgbm"}),
    ],
)
def test_the_size_of_the_table_decides_on_the_members(rows: int, engines: set[str]) -> None:
    space = Space(
        engines=("lightgbm", "xgboost", FOREST),
        rows=rows,
        classes=2,
        class_weights={},
        has_categories=False,
        has_pairs=True,
        fixed={},
        make={},
    )
    members = space.portfolio()
    assert {choice["engine"] for choice in members} == engines
    # Trees of all rows and columns would double what large tables cost.
    assert FOREST in engines or all(choice["colsample_bytree"] == 0.5 for choice in members)


def test_a_source_is_streamed_to_lightgbm_alone(tmp_path: Path) -> None:
    X, y = numbers(800)
    frame = pd.DataFrame(X, columns=list("abcd"))
    frame.assign(y=np.where(y, "bad", "good")).to_parquet(tmp_path / "t.parquet")
    source = gbimb.ParquetSource(tmp_path / "t.parquet", "y")
    clf = small().fit(source)
    assert [type(member) for member in clf.members_] == [gbimb.ImbalancedLGBMClassifier]
    np.testing.assert_allclose(
        clf.predict_proba(source), clf.members_[0].predict_proba(frame), rtol=1e-9, atol=1e-12
    )
    assert clf.threshold_ == clf.members_[0].threshold_
    by_cost = small(metric=[[0, 9], [1, 0]]).fit(source)  # "bad" stands first
    assert by_cost.threshold_ == pytest.approx(0.1)
    with pytest.raises(InvalidParameterError, match="estimators need a table in memory"):
        small(estimators=[("nb", GaussianNB())]).fit(source)
    with pytest.raises(InvalidParameterError, match="metric must be one of"):
        small(metric="nix").fit(source)


class TestEstimators:
    """Classifiers of other packages as members."""

    def test_a_clone_is_trained_on_every_fold_and_blended(self) -> None:
        X, y = numbers()
        clf = small(estimators=[("logistic", LogisticRegression())]).fit(X, y)
        (foreign,) = [m for m in clf.members_ if hasattr(m, "classifiers")]
        assert len(foreign.classifiers) == 5
        assert "logistic" in set(clf.leaderboard_["candidate"])
        # Their own rows are linear in truth: it earns a weight.
        assert clf.weights_[clf.members_.index(foreign)] > 0.1
        assert clf.predict_proba(X).shape == (600, 2)

    def test_catboost_is_a_member_in_a_line(self) -> None:
        catboost = pytest.importorskip("catboost", reason="catboost is not installed")
        one = catboost.CatBoostClassifier(iterations=20, verbose=0, allow_writing_files=False)
        X, y = numbers()
        clf = small(estimators=[("catboost", one)]).fit(X, np.where(y, "bad", "good"))
        assert "catboost" in set(clf.leaderboard_["candidate"])
        assert set(clf.predict(X)) == {"bad", "good"}

    def test_a_biased_classifier_is_recalibrated(self) -> None:
        X, y = numbers(3_000)
        weighted = LogisticRegression(class_weight="balanced")
        clf = gbimb.AutoImbalancedClassifier(
            time_budget=None, n_trials=1, random_state=0, n_jobs=1, estimators=[("w", weighted)]
        ).fit(X, y)
        assert clf.predict_proba(X)[:, 1].mean() == pytest.approx(y.mean(), abs=0.01)
        assert len(clf.leaderboard_) == 2

    def test_it_gets_the_table_as_given(self) -> None:
        seen: list[Any] = []

        class Watching(GaussianNB):  # type: ignore[misc]
            def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
                seen.append((type(X), list(X.columns), set(y)))
                return super().fit(X, y, sample_weight)

        X, y = numbers()
        frame = pd.DataFrame(X, columns=list("abcd"))
        small(estimators=[("nb", Watching())]).fit(frame, np.where(y, "bad", "good"))
        assert seen[0] == (pd.DataFrame, list("abcd"), {"bad", "good"})

    def test_three_classes(self) -> None:
        X, _ = numbers(400)
        y = np.digitize(X[:, 0] + X[:, 1], [1.0, 2.0])
        clf = small(estimators=[("nb", GaussianNB())]).fit(X, y)
        np.testing.assert_allclose(clf.predict_proba(X).sum(axis=1), 1.0)

    def test_a_file_cannot_hold_it_and_says_so(self, tmp_path: Path) -> None:
        X, y = numbers()
        clf = small(estimators=[("logistic", LogisticRegression())]).fit(X, y)
        with pytest.raises(InvalidDataError, match=r"LogisticRegression.*joblib"):
            clf.save(tmp_path / "m.gbimb")
        assert not list(tmp_path.iterdir())

    @pytest.mark.parametrize(
        ("given", "error", "sentence"),
        [
            (GaussianNB(), InvalidTypeError, "must be a list of pairs"),
            ([GaussianNB()], InvalidTypeError, "such as"),
            ([("nb", GaussianNB)], InvalidTypeError, "a class for 'nb'"),
            ([("a", object())], InvalidTypeError, "no fit for 'a'"),
            ([("a", GaussianNB()), ("a", GaussianNB())], InvalidParameterError, "different names"),
            ([("xgboost", GaussianNB())], InvalidParameterError, "none of"),
        ],
    )
    def test_what_is_no_classifier_is_refused(
        self, given: Any, error: type[Exception], sentence: str
    ) -> None:
        with pytest.raises(error, match=sentence):
            small(estimators=given).fit(*numbers(200))

    def test_weights_that_it_cannot_take_are_refused(self) -> None:
        X, y = numbers(200)
        with pytest.raises(InvalidTypeError, match="KNeighborsClassifier"):
            small(estimators=[("knn", KNeighborsClassifier())]).fit(X, y, np.ones(200) * 2)
