"""Reports on classifiers that are not gbimb's, on held-out rows, and on models compared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, log_loss, matthews_corrcoef
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

import gbimb
from gbimb.report import evaluate

if TYPE_CHECKING:
    from pathlib import Path


def rows(n: int = 800, seed: int = 0) -> tuple[pd.DataFrame, pd.Series[Any]]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    y = np.where(x + rng.normal(size=n) > 1.8, "ill", "well")
    X = pd.DataFrame({"x": x, "noise": rng.normal(size=n)})
    return X, pd.Series(y, name="state")


def scores(found: Any) -> dict[str, float]:
    return {score["name"]: score["value"] for score in found.facts["scores"]}


@pytest.mark.parametrize(
    "model",
    [
        LogisticRegression(),
        make_pipeline(StandardScaler(), LogisticRegression()),
        FixedThresholdClassifier(LogisticRegression(), threshold=0.2, pos_label="ill"),
        RandomForestClassifier(20, random_state=0),
    ],
    ids=lambda model: type(model).__name__,
)
def test_the_scores_are_those_of_what_the_classifier_predicts(model: Any) -> None:
    model.fit(*rows())
    X, y = rows(seed=1)
    found = evaluate(model, X, y)
    wanted = matthews_corrcoef(y, model.predict(X))
    assert scores(found)["mcc"] == pytest.approx(wanted)
    assert scores(found)["log_loss"] == pytest.approx(log_loss(y, model.predict_proba(X)), rel=1e-6)
    assert found.facts["positive"] == "ill"
    assert type(model).__name__ in found.facts["model"]["class"]


def test_a_table_with_its_label_and_a_file_give_the_same(tmp_path: Path) -> None:
    X, y = rows(seed=1)
    model = LogisticRegression().fit(*rows())
    frame = X.assign(state=y)
    frame.to_csv(tmp_path / "t.csv", index=False)
    wanted = scores(evaluate(model, X, y))
    assert scores(evaluate(model, frame, "state")) == wanted
    assert scores(evaluate(model, tmp_path / "t.csv", "state")) == pytest.approx(wanted)


def test_arrays_and_sparse_rows_go_to_the_model_as_they_are() -> None:
    X, y = rows()
    for make in (np.asarray, lambda frame: sparse.csr_matrix(frame.to_numpy())):
        model = LogisticRegression().fit(make(X), y)
        found = evaluate(model, make(X), y.to_numpy())
        assert scores(found)["mcc"] == pytest.approx(matthews_corrcoef(y, model.predict(make(X))))


def test_more_than_two_classes() -> None:
    X, y = rows()
    y = y.where(X["noise"] < 1.5, "other")
    model = RandomForestClassifier(20, random_state=0).fit(X[:500], y[:500])
    found = evaluate(model, X[500:], y[500:])
    assert scores(found)["mcc"] == pytest.approx(matthews_corrcoef(y[500:], model.predict(X[500:])))


def test_shuffling_a_column_that_says_nothing_costs_nothing(tmp_path: Path) -> None:
    model = LogisticRegression().fit(*rows())
    found = evaluate(model, *rows(seed=1))
    falls = {c["name"]: c["fall"] for c in found.facts["permutation"]["shown"]}
    assert falls["x"] > 0.3
    assert abs(falls["noise"]) < 0.05
    page = found.save(tmp_path / "r.html")
    assert "Permutation importances" in (tmp_path / page[0]).read_text()


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (LogisticRegression(), "Call its fit first"),
        (LogisticRegression, "must be a fitted classifier"),
        (LinearSVC().fit(*rows()), "must have predict_proba, got LinearSVC"),
    ],
)
def test_what_is_no_classifier_with_probabilities_gets_a_sentence(model: Any, message: str) -> None:
    with pytest.raises(gbimb.GbimbError, match=message):
        evaluate(model, *rows())


def test_labels_and_rows_must_be_as_many() -> None:
    model = LogisticRegression().fit(*rows())
    X, y = rows()
    with pytest.raises(gbimb.GbimbError, match="one label for each row of X"):
        evaluate(model, X, y[:-1])


def test_a_notebook_shows_the_verdict_and_holds_the_report_in_a_frame() -> None:
    X, y = rows(seed=1)
    found = evaluate(LogisticRegression().fit(*rows()), X, y)
    html = found._repr_html_()
    assert "<p>The model finds" in html
    frame = html[html.index("srcdoc=") :]
    assert "&lt;!DOCTYPE html&gt;" in frame
    assert "<script" not in html


def test_costs_are_first_compared_with_flagging_nobody_and_everybody(tmp_path: Path) -> None:
    X, y = rows(seed=1)
    model = LogisticRegression().fit(*rows())
    for costs, words in (
        ({"fp": 1, "fn": 1}, "the model is better than flagging no row"),
        ({"fp": 1, "fn": 500}, "the model is worse than flagging every row"),
    ):
        found = evaluate(model, X, y, costs=costs, permutation=False)
        flagged, ill = model.predict(X) == "ill", (y == "ill").to_numpy()
        chosen = costs["fp"] * np.mean(flagged & ~ill) + costs["fn"] * np.mean(ill & ~flagged)
        first = found.facts["verdict"][0]
        assert first.startswith(f"A row costs {chosen:.3g} on average")
        assert f"{costs['fn'] * ill.mean():.3g} if no row is flagged" in first
        assert words in first
    page = (tmp_path / found.save(tmp_path / "r.html")[0]).read_text()
    assert "all flagged" in page


def test_each_class_has_a_curve() -> None:
    X, y = rows()
    y = y.where(X["noise"] < 1.5, "other")
    model = RandomForestClassifier(20, random_state=0).fit(X, y)
    curves = evaluate(model, X, y, permutation=False).facts["class_curves"]
    assert sorted(curve["name"] for curve in curves) == ["ill", "other", "well"]
    for curve in curves:
        at = model.classes_.tolist().index(curve["name"])
        wanted = average_precision_score(y == curve["name"], model.predict_proba(X)[:, at])
        assert curve["average_precision"] == pytest.approx(wanted)


# --- models against a baseline ---


def test_the_difference_of_two_models_is_that_of_their_scores() -> None:
    X, y = rows(seed=1)
    good = LogisticRegression().fit(*rows())
    poor = DummyClassifier(strategy="stratified", random_state=0).fit(*rows())
    found = evaluate(good, X, y, against={"dummy": poor}, name="good", costs={"fp": 1, "fn": 9})
    own, other = found.facts["comparison"]["models"]
    for model, fitted in ((own, good), (other, poor)):
        predicted = fitted.predict(X)
        assert model["scores"]["mcc"] == pytest.approx(matthews_corrcoef(y, predicted))
        cost = np.mean(1.0 * ((y == "well") & (predicted == "ill"))) + 9 * np.mean(
            (y == "ill") & (predicted == "well")
        )
        assert model["scores"]["cost"] == pytest.approx(cost)
    for name, difference in own["differences"].items():
        value = own["scores"][name] - other["scores"][name]
        assert difference["value"] == pytest.approx(value)
        assert difference["low"] <= value <= difference["high"]
    assert found.facts["verdict"][-1].startswith("'good' is better than 'dummy'")


def test_a_model_is_not_different_from_itself() -> None:
    model = LogisticRegression().fit(*rows())
    found = evaluate(model, *rows(seed=1), against={"same": model}, name="one")
    differences = found.facts["comparison"]["models"][0]["differences"]
    assert {(d["low"], d["high"]) for d in differences.values()} == {(0.0, 0.0)}
    assert "not clearly better or worse" in found.facts["verdict"][-1]


def test_paired_intervals_cover_the_true_difference_about_as_often_as_they_say() -> None:
    weak = LogisticRegression(C=1e-3).fit(*rows(4000, seed=5))
    good = LogisticRegression().fit(*rows(4000, seed=5))
    X, y = rows(200_000, seed=6)
    true = matthews_corrcoef(y, good.predict(X)) - matthews_corrcoef(y, weak.predict(X))
    inside = 0
    for seed in range(40):
        found = evaluate(
            good, *rows(600, seed=100 + seed), against={"weak": weak}, permutation=False
        )
        mcc = found.facts["comparison"]["models"][0]["differences"]["mcc"]
        inside += mcc["low"] <= true <= mcc["high"]
    assert inside >= 33  # 38 are expected; fewer have a chance below 0.5 %


def test_models_with_other_labels_cannot_be_compared() -> None:
    X, y = rows()
    model, other = LogisticRegression().fit(X, y), LogisticRegression().fit(X, y == "ill")
    with pytest.raises(gbimb.GbimbError):
        evaluate(model, X, y, against={"other": other})


# --- rows that a model held out ---


@pytest.fixture(scope="module")
def fitted() -> gbimb.ImbalancedLGBMClassifier:
    clf = gbimb.ImbalancedLGBMClassifier(n_estimators=20, loss="logistic", cv=3, random_state=0)
    return clf.fit(*rows(3000))


def test_a_model_is_evaluated_on_what_it_held_out(fitted: Any, tmp_path: Path) -> None:
    found = evaluate(fitted)
    _, y = rows(3000)
    assert (found.facts["rows"], found.facts["positives"]) == (3000, int((y == "ill").sum()))
    # best_score_ is MCC at the best threshold of these rows.
    best = max(found.table["mcc"])
    assert best == pytest.approx(fitted.best_score_, abs=0.03)
    assert "expect slightly lower scores on new rows" in found.facts["verdict"][-1]
    found.save(tmp_path / "r.html")


def test_what_kept_no_rows_cannot_be_evaluated_without_data() -> None:
    model = LogisticRegression().fit(*rows())
    with pytest.raises(gbimb.GbimbError, match="kept no held-out rows"):
        evaluate(model)


def test_of_more_classes_some_rows_stand_for_all() -> None:
    X, y = rows(3000)
    y = y.where(X["noise"] < 1.5, "other")
    clf = gbimb.ImbalancedLGBMClassifier(n_estimators=20, loss="logistic", cv=3, random_state=0)
    found = evaluate(clf.fit(X, y))
    assert found.facts["names"] == ["ill", "other", "well"]
    total = sum(row["rows"] for row in found.facts["classes"])
    assert total == pytest.approx(3000, rel=1e-3)
