"""Which rows go into a bag: strategies, even coverage, draws by hardness."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from imblearn.under_sampling import RandomUnderSampler

from gbimb.decisions.sampling import (
    deal_bags,
    draw_bags,
    resolve_sampling_strategy,
    self_paced_draw,
)
from gbimb.exceptions import GbimbError, InvalidParameterError, InvalidTypeError
from tests.helpers.strategies import QUICK

COUNTS = np.array([1000, 20])
LABELS = ["no", "yes"]


# --- how many rows ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        ("auto", [1000, 20]),
        (1, [20, 20]),
        (1.0, [20, 20]),
        (0.5, [40, 20]),
        (0.1, [200, 20]),
        (0.001, [1000, 20]),
        (3, [60, 20]),
        (10.5, [210, 20]),
        (1e9, [1000, 20]),
        ({"no": 7}, [7, 20]),
        ({"no": 7, "yes": 3}, [7, 3]),
        ({}, [1000, 20]),
        (np.float32(0.5), [40, 20]),
        (np.int64(3), [60, 20]),
    ],
)
def test_a_strategy_says_how_many_rows_of_each_class_are_drawn(
    strategy: object, expected: list[int]
) -> None:
    drawn = resolve_sampling_strategy(strategy, COUNTS, LABELS)  # type: ignore[arg-type]
    assert drawn.tolist() == expected
    assert drawn.dtype == np.intp


@pytest.mark.parametrize("ratio", [0.03, 0.1, 0.25, 0.37, 0.5, 1.0])
def test_a_ratio_up_to_one_means_what_it_means_in_imbalanced_learn(ratio: float) -> None:
    y = np.repeat([0, 1], COUNTS)
    theirs = RandomUnderSampler(sampling_strategy=ratio, random_state=0)
    _, resampled = theirs.fit_resample(np.zeros((y.size, 1)), y)
    ours = resolve_sampling_strategy(ratio, COUNTS, [0, 1])
    assert np.abs(ours - np.bincount(resampled)).max() <= 1  # they round down


@pytest.mark.parametrize(
    ("counts", "expected"),
    [([9000, 20], [5000, 20]), ([9000, 6000], [6000, 6000]), ([9000, 400, 70], [5000, 400, 70])],
)
def test_auto_is_one_for_one_but_leaves_bags_large_enough(
    counts: list[int], expected: list[int]
) -> None:
    labels = list(range(len(counts)))
    assert resolve_sampling_strategy("auto", np.array(counts), labels).tolist() == expected


def test_many_classes_are_each_drawn_towards_the_rarest() -> None:
    counts = np.array([500, 80, 20, 3000])
    assert resolve_sampling_strategy(1, counts, list("abcd")).tolist() == [20, 20, 20, 20]
    assert resolve_sampling_strategy(10, counts, list("abcd")).tolist() == [200, 80, 20, 200]


@pytest.mark.parametrize(
    ("strategy", "match"),
    [
        (0, "> 0|in \\(0"),
        (-1.0, "in \\(0"),
        (np.nan, "in \\(0"),
        (np.inf, "in \\(0"),
        ("majority", "'auto' or a dict"),
        (None, "must be a number"),
        (True, "must be a number"),
        ([0.5], "must be a number"),
        ({"maybe": 5}, "labels of y"),
        ({"no": 1001}, r"\[1, 1000\]"),
        ({"no": 0}, r"\[1, 1000\]"),
        ({"no": 2.5}, "an integer"),
    ],
)
def test_a_wrong_strategy_gets_a_sentence(strategy: object, match: str) -> None:
    with pytest.raises(GbimbError, match=match):
        resolve_sampling_strategy(strategy, COUNTS, LABELS)  # type: ignore[arg-type]


# --- random bags -----------------------------------------------------------------------------


@QUICK
@given(n=st.integers(1, 30), share=st.floats(0, 1), n_bags=st.integers(1, 40), seed=st.integers(0))
def test_bags_cover_the_rows_as_evenly_as_can_be(
    n: int, share: float, n_bags: int, seed: int
) -> None:
    rows = 7 + 3 * np.arange(n)
    size = max(1, round(share * n))
    seen = np.zeros(rows.max() + 1, dtype=int)
    for bag in deal_bags(rows, size, n_bags, np.random.default_rng(seed)):
        assert bag.size == size == np.unique(bag).size
        seen[bag] += 1
        assert np.ptp(seen[rows]) <= 1
    assert seen.sum() == n_bags * size


@QUICK
@given(
    codes=st.lists(st.integers(0, 3), min_size=4, max_size=60).map(lambda c: [0, 1, 2, 3, *c]),
    share=st.floats(0.01, 1),
    seed=st.integers(0, 2**31),
    replacement=st.booleans(),
)
def test_a_bag_has_the_rows_asked_for_in_rising_order(
    codes: list[int], share: float, seed: int, replacement: bool
) -> None:
    y = np.array(codes)
    counts = np.bincount(y)
    drawn = np.maximum(1, np.round(share * counts).astype(int))
    for bag in draw_bags(y, drawn, 5, seed, replacement=replacement):
        assert np.bincount(y[bag], minlength=4).tolist() == drawn.tolist()
        assert (np.diff(bag) >= (0 if replacement else 1)).all()
        for k in np.flatnonzero(drawn == counts):  # kept whole, with replacement too
            assert np.array_equal(bag[y[bag] == k], np.flatnonzero(y == k))


@pytest.mark.parametrize("replacement", [False, True])
def test_the_first_bags_of_a_longer_sequence_are_those_of_a_shorter(replacement: bool) -> None:
    y = np.repeat([0, 1, 2], [50, 20, 8])
    drawn = np.array([13, 9, 8])
    short = list(draw_bags(y, drawn, 4, seed=3, replacement=replacement))
    long = draw_bags(y, drawn, 11, seed=3, replacement=replacement)
    for a, b in zip(short, itertools.islice(long, 4), strict=True):
        np.testing.assert_array_equal(a, b)
    assert len(list(long)) == 7
    other = next(draw_bags(y, drawn, 4, seed=4, replacement=replacement))
    assert not np.array_equal(other, short[0])


def test_with_replacement_a_row_can_be_there_twice() -> None:
    y = np.repeat([0, 1], [100, 50])
    bag = next(draw_bags(y, np.array([60, 50]), 1, seed=0, replacement=True))
    assert np.unique(bag).size < bag.size
    assert np.unique(bag[y[bag] == 1]).size == 50


def test_each_row_is_as_likely_as_any_other() -> None:
    y = np.repeat([0, 1], [40, 5])
    first = np.array([next(draw_bags(y, np.array([10, 5]), 1, seed)) for seed in range(2000)])
    often = np.bincount(first.ravel(), minlength=45)[:40]
    assert abs(often / 2000 - 0.25).max() < 4.5 * np.sqrt(0.25 * 0.75 / 2000)


def test_replacement_must_be_a_truth_value() -> None:
    with pytest.raises(InvalidTypeError, match="True or False"):
        next(draw_bags(np.array([0, 1]), np.array([1, 1]), 1, 0, replacement="no"))  # type: ignore[arg-type]


# --- by hardness -----------------------------------------------------------------------------


@QUICK
@given(
    hardness=st.lists(st.floats(0, 1), min_size=1, max_size=80),
    share=st.floats(0, 1),
    progress=st.floats(0, 1, exclude_max=True),
    seed=st.integers(0, 2**31),
)
def test_a_draw_by_hardness_is_of_different_rows_and_of_the_size_asked_for(
    hardness: list[float], share: float, progress: float, seed: int
) -> None:
    rows = 5 + 2 * np.arange(len(hardness))
    size = max(1, round(share * rows.size))
    rng = np.random.default_rng(seed)
    drawn = self_paced_draw(rows, np.array(hardness), size, progress, rng)
    assert drawn.size == size == np.unique(drawn).size
    assert np.isin(drawn, rows).all()


@pytest.mark.parametrize("level", [0.0, 0.3, 1.0])
def test_rows_of_equal_hardness_are_equally_likely(level: float) -> None:
    rows, often = np.arange(30), np.zeros(30)
    for seed in range(3000):
        rng = np.random.default_rng(seed)
        often[self_paced_draw(rows, np.full(30, level), 6, 0.9, rng)] += 1
    assert abs(often / 3000 - 0.2).max() < 4.5 * np.sqrt(0.2 * 0.8 / 3000)


def test_harder_rows_are_drawn_more_often_as_the_bags_go_on() -> None:
    """Of many easy rows and few hard ones, as after the first bags on a rare class."""
    rng = np.random.default_rng(0)
    hardness = np.concatenate([rng.beta(1, 20, 1800), rng.uniform(0.5, 1.0, 200)])
    rows = np.arange(hardness.size)
    hard = [
        np.mean(
            [
                (self_paced_draw(rows, hardness, 100, progress, rng) >= 1800).mean()
                for _ in range(60)
            ]
        )
        for progress in (0.0, 0.3, 0.6, 0.9, 0.99)
    ]
    assert (np.diff(hard) > 0).all()
    assert hard[-1] > 3 * 0.1  # three times their share of the rows
    assert hard[0] < 2 * 0.1


def test_each_degree_of_hardness_has_an_equal_say_at_the_end() -> None:
    hardness = np.repeat([0.0, 1.0], [990, 10])
    often = np.zeros(1000)
    for seed in range(400):
        rng = np.random.default_rng(seed)
        often[self_paced_draw(np.arange(1000), hardness, 2, 1 - 1e-9, rng)] += 1
    assert often[990:].sum() / often.sum() == pytest.approx(0.5, abs=0.06)


def test_all_rows_can_be_drawn_however_hard() -> None:
    for hardness in ([0.0, 0.0, 1.0], [1e-300, 1.0, 0.5], [0.2, 0.2, 0.2]):
        drawn = self_paced_draw(
            np.arange(3), np.array(hardness), 3, 0.999, np.random.default_rng(0)
        )
        assert sorted(drawn.tolist()) == [0, 1, 2]


def test_the_error_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="sampling_strategy"):
        resolve_sampling_strategy("none", COUNTS, LABELS)
    assert issubclass(InvalidParameterError, ValueError)
