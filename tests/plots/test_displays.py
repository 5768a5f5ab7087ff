"""The pictures as things to call: where they come from, what they refuse, what they leave."""

from __future__ import annotations

import sys
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_validate

import gbimb
from gbimb import plots
from gbimb.exceptions import InvalidDataError, InvalidParameterError, MissingDependencyError

BINARY = (
    plots.ConfusionDisplay,
    plots.PrecisionRecallDisplay,
    plots.ReliabilityDisplay,
    plots.ScoreDisplay,
    plots.ThresholdDisplay,
)
Rows = tuple[np.ndarray, np.ndarray, np.ndarray]
Table = tuple[np.ndarray, np.ndarray]
Fitted = gbimb.ImbalancedLGBMClassifier
Kind = type[plots.ThresholdDisplay]


@pytest.fixture(scope="module")
def table() -> Table:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 3))
    return X, np.where(X[:, 0] + rng.normal(size=600) > 1.8, "fraud", "ok")


@pytest.fixture(scope="module")
def fitted(table: Table) -> Fitted:
    X, y = table
    clf = gbimb.ImbalancedLGBMClassifier(n_estimators=20, cv=2, random_state=0, n_jobs=1)
    clf.fit(X, y)
    return clf


@pytest.mark.parametrize("kind", BINARY)
def test_an_estimator_brings_its_label_and_its_threshold(
    kind: Kind, table: Table, fitted: Fitted
) -> None:
    display = kind.from_estimator(fitted, *table)
    proba = fitted.predict_proba(table[0])[:, 0]  # "fraud", the rarer label, comes first
    again = kind.from_predictions(table[1], proba, threshold=fitted.threshold_, pos_label="fraud")
    np.testing.assert_array_equal(display.frame(), again.frame())
    assert getattr(display, "threshold", fitted.threshold_) == fitted.threshold_


def test_dollar_signs_in_names_are_no_formula() -> None:
    y = np.array(["$5 to $9_", r"$\frac$ or more"])[[0, 0, 1, 1]]
    for kind in (plots.ScoreDisplay, plots.ConfusionDisplay):
        display = kind.from_predictions(y, [0.1, 0.4, 0.35, 0.8], threshold=0.3, pos_label=y[0])
        display.figure_.draw_without_rendering()
    labels = [label.get_text() for label in display.ax_.get_xticklabels()]
    assert labels == [r"\$\frac\$ or more", r"\$5 to \$9_"]


@pytest.mark.parametrize("kind", BINARY)
def test_pictures_side_by_side_keep_their_size(kind: Kind, rows: Rows) -> None:
    y, proba, _ = rows
    figure, axes = plt.subplots(1, 2, layout="constrained")
    for ax, few in zip(axes, (True, False), strict=True):
        part = slice(0, 200) if few else slice(None)
        kind.from_predictions(y[part], proba[part], ax=ax)
    figure.draw_without_rendering()
    for ax in axes:
        assert ax.get_position().width > 0.3
        assert ax.get_position().height > 0.5


@pytest.mark.parametrize("kind", BINARY)
def test_cross_validation_pools_the_test_rows(kind: Kind, table: Table) -> None:
    X, y = table
    found = cross_validate(
        LogisticRegression(), X, y, cv=3, return_estimator=True, return_indices=True
    )
    display = kind.from_cv_results(found, X, y)
    frame = display.frame()
    total = frame["rows"].sum() if "rows" in frame else None
    assert total in (None, y.size)
    if kind is plots.ConfusionDisplay:
        assert display.matrix.sum() == y.size


def test_training_of_all_folds_is_drawn_with_the_rounds_kept(table: Table) -> None:
    clf = gbimb.ImbalancedLGBMClassifier(n_estimators=10, cv="holdout", random_state=0, n_jobs=1)
    found = cross_validate(clf, *table, cv=2, return_estimator=True)
    display = plots.TrainingDisplay.from_cv_results(found)
    kept = [e.best_iteration_ for e in found["estimator"]]
    frame = display.frame()
    assert frame["data"].unique().tolist() == ["fold 1", "fold 2"]
    dots = [line for line in display.ax_.lines if line.get_marker() == "o"]
    dots = [line for line in dots if len(line.get_xdata())]
    assert [line.get_xdata()[0] for line in dots] == kept
    with pytest.raises(InvalidDataError, match="return_estimator=True"):
        plots.TrainingDisplay.from_cv_results(cross_validate(clf, *table, cv=2))


def test_cross_validation_without_estimators_says_what_to_ask_for(table: Table) -> None:
    found = cross_validate(LogisticRegression(), *table, cv=2)
    with pytest.raises(InvalidDataError, match="return_indices=True"):
        plots.ThresholdDisplay.from_cv_results(found, *table)


@pytest.mark.parametrize("kind", BINARY)
@pytest.mark.parametrize("style", ["default", "dark_background"])
@pytest.mark.parametrize("positives", [1, 20, 400])
def test_pictures_draw_in_the_colours_of_the_style(
    kind: Kind, style: str, positives: int, rng: np.random.Generator
) -> None:
    y = np.arange(2000) < positives
    proba = np.clip(rng.beta(0.5, 8, 2000) + 0.2 * y, 0, 1)
    proba[-1], proba[0] = 0.0, 1.0
    with plt.style.context(style):
        display = kind.from_predictions(y, proba, threshold=0.3)
        display.figure_.canvas.draw()
        ink = to_hex(mpl.rcParams["text.color"])
        drawn = [*display.ax_.lines, *display.ax_.texts]
        assert ink in [to_hex(artist.get_color()) for artist in drawn]
        forbidden = "#000000" if style == "dark_background" else "#ffffff"
        assert forbidden not in [to_hex(artist.get_color()) for artist in drawn]


@pytest.mark.parametrize("kind", BINARY)
def test_given_axes_are_drawn_on_and_no_figure_is_made(kind: Kind, rows: Rows) -> None:
    figure, ax = plt.subplots()
    display = kind.from_predictions(rows[0], rows[1], ax=ax)
    assert (display.ax_, display.figure_) == (ax, figure)
    assert plt.get_fignums() == [figure.number]


def test_frames_and_scores_leave_no_figure(rows: Rows) -> None:
    display = plots.ThresholdDisplay.from_predictions(rows[0], rows[1])
    plt.close(display.figure_)
    display.frame()
    assert plt.get_fignums() == []


@pytest.mark.parametrize("kind", [k for k in BINARY if k is not plots.ConfusionDisplay])
def test_many_classes_are_refused_or_drawn_one_against_the_rest(kind: Kind) -> None:
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(300, 2)), rng.integers(0, 3, 300)
    many = LogisticRegression().fit(X, y)
    with pytest.raises(InvalidParameterError, match=r"two classes, got 3.*pos_label"):
        kind.from_estimator(many, X, y)
    frame = kind.from_estimator(many, X, y, pos_label=2).frame()
    expected = kind.from_predictions(y == 2, many.predict_proba(X)[:, 2]).frame()
    assert frame.select_dtypes("number").equals(expected.select_dtypes("number"))


def test_confusion_takes_many_classes() -> None:
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(300, 2)), rng.integers(0, 7, 300)
    many = LogisticRegression().fit(X, y)
    display = plots.ConfusionDisplay.from_estimator(many, X, y)
    assert display.matrix.shape == (7, 7)
    assert np.trace(display.matrix) == (many.predict(X) == y).sum()


def test_the_confusion_of_an_estimator_is_its_prediction(table: Table, fitted: Fitted) -> None:
    X, y = table
    frame = plots.ConfusionDisplay.from_estimator(fitted, X, y).frame()
    assert frame.loc["fraud", "fraud"] == ((fitted.predict(X) == "fraud") & (y == "fraud")).sum()
    strict = plots.ConfusionDisplay.from_estimator(fitted, X, y, threshold=0.9).frame()
    assert strict["fraud"].sum() == (fitted.predict_proba(X)[:, 0] >= 0.9).sum()


def test_training_marks_the_rounds_kept(fitted: Fitted) -> None:
    display = plots.TrainingDisplay.from_estimator(fitted)
    labels = [line.get_label() for line in display.ax_.lines]
    small, larger = fitted.best_iterations_.values()
    assert f"last round of each member: {small}, {larger}" in labels
    one = plots.TrainingDisplay.from_evals_result({"valid": {"mcc": [0.2, 0.4, 0.3]}}, 2)
    assert "last round of the model: 2" in [line.get_label() for line in one.ax_.lines]


def test_training_without_a_history_says_so(table: Table) -> None:
    with pytest.raises(InvalidDataError, match="has no evals_result_"):
        plots.TrainingDisplay.from_estimator(LogisticRegression().fit(*table))
    with pytest.raises(InvalidDataError, match="evals_result must be"):
        plots.TrainingDisplay.from_evals_result({})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y_proba": [0.1, 0.2]}, "of each row, shape"),
        ({"y_proba": [0.1, 1.2, 0.3]}, r"in \[0, 1\]"),
        ({"y_proba": [0.1, float("nan"), 0.3]}, r"in \[0, 1\]"),
        ({"sample_weight": [1, -1, 1]}, "sample_weight must be >= 0"),
        ({"y_true": [], "y_proba": []}, "at least one row"),
        ({"y_true": [0, 1, 2]}, "two classes, got 3"),
        ({"pos_label": "fraud"}, "pos_label must be a label of y_true"),
    ],
)
def test_wrong_rows_are_refused_with_a_sentence(change: dict[str, Any], message: str) -> None:
    given = {"y_true": [0, 1, 1], "y_proba": [0.1, 0.2, 0.3]} | change
    with pytest.raises(gbimb.GbimbError, match=message):
        plots.ThresholdDisplay.from_predictions(**given)


def test_few_tables_or_missing_scores_are_refused() -> None:
    import pandas as pd

    with pytest.raises(InvalidDataError, match="6 tables"):
        plots.CriticalDifferenceDisplay.from_scores(pd.DataFrame(np.eye(3)))
    with pytest.raises(InvalidDataError, match="NaN"):
        plots.CriticalDifferenceDisplay.from_scores(pd.DataFrame(np.full((8, 2), np.nan)))


def test_without_matplotlib_the_sentence_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'gbimb\[plots\]'"):
        plots.ThresholdDisplay.from_predictions([0, 1], [0.1, 0.2])
