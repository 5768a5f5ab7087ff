"""What a notebook shows of a fitted classifier, of counts and of a table."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import config_context
from sklearn.pipeline import make_pipeline

import gbimb
from gbimb.estimators.facts import facts
from gbimb.metrics import ConfusionCounts
from tests.estimators.common import KINDS, Kind, both, frame, numbers, quick

NASTY = "<script>alert(1)</script>"


@both
def test_the_facts_of_a_fit_stand_above_scikit_learns_view(kind: Kind) -> None:
    X, y = frame()
    labels = np.where(y == 1, "fraud", "fine")
    clf = quick(kind, early_stopping_rounds=100).fit(X.rename(columns={"single": NASTY}), labels)
    said = dict(facts(clf))
    assert said["Positive"] == "'fraud' of ['fine', 'fraud']"
    assert said["Threshold"].startswith(f"{clf.threshold_:.4g} ")
    assert said["Trained with"] == repr(clf.loss_)
    assert said["Rounds kept"] == f"{clf.best_iteration_} of at most 20"
    assert said["Score"] == f"mcc {clf.best_score_:.4g} on held-out rows"
    assert said["Held out"] == clf.validation_
    assert said["Features"].startswith("10, most gain: ")
    html = clf._repr_html_()
    assert html.startswith('<table class="gbimb-facts"')
    assert type(clf).__name__ in html
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert" in html


@both
def test_before_fit_there_are_no_facts(kind: Kind) -> None:
    assert facts(kind()) == []
    assert "gbimb-facts" not in kind()._repr_html_()


def test_a_pipeline_shows_the_step_as_scikit_learn_does() -> None:
    X, y = numbers()
    html = make_pipeline(quick(KINDS[0])).fit(X, y)._repr_html_()
    assert "ImbalancedLGBMClassifier" in html


def test_many_classes_bags_and_blends_have_facts_of_their_own() -> None:
    X, y = numbers(600)
    many = quick(KINDS[0]).fit(X, y + (X[:, 2] > 1.0))
    assert dict(facts(many))["Classes"] == "0, 1, 2"
    assert "Class weights" in dict(facts(many))
    bags = gbimb.UnderBaggingClassifier(quick(KINDS[0], cv="auto"), 2, random_state=0).fit(X, y)
    assert dict(facts(bags))["Bags"] == "2 fitted classifiers"
    assert dict(facts(bags))["Score"] == f"mcc {bags.oob_score_:.4g} on held-out rows"
    auto = gbimb.AutoImbalancedClassifier(
        [[0, 1], [5, 0]], time_budget=None, n_trials=1, engine="lightgbm", random_state=0
    ).fit(X, y)
    assert dict(facts(auto))["Blended"] == "1 fitted classifier"
    assert dict(facts(auto))["Score"] == f"cost {auto.best_score_:.4g} on held-out rows"


def test_no_score_is_said_where_no_row_was_held_out() -> None:
    X, y = numbers()
    assert "Score" not in dict(facts(quick(KINDS[0], cv=None).fit(X, y)))


def test_text_is_asked_for_by_scikit_learns_setting() -> None:
    X, y = numbers()
    clf = quick(KINDS[0]).fit(X, y)
    with config_context(display="text"):
        assert clf._repr_mimebundle_() == {"text/plain": repr(clf)}
        assert not hasattr(clf, "_repr_html_")


def test_counts_of_one_threshold_are_a_table_and_of_many_are_text() -> None:
    html = ConfusionCounts(12, 3, 4, 1981)._repr_html_()
    assert html is not None
    for cell in ("12", "3", "4", "1,981"):
        assert f"<td>{cell}</td>" in html
    many = ConfusionCounts(*np.ones((4, 5)))
    assert many._repr_html_() is None


@pytest.mark.parametrize("name", ["yeast_me2", "page_blocks_5class"])
def test_a_table_says_what_its_rows_are(name: str) -> None:
    table = gbimb.datasets.load(name)
    html = table._repr_html_()
    assert table.description in html
    assert f"rows={len(table.X)}" in html
    assert "(label)" in html
