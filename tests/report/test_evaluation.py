"""The numbers of a report: right, the same in pieces, and honest about what they are worth."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    confusion_matrix,
    f1_score,
    log_loss,
    matthews_corrcoef,
    roc_auc_score,
)

import gbimb
from gbimb.exceptions import GbimbError, InvalidDataError, InvalidParameterError, InvalidTypeError
from gbimb.report import Evaluation, evaluate
from gbimb.report import _checks as checks
from gbimb.report._binary import gains_of_halves
from gbimb.report._cost import parse_costs
from gbimb.report._rows import ClassSample, EvaluationRequest, score_rows
from gbimb.report._verdict import Finding
from gbimb.report.models.judged import JudgedClassifier
from gbimb.tables.files.match import match_columns
from tests.report.tables import NAME, POSITIVE, Fitted, evaluated, fitted, many_classes, table

if TYPE_CHECKING:
    from pathlib import Path


def labels_and_probability(model: Fitted, frame: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Labels 0 and 1, and the probability of the positive one."""
    X = match_columns(model, frame, "test.csv")
    at = list(model.classes_).index(POSITIVE)
    return (frame["churned"] == POSITIVE).to_numpy().astype(int), model.predict_proba(X)[:, at]


def scores(evaluation: Evaluation) -> dict[str, float]:
    return {score["name"]: score["value"] for score in evaluation.facts["scores"]}


def found(evaluation: Evaluation) -> dict[str, str]:
    return {check["code"]: check["severity"] for check in evaluation.facts["checks"]}


@pytest.mark.parametrize("weight", [None, "importance"])
def test_scores_are_those_of_scikit_learn(
    model: Fitted, tmp_path: Path, weight: str | None
) -> None:
    frame = table(seed=1)
    got = scores(evaluated(model, frame, tmp_path, weight=weight))
    y, proba = labels_and_probability(model, frame)
    w = None if weight is None else frame[weight].to_numpy(float)
    flagged = proba >= model.threshold_
    wanted = {
        "mcc": matthews_corrcoef(y, flagged, sample_weight=w),
        "f1": f1_score(y, flagged, sample_weight=w),
        "flagged": np.average(flagged, weights=w),
        "average_precision": average_precision_score(y, proba, sample_weight=w),
        "roc_auc": roc_auc_score(y, proba, sample_weight=w),
        "log_loss": log_loss(y, proba, sample_weight=w),
        "brier": brier_score_loss(y, proba, sample_weight=w),
    }
    for name, value in wanted.items():
        assert got[name] == pytest.approx(value), name


def test_halves_of_uneven_weights_have_no_counts_below_zero(rng: np.random.Generator) -> None:
    proba, weight = rng.random(300), rng.random(300)
    y = (rng.random(300) < 0.1).astype(np.uint8)
    gains = gains_of_halves(y, proba, weight, np.sort(proba)[::-1], 10)
    assert np.isfinite(gains).all()


def test_every_threshold_of_the_curve_has_exact_counts(two: Evaluation, model: Fitted) -> None:
    y, proba = labels_and_probability(model, table(seed=1))
    curve = two.facts["curve"]
    assert len(curve["threshold"]) > 100
    columns = [curve[name] for name in ("threshold", "tp", "fp")]
    for threshold, tp, fp in zip(*columns, strict=True):
        flagged = proba >= threshold
        assert (tp, fp) == ((flagged & (y == 1)).sum(), (flagged & (y == 0)).sum())


def test_intervals_hold_the_scores(two: Evaluation) -> None:
    for score in two.facts["scores"][:5]:
        assert score["low"] <= score["value"] <= score["high"]


def test_mistakes_are_the_surest_ones_with_their_identifiers(
    two: Evaluation, model: Fitted
) -> None:
    frame = table(seed=1)
    y, proba = labels_and_probability(model, frame)
    for kind, label, order in (("negatives", 0, -1), ("positives", 1, 1)):
        mistakes = two.facts["mistakes"][kind]
        rows = np.flatnonzero(y == label)
        rows = rows[np.argsort(order * proba[rows], kind="stable")[:10]]
        at = mistakes["columns"].index
        got = mistakes["rows"]
        assert [row[at("customer")] for row in got] == frame["customer"].iloc[rows].tolist()
        assert [row[at("row")] for row in got] == (rows + 1).tolist()
        np.testing.assert_allclose([row[at("probability")] for row in got], proba[rows])


def test_pieces_give_the_same_as_the_whole(model: Fitted) -> None:
    frame = table(seed=1)
    judged = JudgedClassifier.of(model)
    asked = EvaluationRequest("test.csv", "churned", "importance", ["customer"])
    whole = score_rows(judged, iter([frame]), asked)
    pieces = score_rows(judged, (frame[i : i + 70] for i in range(0, len(frame), 70)), asked)
    for name in ("codes", "predicted", "proba", "uncorrected", "weight", "prints"):
        np.testing.assert_array_equal(getattr(whole, name), getattr(pieces, name))
    for kind, rows in whole.mistakes.items():
        pd.testing.assert_frame_equal(rows, pieces.mistakes[kind])


def test_the_sample_is_bounded_and_takes_rows_from_everywhere() -> None:
    sample = ClassSample(2, size=50)
    for i in range(20):
        sample.add(pd.DataFrame({"x": np.full(30, i)}), np.arange(30) % 2)
    assert np.bincount(sample.codes).tolist() == [50, 50]
    assert sample.rows["x"].nunique() > 10


def test_costs_are_counted_at_every_threshold(two: Evaluation, model: Fitted) -> None:
    y, proba = labels_and_probability(model, table(seed=1))
    cost = two.facts["cost"]

    def mean(flagged: np.ndarray) -> float:
        each = np.where(flagged, np.where(y == 1, -5, 1), np.where(y == 1, 20, 0))
        return float(each.mean())

    assert cost["chosen"] == pytest.approx(mean(proba >= model.threshold_))
    assert cost["least"] == pytest.approx(mean(proba >= cost["least_threshold"]))
    assert cost["least"] <= min(cost["chosen"], cost["nobody"], cost["everybody"])
    assert cost["nobody"] == pytest.approx(mean(np.zeros(y.size, bool)))
    assert cost["everybody"] == pytest.approx(mean(np.ones(y.size, bool)))
    assert cost["expected_threshold"] == pytest.approx(1 / 26)


def test_costs_of_columns_are_counted_row_by_row(model: Fitted, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    frame = table(seed=1).assign(amount=rng.integers(1, 101, 600), visit=rng.integers(1, 4, 600))
    facts = evaluated(
        model, frame, tmp_path, cost="fp=visit,fn=amount,tp=0.5", weight="importance"
    ).facts
    cost, curve = facts["cost"], facts["curve"]
    y, proba = labels_and_probability(model, frame)
    weight, fp, fn = (frame[name].to_numpy(float) for name in ("importance", "visit", "amount"))

    def mean(flagged: np.ndarray) -> float:
        each = np.where(flagged, np.where(y == 1, 0.5, fp), np.where(y == 1, fn, 0))
        return float(np.average(each, weights=weight))

    without = min(mean(np.zeros(600, bool)), mean(np.ones(600, bool)))
    assert cost["chosen"] == pytest.approx(mean(proba >= model.threshold_))
    assert cost["least"] == pytest.approx(mean(proba >= cost["least_threshold"]))
    assert cost["nobody"] == pytest.approx(mean(np.zeros(600, bool)))
    assert cost["everybody"] == pytest.approx(mean(np.ones(600, bool)))
    assert cost["savings"] == pytest.approx(1 - cost["chosen"] / without)
    assert cost["value"] == pytest.approx(weight.sum() * (without - cost["chosen"]))
    for threshold, value in zip(curve["threshold"], curve["cost"], strict=True):
        assert value == pytest.approx(mean(proba >= threshold))
    by_row = mean(proba * (fn - 0.5) > (1 - proba) * fp)
    assert cost["by_row"]["cost"] == pytest.approx(by_row)
    assert cost["by_row"]["savings"] == pytest.approx(1 - by_row / without)
    assert "fp column 'visit', fn column 'amount'" in cost["note"]
    share = cost["by_row"]["savings"]
    assert cost["note"].endswith(f"over all rows ({100 * share:.0f} % of the cost).")


def test_a_column_of_equal_costs_is_a_number(model: Fitted, tmp_path: Path) -> None:
    frame = table(seed=1).assign(amount=20)
    columns = evaluated(model, frame, tmp_path, cost="fp=1,fn=amount").facts
    numbers = evaluated(model, frame, tmp_path, cost="fp=1,fn=20").facts
    same = ("chosen", "least", "least_threshold", "nobody", "everybody", "savings", "value")
    for name in same:
        assert columns["cost"][name] == pytest.approx(numbers["cost"][name])
    assert columns["verdict"][1].partition(";")[0] == numbers["verdict"][1].partition(";")[0]
    assert numbers["cost"]["by_row"] is None


@pytest.mark.parametrize(
    ("cost", "words"),
    [
        ("fp=1,fn=none", "'none'"),
        ("fp=1,fn=customer", "cost column 'customer'"),
        ("fp=1,fn=importance,tp=2", "must not be lower for fn than for tp"),
    ],
)
def test_columns_that_hold_no_costs_get_a_sentence(
    model: Fitted, tmp_path: Path, cost: str, words: str
) -> None:
    frame = table().assign(customer="a")
    with pytest.raises(GbimbError, match=words):
        evaluated(model, frame, tmp_path, cost=cost)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("px=1", "'fn', 'fp'"),
        ("fp", "of the form"),
        ("fp=", "of the form"),
        ("tp=0", "right and wrong predictions"),
    ],
)
def test_a_cost_that_cannot_be_read_gets_a_sentence(model: Fitted, text: str, message: str) -> None:
    with pytest.raises(InvalidParameterError, match=message):
        parse_costs(text)
    with pytest.raises(InvalidParameterError, match="costs must be one of"):
        evaluate(model, table(), "churned", costs={"pf": 1.0})


def test_a_correction_is_shown_beside_what_it_corrects(model: Fitted, tmp_path: Path) -> None:
    names = {b["name"] for b in evaluated(model, table(), tmp_path).facts["reliability"]}
    assert names == {"before correction", "after correction"}
    plain = fitted(table(), loss="logistic")
    names = {b["name"] for b in evaluated(plain, table(), tmp_path).facts["reliability"]}
    assert names == {""}


def test_the_verdict_ends_with_what_training_promised(two: Evaluation, many: Evaluation) -> None:
    for evaluation in (two, many):
        assert evaluation.facts["verdict"][-1].startswith("In training ")
    assert repr(POSITIVE) in two.facts["verdict"][0]


def test_many_classes_have_a_matrix_and_a_row_each(many: Evaluation) -> None:
    model, frame = fitted(many_classes()), many_classes()
    predicted = model.predict(match_columns(model, frame, "test.csv"))
    wanted = confusion_matrix(frame["churned"], predicted, labels=model.classes_)
    np.testing.assert_array_equal(many.facts["matrix"], wanted)
    assert many.table["class"].tolist() == model.classes_.tolist()
    assert scores(many)["mcc"] == pytest.approx(matthews_corrcoef(frame["churned"], predicted))
    worst = many.facts["confusions"][0]
    names = many.facts["names"]
    assert worst["rows"] == wanted[names.index(worst["true"]), names.index(worst["predicted"])]
    assert all(row[1 + 1] != row[1 + 3] for row in many.facts["mistakes"]["wrong"]["rows"])


def test_costs_go_with_two_classes(tmp_path: Path) -> None:
    with pytest.raises(InvalidParameterError, match="two classes"):
        evaluated(fitted(many_classes()), many_classes(), tmp_path, cost="fp=1")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"churned": "staid"}, "Did you mean 'stayed'"),
        ({"churned": None}, "label in every row"),
        ({"churned": "stayed"}, "two classes or more"),
        ({"importance": -1}, "weights >= 0"),
        ({"importance": 0}, "weight above 0"),
        ({"importance": "high"}, "numbers >= 0"),
    ],
)
def test_rows_that_cannot_be_judged_get_a_sentence(
    model: Fitted, tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    with pytest.raises((InvalidDataError, InvalidParameterError), match=message):
        evaluated(model, table().assign(**change), tmp_path, weight="importance")


def test_a_class_without_weight_gets_a_sentence(model: Fitted, tmp_path: Path) -> None:
    frame = table().assign(importance=lambda t: (t["churned"] == POSITIVE).astype(int))
    with pytest.raises(InvalidDataError, match="rows with weight of two classes"):
        evaluated(model, frame, tmp_path, weight="importance")


def test_rows_of_the_training_file_are_found(model: Fitted, tmp_path: Path) -> None:
    # Without gaps in it a score is hardly there twice by chance.
    train, new = (table(seed=seed).dropna(subset="score") for seed in (0, 1))
    train.to_parquet(tmp_path / "train.parquet")
    frame = pd.concat([train[:100], new[:600]], ignore_index=True)
    evaluation = evaluated(model, frame, tmp_path, train=tmp_path / "train.parquet")
    check = next(c for c in evaluation.facts["checks"] if c["code"] == "GBI006")
    assert check["severity"] == "warning"
    assert f"100 of {len(frame)} rows" in check["text"]


def test_a_column_that_gives_the_answer_away_is_found(tmp_path: Path) -> None:
    frame = table()
    leak = frame["churned"].eq(POSITIVE)
    frame = frame.assign(refund=np.where(leak, "paid", None), ended=np.where(leak, 9.0, np.nan))
    evaluation = evaluated(fitted(frame), frame, tmp_path)
    check = next(c for c in evaluation.facts["checks"] if c["code"] == "GBI005")
    assert check["severity"] == "warning"
    assert "'refund'" in check["text"]
    assert "'ended'" in check["text"]
    assert "'score'" not in check["text"]


def test_with_many_classes_a_column_that_gives_one_away_is_found(tmp_path: Path) -> None:
    frame = many_classes()
    frame["score"] = frame["score"].round(0)
    frame["ended"] = np.where(frame["churned"].eq("<u>third</u>"), 9.0, np.nan)
    frame["same"] = 1.0
    evaluation = evaluated(fitted(frame), frame, tmp_path)
    check = next(c for c in evaluation.facts["checks"] if c["code"] == "GBI005")
    assert check["severity"] == "warning"
    assert "'ended' of '<u>third</u>' (AUC 1.0000)" in check["text"]
    assert "'same'" not in check["text"]


def test_an_identifier_is_no_leak(rng: np.random.Generator) -> None:
    names = pd.Series([f"c{i}" for i in range(500)])
    assert checks.column_auc(names, (rng.random(500) < 0.1).astype(np.intp)) < 0.7


def test_each_check_has_a_title_and_is_made(two: Evaluation, many: Evaluation) -> None:
    for evaluation in (two, many):
        assert sorted(found(evaluation)) == [c for c in checks.TITLES if c <= "GBI009"]
        assert checks.__doc__ is not None
        assert all(code in checks.TITLES for code in found(evaluation))


def test_checks_find_what_they_look_for() -> None:
    assert checks.few_rows("yes", 10, 0.5, 0.55).severity == "warning"
    assert checks.few_rows("yes", 100, 0.3, 0.7).severity == "warning"
    assert checks.few_rows("yes", 500, 0.5, 0.55).severity == "passed"
    assert checks.constant(np.full((5, 2), 0.5)).severity == "problem"
    assert checks.edge(0.9, 0.0, "yes").severity == "problem"
    assert checks.edge(0.0, 1.0, "yes").severity == "problem"
    true, names = np.array([50.0, 3, 0]), ["a", "b", "c"]
    assert checks.never_predicted(names, true, np.array([48.0, 5, 0])).severity == "passed"
    missed = checks.never_predicted(names, true, np.array([50.0, 0, 3]))
    assert missed.severity == "warning"
    assert "'b' (3 rows)" in missed.text
    assert "'c'" not in missed.text
    assert checks.never_predicted(names, true, np.array([53.0, 0, 0])).severity == "problem"
    better = Finding(60, 60, 5, 0.1, best=0.3, gain=0.2, least_gain=0.1)
    assert checks.better_threshold(0.9, better).severity == "warning"
    sums = np.array([[10.0, 50], [30, 51]])
    off = checks.off_by_more_than_chance(*sums, np.array([3.0, 7]))
    assert off.tolist() == [True, False]
    assert "'a' 10 instead of 30" in checks.sums("ab", *sums, off, ~off).text
    assert checks.chance("MCC", -0.01).severity == "warning"
    assert checks.chance("MCC", 0.01).severity == "passed"


def test_a_better_threshold_is_told_from_a_lucky_one(rng: np.random.Generator) -> None:
    proba = rng.beta(0.5, 5, 4000)
    y = (rng.random(4000) < proba).astype(np.uint8)
    thresholds = np.linspace(0.95, 0.0, 96)
    mcc = [matthews_corrcoef(y, proba >= t) for t in thresholds]
    best = int(np.argmax(mcc))
    ones = np.ones(4000)
    lucky = gains_of_halves(y, proba, ones, thresholds, best)
    assert np.quantile(lucky, 0.025) <= 0
    far = gains_of_halves(y, proba, ones, thresholds, 10)
    assert np.quantile(far, 0.025) > 0
    assert far.mean() <= mcc[best] - mcc[10]
    np.testing.assert_allclose(gains_of_halves(y, proba, 3 * ones, thresholds, 10), far)


def test_the_last_round_being_the_best_is_found(tmp_path: Path) -> None:
    assert (
        found(evaluated(fitted(table(), n_estimators=2), table(), tmp_path))["GBI003"] == "warning"
    )


def test_the_last_round_of_any_member_is_found() -> None:
    history = {"valid": {"mcc": [0.1] * 5}, "valid, larger": {"mcc": [0.1] * 9}}
    parameters = {"early_stopping_rounds": 2, "n_estimators": 9}
    model: dict[str, Any] = {"parameters": parameters, "history": history}
    model["best_iterations"] = {"valid": 3, "valid, larger": 9}
    assert "The best round is the last of 9" in checks.last_round(model).text
    model["best_iterations"] = {"valid": 3, "valid, larger": 6}
    text = "The best round is 3 of 5 and 6 of 9 (of the 2 members)."
    assert checks.last_round(model) == checks.Check("GBI003", "passed", text)


def test_rounds_that_patience_ended_do_not_ask_for_more() -> None:
    history = {"valid": {"mcc": [0.1] * 5}, "valid, larger": {"mcc": [0.1] * 70}}
    parameters = {"early_stopping_rounds": 2, "n_estimators": 1000}
    kept = {"valid": 3, "valid, larger": 70}
    model = {"parameters": parameters, "history": history, "best_iterations": kept}
    assert checks.last_round(model).severity == "passed"


def test_the_report_names_what_it_was_made_from(model: Fitted, tmp_path: Path) -> None:
    model.save(tmp_path / "m.gbimb")
    facts = evaluated(model, table(), tmp_path, model_file=tmp_path / "m.gbimb").facts
    digest = hashlib.sha256((tmp_path / "test.csv").read_bytes()).hexdigest()
    assert facts["data"]["sha256"] == digest
    assert (
        facts["model"]["sha256"] == hashlib.sha256((tmp_path / "m.gbimb").read_bytes()).hexdigest()
    )
    assert {"gbimb", "lightgbm", "python"} <= set(facts["versions"])
    assert facts["importances"]["shown"][0]["name"] == "score"
    assert NAME in match_columns(model, table(), "x").columns


def test_bags_can_be_judged(tmp_path: Path) -> None:
    frame = table()
    matched = match_columns(fitted(frame), frame, "x").astype(
        {NAME: "category", "mixed": "category"}
    )
    bags = gbimb.UnderBaggingClassifier(n_estimators=3, random_state=0, n_jobs=1)
    bags.fit(matched, frame["churned"].to_numpy(object))
    evaluation = evaluated(bags, frame, tmp_path)
    assert "training" not in evaluation.displays
    assert found(evaluation)["GBI003"] == "skipped"


def test_a_data_frame_is_judged_as_the_file_is(model: Fitted, tmp_path: Path) -> None:
    frame = table(seed=1)
    assert scores(evaluate(model, frame, "churned")) == scores(evaluated(model, frame, tmp_path))
    assert evaluate(model, frame, "churned").facts["data"]["sha256"] is None


def test_labels_of_digits_are_read_as_text_where_the_model_learnt_text(tmp_path: Path) -> None:
    frame = table().assign(churned=lambda t: np.where(t["churned"] == POSITIVE, "007", "012"))
    counts = evaluated(fitted(frame), frame, tmp_path).facts["counts"]
    assert counts["tp"] + counts["fn"] == (frame["churned"] == "007").sum()


def test_a_folder_is_judged_as_one_table(model: Fitted, tmp_path: Path) -> None:
    frame = table(seed=1)
    (tmp_path / "parts").mkdir()
    frame[:250].to_csv(tmp_path / "parts" / "a.csv.gz", index=False)
    frame[250:].to_parquet(tmp_path / "parts" / "b.parquet")
    parts = evaluate(model, tmp_path / "parts", "churned")
    assert scores(parts) == pytest.approx(scores(evaluated(model, frame, tmp_path)))


def test_labels_are_taken_where_the_name_of_their_column_is(model: Fitted) -> None:
    frame = table()
    wanted = evaluate(model, frame, "churned").facts["scores"]
    assert evaluate(model, frame, frame["churned"]).facts["scores"] == wanted
    with pytest.raises(InvalidTypeError, match=r"weight must be the name of the column .*a list"):
        evaluate(model, frame, "churned", weight=[1.0] * len(frame))  # type: ignore[arg-type]


@pytest.mark.parametrize("where", ["frame", "file"])
def test_arguments_are_named_as_in_python(model: Fitted, tmp_path: Path, where: str) -> None:
    table().to_csv(tmp_path / "test.csv", index=False)
    data = table() if where == "frame" else tmp_path / "test.csv"
    with pytest.raises(InvalidParameterError, match=r"^target must be one of"):
        evaluate(model, data, "churn")
    with pytest.raises(InvalidParameterError, match=r"^weight must be one of"):
        evaluate(model, data, "churned", weight="wieght")
    with pytest.raises(InvalidParameterError, match=r"^target must be one of"):
        evaluate(model, data, "churn", command="gbimb evaluate")


def test_an_evaluation_is_shown_in_a_line(two: Evaluation, many: Evaluation) -> None:
    for evaluation in (two, many):
        text = repr(evaluation)
        assert len(text) < 200
        assert text.startswith("<Evaluation of 600 rows of test.csv: ")
        assert f"{scores(evaluation)['mcc']:.3f}" in text
