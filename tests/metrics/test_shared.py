"""Metrics of rows in several processes, here threads: those of all rows together."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from gbimb.losses import BinaryLoss, FocalLoss, LogisticLoss, SoftmaxLoss
from gbimb.metrics import (
    SharedRows,
    evaluate,
    evaluate_multiclass,
    evaluate_shared,
    get_metric,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from gbimb.metrics import Metric
    from gbimb.metrics._shared import Reduce

METRICS = [
    get_metric(m) for m in ("mcc", "f1", "fbeta:2", "g_mean", "mcc@0.3", "log_loss", "brier")
]
BOUNDED = [
    get_metric(m)
    for m in ("recall at alerts <= 0.1", "precision at alerts <= 0.03", "recall at fpr <= 0.05")
]
Part = tuple[np.ndarray, np.ndarray, "np.ndarray | None"]


class Processes:
    """Combines arrays of as many threads."""

    def __init__(self, n: int) -> None:
        self.barrier = threading.Barrier(n)
        self.slots: list[Any] = [None] * n
        self.n_bytes = 0

    def reduce(self, rank: int) -> Reduce:
        def combine(values: np.ndarray, how: str = "sum") -> np.ndarray:
            self.slots[rank] = values
            self.barrier.wait()
            out = {"sum": np.sum, "min": np.min, "max": np.max}[how](self.slots, axis=0)
            self.barrier.wait()
            self.n_bytes += values.nbytes if rank == 0 else 0
            return out.astype(values.dtype)

        return combine


def run(n: int, task: Callable[[int, Reduce], Any]) -> tuple[list[Any], Processes]:
    """What ``task(rank, reduce)`` returns in each of ``n`` threads."""
    processes = Processes(n)
    results: list[Any] = [None] * n

    def each(rank: int) -> None:
        results[rank] = task(rank, processes.reduce(rank))

    threads = [threading.Thread(target=each, args=(rank,)) for rank in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results, processes


def shared(
    parts: list[Part],
    loss: BinaryLoss = LogisticLoss(),  # noqa: B008  a loss does not change
    metrics: list[Metric] = METRICS,
) -> tuple[dict[str, float], int]:
    """The values, the same in each thread, and the bytes that one put in."""

    def task(rank: int, reduce: Reduce) -> dict[str, float]:
        y, score, weight = parts[rank]
        return evaluate_shared(metrics, loss, SharedRows.make(y, weight, reduce), score)

    results, processes = run(len(parts), task)
    assert all(result == results[0] for result in results)
    return results[0], processes.n_bytes


def cut(arrays: list[Any], at: list[int]) -> list[Part]:
    """Rows from place to place."""
    none = [None] * (len(at) + 1)
    columns = [none if array is None else np.split(array, at) for array in arrays]
    return list(zip(*columns, strict=True))


@given(
    seed=st.integers(0, 10**6),
    n=st.integers(2, 400),
    levels=st.sampled_from([1, 2, 5, 50, None]),
    weighted=st.booleans(),
)
def test_values_are_exact_with_ties_empty_parts_and_label_sorted_rows(
    seed: int, n: int, levels: int | None, weighted: bool
) -> None:
    rng = np.random.default_rng(seed)
    y = np.sort(rng.random(n) < 0.2).astype(np.float32)
    score = rng.normal(size=n) + y
    if levels is not None:
        score = np.round(score * levels) / levels
    weight = rng.exponential(size=n) + 1e-3 if weighted else None
    at = np.sort(rng.integers(0, n + 1, 2)).tolist()
    got, _ = shared(cut([y, score, weight], at))
    wanted = evaluate(METRICS, LogisticLoss(), y, score, weight)
    assert got == pytest.approx(wanted, abs=1e-8 if weighted else 1e-12)


@given(seed=st.integers(0, 10**6), n=st.integers(50, 3000), weighted=st.booleans())
@settings(max_examples=30)
def test_rates_within_a_budget_are_those_of_all_rows_together(
    seed: int, n: int, weighted: bool
) -> None:
    rng = np.random.default_rng(seed)
    y = (rng.random(n) < 0.2).astype(np.float32)
    score = np.round(rng.normal(size=n) + 2 * y, 3)
    weight = rng.exponential(size=n) + 1e-3 if weighted else None
    got, _ = shared(cut([y, score, weight], [n // 3, n // 2]), metrics=BOUNDED)
    assert got == pytest.approx(evaluate(BOUNDED, LogisticLoss(), y, score, weight), abs=1e-7)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("kind", ["smooth", "float32", "outlier"])
def test_many_rows_cost_few_bytes(kind: str, weighted: bool) -> None:
    rng = np.random.default_rng(0)
    n = 200_000
    logit = rng.normal(size=n) * 1.5 - 4
    y = (rng.random(n) < expit(logit)).astype(np.float32)
    score = logit + rng.normal(size=n) * 0.5
    if kind == "outlier":
        score[0] = 1e6
    if kind == "float32":
        score = score.astype(np.float32)
    weight = rng.exponential(size=n) if weighted else None
    got, n_bytes = shared(cut([y, score, weight], [50_000, 120_000]), FocalLoss())
    wanted = evaluate(METRICS, FocalLoss(), y, score, weight)
    assert got == pytest.approx(wanted, abs=1e-6)
    assert n_bytes < 65_536


WEIGHTS: dict[str, Callable[[np.random.Generator, np.ndarray], np.ndarray]] = {
    "a_few_huge": lambda rng, y: np.where(rng.random(y.size) < 0.01, 1e12, 1.0),
    "one_class_huge": lambda rng, y: np.where(y == 1, 1e12, 1.0) * rng.exponential(size=y.size),
    "sixty_decades": lambda rng, y: 10.0 ** rng.uniform(-30, 30, y.size),
    "tiny": lambda rng, y: 1e-200 * rng.exponential(size=y.size),
}


@pytest.mark.parametrize("weights", WEIGHTS)
@given(seed=st.integers(0, 10**6), n=st.integers(50, 3000), outlier=st.booleans())
@settings(max_examples=15)
def test_counts_are_exact_whatever_the_weights(
    weights: str, seed: int, n: int, outlier: bool
) -> None:
    rng = np.random.default_rng(seed)
    y = (rng.random(n) < 0.2).astype(np.float32)
    score = rng.normal(size=n) + y
    if outlier:
        score[0] = 1e9
    weight = WEIGHTS[weights](rng, y)
    parts = cut([y, score, weight], [n // 3, n // 2])
    got, _ = shared(parts)
    # Scores do not depend on the unit of the weights; that of the largest keeps products finite.
    wanted = evaluate(METRICS, LogisticLoss(), y, score, weight / 2.0 ** np.frexp(weight.max())[1])
    assert got == pytest.approx(wanted, abs=1e-7)


def test_no_threshold_lies_above_an_infinite_score() -> None:
    y = np.zeros(3, np.float32)
    score = np.array([np.inf, 1.0, -np.inf])
    metrics = [get_metric("balanced_accuracy")]
    parts = cut([y, score, None], [1])

    def task(rank: int, reduce: Reduce) -> dict[str, float]:
        labels, scores, _ = parts[rank]
        rows = SharedRows.make(labels, None, reduce)
        return evaluate_shared(metrics, LogisticLoss(), rows, scores)

    results, _ = run(2, task)
    # One negative of three is flagged at any threshold; where nothing is, it would be 0.5.
    assert results[0] == evaluate(metrics, LogisticLoss(), y, score)
    assert results[0]["balanced_accuracy"] == pytest.approx(1 / 3)


@pytest.mark.slow
@pytest.mark.parametrize("weighted", [False, True])
def test_millions_of_rows_cost_few_bytes(weighted: bool) -> None:
    rng = np.random.default_rng(0)
    n = 3_000_000
    logit = rng.normal(size=n) * 1.5 - 4.5
    y = (rng.random(n) < expit(logit)).astype(np.float32)
    score = logit + rng.normal(size=n) * 0.5
    weight = rng.exponential(size=n) if weighted else None
    got, n_bytes = shared(cut([y, score, weight], [n // 3]))
    assert got == pytest.approx(evaluate(METRICS, LogisticLoss(), y, score, weight), abs=1e-6)
    assert n_bytes < 65_536


def test_many_classes_add_up() -> None:
    rng = np.random.default_rng(0)
    y = np.sort(rng.integers(0, 3, 500)).astype(np.float32)
    raw = rng.normal(size=(500, 3)) + np.eye(3)[y.astype(int)]
    parts = cut([y, raw, None], [0, 170])

    def task(rank: int, reduce: Reduce) -> dict[str, float]:
        codes, scores, _ = parts[rank]
        return evaluate_multiclass(["mcc", "f1", "log_loss"], SoftmaxLoss(3), codes, scores,
                                   add=reduce)  # fmt: skip

    results, _ = run(3, task)
    wanted = evaluate_multiclass(["mcc", "f1", "log_loss"], SoftmaxLoss(3), y, raw)
    for result in results:
        assert result == pytest.approx(wanted, abs=1e-12)
