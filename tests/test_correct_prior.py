"""``correct_prior``: probabilities of the data from those of resampled rows."""

from __future__ import annotations

from contextlib import nullcontext

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from imblearn.over_sampling import SMOTE, RandomOverSampler
from imblearn.pipeline import Pipeline
from imblearn.under_sampling import RandomUnderSampler
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score

import gbimb
from gbimb.exceptions import InvalidDataError
from gbimb.metrics import evaluate, get_metric
from tests.bagging.tables import OURS, binary, excess_log_loss, many, quick
from tests.helpers.strategies import QUICK

shares = st.lists(st.floats(0.01, 1), min_size=2, max_size=6).map(
    lambda values: np.array(values) / sum(values)
)


# --- the formula -----------------------------------------------------------------------------


def test_two_classes_exactly_as_bayes_says() -> None:
    """Densities of two classes, mixed with one prevalence and with another."""
    x = np.linspace(-4, 5, 50)
    f1, f0 = np.exp(-((x - 1) ** 2)), np.exp(-(x**2) / 2)

    def posterior(share: float) -> np.ndarray:
        return share * f1 / (share * f1 + (1 - share) * f0)

    for old in (0.5, 0.1, 0.9):
        for new in (0.001, 0.02, 0.5, 0.99):
            corrected = gbimb.correct_prior(posterior(old), old, new)
            np.testing.assert_allclose(corrected, posterior(new), rtol=1e-12)


@QUICK
@given(old=shares, seed=st.integers(0, 1000))
def test_many_classes_exactly_as_bayes_says(old: np.ndarray, seed: int) -> None:
    rng = np.random.default_rng(seed)
    density = rng.random((20, old.size)) + 1e-3
    new = rng.dirichlet(np.ones(old.size)) * 0.9 + 0.1 / old.size
    before = density * old / (density * old).sum(axis=1, keepdims=True)
    after = density * new / (density * new).sum(axis=1, keepdims=True)
    corrected = gbimb.correct_prior(before, old, new)
    np.testing.assert_allclose(corrected, after, rtol=1e-12)
    np.testing.assert_allclose(corrected.sum(axis=1), 1, rtol=1e-14)


@QUICK
@given(old=shares, new=st.integers(0, 1000), seed=st.integers(0, 1000))
def test_there_and_back_again(old: np.ndarray, new: int, seed: int) -> None:
    target = np.random.default_rng(new).dirichlet(np.ones(old.size)) * 0.9 + 0.1 / old.size
    proba = np.random.default_rng(seed).dirichlet(np.ones(old.size), 10)
    there = gbimb.correct_prior(proba, old, target)
    np.testing.assert_allclose(gbimb.correct_prior(there, target, old), proba, atol=1e-12)


def test_one_column_and_two_columns_agree() -> None:
    p = np.linspace(0, 1, 11)
    one = gbimb.correct_prior(p, 0.5, 0.02)
    two = gbimb.correct_prior(np.column_stack([1 - p, p]), 0.5, 0.02)
    np.testing.assert_allclose(two[:, 1], one, rtol=1e-14, atol=1e-300)
    pairs = gbimb.correct_prior(p, [0.5, 0.5], [0.98, 0.02])
    np.testing.assert_allclose(pairs, one, rtol=1e-14)


def test_certain_rows_stay_certain_and_equal_shares_change_nothing() -> None:
    np.testing.assert_array_equal(gbimb.correct_prior([0.0, 1.0], 0.5, 1e-9), [0.0, 1.0])
    p = np.linspace(0, 1, 7)
    np.testing.assert_allclose(gbimb.correct_prior(p, 0.3, 0.3), p, rtol=1e-14)


def test_integers_lists_and_float32_are_read_as_numbers() -> None:
    assert gbimb.correct_prior([0, 1], 0.5, 0.1).tolist() == [0.0, 1.0]
    assert gbimb.correct_prior(np.array([0.5], np.float32), 0.5, 0.1).dtype == np.float64
    assert gbimb.correct_prior(np.empty(0), 0.5, 0.1).shape == (0,)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (([0.5, 1.2], 0.5, 0.1), "proba"),
        (([0.5, -0.1], 0.5, 0.1), "proba"),
        (([0.5, np.nan], 0.5, 0.1), "proba"),
        (([[[0.5]]], 0.5, 0.1), "proba"),
        (([0.5], 0.0, 0.1), "resampled_prevalence"),
        (([0.5], 0.5, 1.0), "true_prevalence"),
        (([0.5], 0.5, np.nan), "true_prevalence"),
        (([0.5], [0.2, 0.3, 0.5], 0.5), "resampled_prevalence"),
        (([[0.2, 0.3, 0.5]], 0.5, [0.2, 0.3, 0.5]), "resampled_prevalence"),
        (([[0.2, 0.3, 0.5]], [0.2, 0.3, 0.6], [0.2, 0.3, 0.5]), "resampled_prevalence"),
        (([[0.2, 0.3, 0.5]], [0.2, 0.3, 0.5], [0.5, 0.5, 0.0]), "true_prevalence"),
    ],
)
def test_what_cannot_be_corrected_gets_a_sentence(
    arguments: tuple[object, ...], match: str
) -> None:
    with pytest.raises(InvalidDataError, match=match):
        gbimb.correct_prior(*arguments)  # type: ignore[arg-type]


# --- imbalanced-learn ------------------------------------------------------------------------


@pytest.mark.parametrize("kind", OURS)
@pytest.mark.parametrize("sampler", [RandomUnderSampler, RandomOverSampler])
def test_after_random_resampling_the_probabilities_are_true_again(
    kind: type, sampler: type
) -> None:
    train, fresh = binary(12_000, prevalence=0.08), binary(20_000, seed=1, prevalence=0.08)
    model = Pipeline(
        [
            ("sample", sampler(sampling_strategy=0.5, random_state=0)),
            ("clf", quick(kind, loss="logistic", random_state=0, cv=3)),
        ]
    )
    copied = pytest.warns(gbimb.GbimbWarning, match="exact copies")
    with copied if sampler is RandomOverSampler else nullcontext():
        model.fit(train.X, train.y)
    resampled = model.predict_proba(fresh.X)
    assert resampled[:, 1].mean() > 2.5 * train.y.mean()
    p = gbimb.correct_prior(resampled[:, 1], 1 / 3, train.y.mean())
    assert p.mean() == pytest.approx(train.y.mean(), rel=0.1)
    plain = quick(kind, loss="logistic", random_state=0, cv=3).fit(train.X, train.y)
    ours = excess_log_loss(fresh.posterior, np.column_stack([1 - p, p]))
    # A model of half the negatives, or of positives seen seven times, is a little less good.
    assert ours < 1.05 * excess_log_loss(fresh.posterior, plain.predict_proba(fresh.X))


def test_after_smote_the_correction_is_an_approximation() -> None:
    train, fresh = binary(8000, prevalence=0.05), binary(20_000, seed=1, prevalence=0.05)
    model = Pipeline(
        [
            ("sample", SMOTE(sampling_strategy=0.5, random_state=0)),
            ("clf", quick(gbimb.ImbalancedLGBMClassifier, random_state=0, cv=3)),
        ]
    ).fit(train.X, train.y)
    resampled = model.predict_proba(fresh.X)[:, 1]
    p = gbimb.correct_prior(resampled, 1 / 3, train.y.mean())
    off, before = (abs(np.log(q.mean() / fresh.posterior.mean())) for q in (p, resampled))
    assert off < 0.5 * before


def test_after_undersampling_many_classes_the_probabilities_are_true_again() -> None:
    train, fresh = many(20_000, 4), many(20_000, 4, seed=1)
    sampler = RandomUnderSampler(random_state=0)
    _, y = sampler.fit_resample(train.X, train.y)
    model = Pipeline([("sample", sampler), ("clf", LogisticRegression(C=100.0, max_iter=500))]).fit(
        train.X, train.y
    )
    old, new = (np.bincount(labels) / labels.size for labels in (y, train.y))
    p = gbimb.correct_prior(model.predict_proba(fresh.X), old, new)
    assert excess_log_loss(fresh.posterior, p) < 1.01 * excess_log_loss(
        fresh.posterior, fresh.posterior
    )
    np.testing.assert_allclose(p.mean(axis=0), new, rtol=0.1)


@pytest.mark.parametrize("kind", OURS)
def test_validation_rows_passed_as_step_parameters_are_never_resampled(kind: type) -> None:
    """``fit(X, y, clf__X_val=..., clf__y_val=...)``: only X and y go through the sampler."""
    train, held_out = binary(4000), binary(3000, seed=1)
    model = Pipeline(
        [("sample", RandomUnderSampler(random_state=0)), ("clf", quick(kind, random_state=0))]
    )
    model.fit(train.X, train.y, clf__X_val=held_out.X, clf__y_val=held_out.y)
    clf = model["clf"]
    assert clf.validation_ == "the validation rows given to fit"
    raw = clf.raw_score(held_out.X)
    value = evaluate([get_metric("mcc")], clf.loss_, held_out.y, raw)["mcc"]
    assert clf.best_score_ == pytest.approx(value, abs=1e-6)


@pytest.mark.parametrize("kind", OURS)
def test_with_validation_rows_as_they_come_the_probabilities_need_no_further_correction(
    kind: type,
) -> None:
    """The estimators fit their raw scores to the validation rows: the shift is undone there."""
    train, held_out, fresh = binary(8000), binary(6000, seed=1), binary(20_000, seed=2)
    model = Pipeline(
        [("sample", RandomUnderSampler(random_state=0)), ("clf", quick(kind, random_state=0))]
    ).fit(train.X, train.y, clf__X_val=held_out.X, clf__y_val=held_out.y)
    mean = model.predict_proba(fresh.X)[:, 1].mean()
    assert mean == pytest.approx(held_out.y.mean(), rel=0.06)


@pytest.mark.parametrize("kind", OURS)
def test_in_cross_validation_a_pipeline_scores_on_rows_as_they_come(kind: type) -> None:
    train = binary(3000)
    model = Pipeline(
        [
            ("sample", RandomOverSampler(random_state=0)),
            ("clf", quick(kind, random_state=0, cv=None, n_estimators=10)),
        ]
    )
    scores = cross_val_score(model, train.X, train.y, cv=3, scoring="roc_auc")
    assert (scores > 0.7).all()
