"""Thresholds that keep to a bound on new rows with a given confidence."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logit
from scipy.stats import binom, norm

import gbimb
from gbimb.decisions.promises import _power
from gbimb.exceptions import GbimbWarning, InvalidDataError, InvalidParameterError
from gbimb.thresholds import Guarantee, guaranteed_threshold

RULES = (
    "precision >= 0.7",
    "recall >= 0.8",
    "specificity >= 0.95",
    "fpr <= 0.02",
    "alerts <= 0.05",
)
PREVALENCE, DISTANCE = 0.1, 2.5


def draw(rng: np.random.Generator, n: int, decimals: int | None = None) -> tuple[Any, Any]:
    """Return labels and true probabilities; the log odds are a line through a normal score."""
    y = rng.random(n) < PREVALENCE
    z = rng.normal(size=n) + DISTANCE * y
    p = expit(DISTANCE * z - DISTANCE**2 / 2 + logit(PREVALENCE))
    return y, p if decimals is None else np.round(p, decimals)


def true_rates(threshold: float, decimals: int | None = None) -> dict[str, float]:
    if decimals is not None:  # as new rows are rounded
        step = 10.0**-decimals
        threshold = np.ceil(threshold / step - 1e-9) * step - step / 2
    z = (logit(threshold) - logit(PREVALENCE) + DISTANCE**2 / 2) / DISTANCE
    recall, fpr = float(norm.sf(z - DISTANCE)), float(norm.sf(z))
    alerts = PREVALENCE * recall + (1 - PREVALENCE) * fpr
    precision = PREVALENCE * recall / alerts if alerts else 1.0
    return {
        "recall": recall,
        "fpr": fpr,
        "specificity": 1 - fpr,
        "alerts": alerts,
        "precision": precision,
    }


def quiet(*args: Any, **options: Any) -> Guarantee:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GbimbWarning)
        return guaranteed_threshold(*args, **options)


def is_kept(found: Guarantee, decimals: int | None = None) -> bool:
    rate, sign, _ = found.rule.split()
    true = true_rates(found.threshold, decimals)[rate]
    return true >= found.bound if sign == ">=" else true <= found.bound


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(("n", "decimals"), [(200, None), (2000, None), (1000, 1)])
def test_a_promise_is_kept_as_often_as_it_says(rule: str, n: int, decimals: int | None) -> None:
    draws = 300
    rng = np.random.default_rng([n, len(rule)])
    kept = [is_kept(quiet(*draw(rng, n, decimals), rule, 0.9), decimals) for _ in range(draws)]
    assert np.mean(kept) >= 0.9 - 2 * np.sqrt(0.9 * 0.1 / draws)


@pytest.mark.parametrize("rule", ["precision >= 0.5", "recall >= 0.7", "fpr <= 0.1"])
def test_a_promise_under_weights_is_kept(rule: str) -> None:
    # The rows of either class have weights of two sizes, drawn apart from their scores: weighted
    # recall and false-positive rate are those without weights, and the odds are three fifths.
    rng = np.random.default_rng(len(rule))
    draws, kept = 150, 0
    for _ in range(draws):
        y, p = draw(rng, 1500)
        weight = rng.choice([0.5, 1.0], 1500) * np.where(y, 0.6, 1.0)
        found = quiet(y, p, rule, 0.9, weight)
        true = true_rates(found.threshold)
        odds = 0.6 * true["precision"] / max(1 - true["precision"], 1e-12)
        rate = {**true, "precision": odds / (1 + odds)}[rule.split(maxsplit=1)[0]]
        kept += rate >= found.bound if ">=" in rule else rate <= found.bound
    assert kept / draws >= 0.9 - 2 * np.sqrt(0.9 * 0.1 / draws)


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.5, 0.8, 0.9]), st.sampled_from([0.8, 0.95]))
def test_recall_takes_the_order_statistic_of_the_binomial_law(
    seed: int, share: float, confidence: float
) -> None:
    y, p = draw(np.random.default_rng(seed), 400)
    ranked = np.sort(p[y])
    law = binom.cdf(np.arange(ranked.size), ranked.size, 1 - share)
    missed = np.flatnonzero(law <= 1 - confidence)
    found = quiet(y, p, f"recall >= {share}", confidence)
    assert found.met is bool(missed.size)
    most = missed[-1] if missed.size else 0
    last = ranked[most]
    assert np.count_nonzero(p[y] >= found.threshold) == ranked.size - most
    assert found.threshold == pytest.approx(last, rel=0.05)
    assert found.threshold <= last


@given(st.integers(0, 2**32 - 1), st.sampled_from(["fpr", "alerts"]))
def test_a_bound_from_above_takes_the_order_statistic_of_the_binomial_law(
    seed: int, rate: str
) -> None:
    y, p = draw(np.random.default_rng(seed), 400)
    of = ~y if rate == "fpr" else np.ones(y.size, bool)
    n = int(of.sum())
    flagged = np.flatnonzero(binom.cdf(np.arange(n), n, 0.05) <= 0.05)
    found = quiet(y, p, f"{rate} <= 0.05")
    assert np.count_nonzero(p[of] >= found.threshold) == flagged[-1]
    below = np.sort(p[of])[n - flagged[-1] - 1]
    assert below < found.threshold


@given(st.integers(0, 2**32 - 1))
def test_the_precision_passes_the_exact_test_at_its_threshold(seed: int) -> None:
    y, p = draw(np.random.default_rng(seed), 600)
    found = quiet(y, p, "precision >= 0.6")
    flagged = p >= found.threshold
    hits, rows = int(y[flagged].sum()), int(flagged.sum())
    if found.met:
        assert binom.sf(hits - 1, rows, 0.6) <= 0.05
    else:
        assert found.bound < 0.6
        assert binom.sf(hits - 1, rows, found.bound) <= 0.05 + 1e-9


def test_the_start_of_the_precision_tests_depends_on_no_label() -> None:
    # With labels that follow no probability nothing can be promised, whatever they are.
    rng = np.random.default_rng(0)
    p = draw(rng, 2000)[1]
    wrong = [quiet(rng.random(2000) < 0.1, p, "precision >= 0.2").met for _ in range(200)]
    assert np.mean(wrong) <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 200)


def test_all_rows_give_up_less_than_half_of_what_a_fifth_gives_up() -> None:
    rng = np.random.default_rng(1)
    best = {"precision >= 0.7": 0.0, "fpr <= 0.02": 0.0, "alerts <= 0.05": 0.0}
    grid = expit(np.linspace(-12, 12, 4000))
    rates = [true_rates(t) for t in grid]
    for rule in best:
        rate, sign, value = rule.split()
        fine = [r for r in rates if (r[rate] >= float(value)) == (sign == ">=")]
        best[rule] = max(r["recall"] for r in fine)
    for rule, reached in best.items():
        lost = {1: 0.0, 5: 0.0}
        for _ in range(60):
            y, p = draw(rng, 3000)
            for part in lost:
                found = quiet(y[::part], p[::part], rule)
                lost[part] += reached - (true_rates(found.threshold)["recall"] if found.met else 0)
        assert lost[1] <= 0.5 * lost[5]


@pytest.mark.parametrize("rule", RULES)
def test_five_positives_are_promised_what_they_can(rule: str) -> None:
    y = np.r_[np.ones(5), np.zeros(95)]
    p = np.r_[0.9, 0.85, 0.8, 0.75, 0.7, np.linspace(0.01, 0.6, 95)]
    found = quiet(y, p, rule)
    assert 0 < found.threshold < 1
    assert (found.rows, found.positives) == (100, 5)
    if rule.startswith("recall"):
        assert not found.met
        assert found.bound == pytest.approx(0.05 ** (1 / 5))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        guaranteed_threshold(y, p, rule)
    assert len(caught) == (0 if found.met else 1)
    if not found.met:
        sentence = str(caught[0].message)
        assert sentence.startswith(f"{found.rule} cannot be promised with 95 % confidence on 100")
        assert f"{found.bound:.3g}" in sentence


@pytest.mark.parametrize("rule", RULES)
def test_five_positives_under_weights_are_promised_no_more(rule: str) -> None:
    y = np.r_[np.ones(5), np.zeros(95)]
    p = np.r_[0.9, 0.85, 0.8, 0.75, 0.7, np.linspace(0.01, 0.6, 95)]
    plain, found = (quiet(y, p, rule, sample_weight=w) for w in (None, np.arange(100) % 3 + 1.0))
    assert 0 < found.threshold < 1
    assert not found.met or plain.met
    if not plain.met:
        worse = found.bound <= plain.bound if ">=" in rule else found.bound >= plain.bound
        assert worse


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("rule", [rule for rule in RULES if not rule.startswith("precision")])
def test_of_scores_only_their_order_counts_except_for_a_precision(
    rule: str, weighted: bool
) -> None:
    y, p = draw(np.random.default_rng(6), 900, decimals=2)
    weight = np.arange(900) % 3 + 1.0 if weighted else None
    one, other = (quiet(y, scores, rule, sample_weight=weight) for scores in (p, p**3))
    assert (one.bound, one.met) == (other.bound, other.met)
    assert ((p >= one.threshold) == (p**3 >= other.threshold)).all()


def test_the_main_start_of_the_precision_tests_is_where_one_passes_most_often() -> None:
    # Power by the binomial law of scipy.stats; of 40 flagged at 0.95 a test passes more often
    # than of 20 at 0.95 or of 400 at 0.7.
    size, mean = np.array([20.0, 40.0, 400.0]), np.array([0.95, 0.95, 0.7])
    critical = binom.isf(0.045, size, 0.8)
    wanted = binom.sf(critical, size, mean)
    np.testing.assert_allclose(_power(size, mean, 0.8, 0.045), wanted, rtol=1e-9)
    assert np.argmax(wanted) == 1


@pytest.mark.parametrize("rule", RULES)
def test_classes_far_apart_are_told_apart(rule: str) -> None:
    rng = np.random.default_rng(0)
    y = np.arange(2000) % 10 == 0
    p = np.where(y, rng.uniform(0.8, 0.9, 2000), rng.uniform(0.1, 0.2, 2000))
    found = quiet(y, p, rule)
    assert found.met
    if not rule.startswith("alerts"):
        flagged = p >= found.threshold
        assert flagged[y].mean() >= 0.75
        assert flagged[~y].mean() <= 0.05


@pytest.mark.parametrize("rule", RULES)
def test_equal_scores_are_flagged_together_or_not_at_all(rule: str) -> None:
    y = np.arange(1000) % 10 == 0
    found = quiet(y, np.full(1000, 0.1), rule)
    flagged = bool(found.threshold <= 0.1)
    assert flagged == (rule.split(maxsplit=1)[0] in {"recall", "precision"})
    assert found.met == (not rule.startswith("precision"))
    if rule.startswith("precision"):
        assert found.bound == pytest.approx(0.085, abs=0.01)


def test_no_threshold_lies_above_a_score_of_one() -> None:
    y = np.arange(1000) % 10 == 0
    found = quiet(y, np.ones(1000), "alerts <= 0.05")
    assert (found.met, found.bound, found.threshold) == (False, 1.0, 1.0)
    found = quiet(y, np.ones(1000), "specificity >= 0.9")
    assert (found.met, found.bound) == (False, 0.0)


@pytest.mark.parametrize("rule", RULES)
def test_equal_weights_are_none_and_rows_without_weight_are_left_out(rule: str) -> None:
    y, p = draw(np.random.default_rng(3), 800)
    plain = quiet(y, p, rule)
    assert quiet(y, p, rule, sample_weight=np.full(800, 3.0)) == plain
    more = np.append(y, [True, False]), np.append(p, [0.0, 1.0])
    assert quiet(*more, rule, sample_weight=np.r_[np.ones(800), 0, 0]) == plain


def test_whole_weights_are_no_more_rows() -> None:
    y, p = draw(np.random.default_rng(4), 3000)
    weight = np.where(np.arange(3000) % 2, 2.0, 1.0)
    weighted = quiet(y, p, "recall >= 0.8", sample_weight=weight)
    assert weighted.met
    assert weighted.threshold < quiet(y, p, "recall >= 0.8").threshold
    assert weighted.rows == 3000


def test_more_confidence_never_flags_more_under_a_bound_from_above() -> None:
    y, p = draw(np.random.default_rng(5), 3000)
    thresholds = [quiet(y, p, "fpr <= 0.02", c).threshold for c in (0.5, 0.8, 0.95, 0.999)]
    assert thresholds == sorted(thresholds)


def test_a_rule_says_in_a_sentence_what_holds() -> None:
    y, p = draw(np.random.default_rng(0), 3000)
    sentence = str(quiet(y, p, "recall >= 0.8"))
    assert sentence.startswith("recall >= 0.8 holds on new rows with 95 % confidence, chosen on ")


@pytest.mark.parametrize(
    "rule", ["precision > 0.9", "mcc", "fpr >= 0.1", "recall >= 1.5", "alerts <= x", 0.9]
)
def test_what_is_no_rule_is_refused(rule: Any) -> None:
    with pytest.raises(InvalidParameterError):
        guaranteed_threshold([0, 1], [0.1, 0.9], rule)


def test_one_class_alone_is_refused() -> None:
    with pytest.raises(InvalidDataError, match="both classes"):
        guaranteed_threshold(np.zeros(10), np.full(10, 0.1), "fpr <= 0.1")
    with pytest.raises(gbimb.exceptions.GbimbError, match="confidence"):
        guaranteed_threshold([0, 1], [0.1, 0.9], "fpr <= 0.1", 1.0)
