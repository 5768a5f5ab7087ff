from __future__ import annotations

from collections.abc import Callable

import pytest

from gbimb.benchmark.records import Record
from gbimb.benchmark.verdict import verdict

Make = Callable[..., list[Record]]
STEADY = [0.04, 0.05, 0.06, 0.05, 0.04, 0.055, 0.06, 0.045]
NOTHING = [0.0] * 8


def verdict_of(make: Make, focal: list[float], tuned: list[float] | None = None) -> str:
    methods = {"weighted-logloss": [0.0] * len(focal), "focal": focal}
    if tuned is not None:
        methods["logloss-tuned"] = tuned
    return verdict(make(methods), "lightgbm")


def test_beats_needs_interval_and_test(make_records: Make) -> None:
    sentence = verdict_of(make_records, STEADY)
    assert sentence.startswith("LightGBM: focal loss with early stopping on MCC beats weighted")
    assert "the difference in MCC is +0.050 (95 % interval +0.0" in sentence
    assert "higher on 8 of 8 tables, p = 0.0078." in sentence


def test_five_tables_cannot_confirm(make_records: Make) -> None:
    sentence = verdict_of(make_records, STEADY[:5])
    assert "does better than weighted log loss here" in sentence
    assert "5 tables are too few to confirm it" in sentence
    assert "smallest possible p of the signed-rank test is 0.062" in sentence
    assert "beats" not in sentence


def test_an_interval_without_a_test_is_said_to_lack_it(make_records: Make) -> None:
    # One loss among six keeps the rank test above 0.05 while the mean is far from zero.
    sentence = verdict_of(make_records, [0.30, 0.31, 0.29, 0.30, 0.32, -0.001, -0.002, 0.30])
    assert "beats" not in sentence or "open" in sentence or "p = 0.0" in sentence


def test_worse_is_said_to_be_worse(make_records: Make) -> None:
    sentence = verdict_of(make_records, [-d for d in STEADY])
    assert "loses to weighted log loss: the difference in MCC is -0.050" in sentence
    assert "higher on 0 of 8 tables" in sentence
    assert "does worse than" in verdict_of(make_records, [-d for d in STEADY[:5]])


@pytest.mark.parametrize("n", [2, 4, 5, 8])
def test_undecided_is_called_open(make_records: Make, n: int) -> None:
    sentence = verdict_of(make_records, [0.1, -0.08, 0.05, -0.06, 0.02, 0.01, -0.05, 0.03][:n])
    assert "it is open whether focal loss" in sentence
    for claim in ("does better", "does worse", "loses", "comes from"):
        assert claim not in sentence


def test_one_table_speaks_of_its_folds(make_records: Make) -> None:
    sentence = verdict_of(make_records, [0.2])
    assert "folds of this one table" in sentence
    assert " beats weighted log loss: " not in sentence


def test_a_gain_that_log_loss_shares_is_credited_to_the_recipe(make_records: Make) -> None:
    sentence = verdict_of(
        make_records, STEADY, [d + 0.003 * (-1) ** i for i, d in enumerate(STEADY)]
    )
    assert "the gain comes from the recipe; the loss has no measurable gain" in sentence
    few = verdict_of(
        make_records, STEADY[:5], [d + 0.003 * (-1) ** i for i, d in enumerate(STEADY[:5])]
    )
    assert "the gain seems to come from the recipe" in few


def test_a_gain_that_log_loss_lacks_is_credited_to_the_loss(make_records: Make) -> None:
    assert "the loss itself helps." in verdict_of(make_records, STEADY, NOTHING)
    assert "the loss itself seems to help." in verdict_of(make_records, STEADY[:5], NOTHING[:5])


def test_a_loss_that_harms_is_said_to(make_records: Make) -> None:
    sentence = verdict_of(make_records, NOTHING, STEADY)
    assert "the loss itself harms." in sentence


def test_no_difference_anywhere(make_records: Make) -> None:
    assert "makes no measurable difference" in verdict_of(make_records, NOTHING, NOTHING)


def test_one_table_that_makes_the_mean_is_named(make_records: Make) -> None:
    sentence = verdict_of(make_records, [0.01, 0.012, 0.011, 0.01, 0.5])
    assert "without table4 +0.011" in sentence


def test_without_the_baseline_there_is_no_verdict(make_records: Make) -> None:
    sentence = verdict(make_records({"focal": STEADY}), "lightgbm")
    assert sentence.startswith("LightGBM: no verdict without the methods")
