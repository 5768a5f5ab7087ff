"""Means and spreads of the results, and paired differences with an interval and a test.

Both methods see the same folds, so differences are taken fold by fold and averaged on each
table. What is uncertain is then how another table would have turned out, or, where there is
one table only, another split of it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from scipy import stats

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from gbimb.array_types import FloatArray

MEASURES: Final = (
    "mcc",
    "f1",
    "precision",
    "recall",
    "average_precision",
    "log_loss",
    "brier",
    "fit_seconds",
    "fit_cpu_seconds",
    "predict_seconds",
)
ALL_TABLES: Final = "(mean of all tables)"

LEVEL: Final = 0.95
ALPHA: Final = 0.05
RESAMPLES: Final = 20_000
FEWEST_FOR_BOOTSTRAP: Final = 5
LARGEST_EXACT: Final = 14

LARGEST: Final = {"mcc": 2.0, "f1": 1.0, "average_precision": 1.0}
"""The largest possible difference."""

INTERVALS: Final = {
    "folds": "corrected t interval over folds (Nadeau and Bengio 2003), for this table only",
    "t": "t interval over tables (too few for a bootstrap)",
    "bootstrap": "bootstrap over tables, widened for their small number (Hesterberg 2015)",
}
TESTS: Final = {
    "folds": "corrected t-test over folds",
    "t": "Wilcoxon signed-rank test over tables",
    "bootstrap": "Wilcoxon signed-rank test over tables",
}


@dataclass(frozen=True, slots=True)
class Spread:
    """A mean and the standard deviation over folds (n - 1 in the denominator)."""

    mean: float
    sd: float


@dataclass(frozen=True)
class SummaryRow:
    """One method of one engine on one table, or on all of them.

    Attributes
    ----------
    table : str
        ``ALL_TABLES`` for the mean over tables. Its spread is the root of the mean variance over
        folds, so that it tells of folds and not of how different the tables are.
    engine, method : str
    measures : dict
        From the names in ``MEASURES`` to a mean and a spread.
    """

    table: str
    engine: str
    method: str
    measures: dict[str, Spread]


class Interval(NamedTuple):
    """The ends of an interval."""

    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """How much higher ``method`` scores than ``baseline``, with the same engine.

    Attributes
    ----------
    engine, method, baseline, measure : str
    mean : float
        Mean over tables of the difference; above zero the method scores higher.
    low, high : float
        95 % interval of the mean.
    median : float
        Median over tables (folds, if there is one table).
    p_value : float
        Two-sided.
    smallest_p : float
        The smallest p-value possible with so many tables; 0 for one table.
    higher : int
        Tables (folds, if there is one table) where the method scores higher.
    units : int
        Number of tables (folds).
    kind : {"folds", "t", "bootstrap"}
        How the interval was made.
    leader : str
        The table with the largest effect on the mean; empty if there is one table.
    mean_without_leader : float
        The mean over the other tables.
    """

    engine: str
    method: str
    baseline: str
    measure: str
    mean: float
    low: float
    high: float
    median: float
    p_value: float
    smallest_p: float
    higher: int
    units: int
    kind: str
    leader: str
    mean_without_leader: float

    @property
    def is_clear(self) -> bool:
        """Whether the interval excludes zero."""
        return self.low > 0 or self.high < 0

    @property
    def is_confirmed(self) -> bool:
        """Whether the test agrees."""
        return self.is_clear and self.p_value < ALPHA


def compare(
    records: Sequence[Any], engine: str, method: str, baseline: str, measure: str = "mcc"
) -> Comparison | None:
    """Compare two methods of an engine on the folds that both have; None if there are none.

    ``records`` have the attributes table, engine, method, fold and ``measure``.
    """
    values = by_fold([r for r in records if r.engine == engine], measure)
    tables = dict.fromkeys(table for table, _, _ in values)
    paired = {
        t: _paired(values.get((t, engine, method), {}), values.get((t, engine, baseline), {}))
        for t in tables
    }
    folds = {table: differences for table, differences in paired.items() if differences.size}
    if not folds:
        return None
    smallest_p, leader, rest = 0.0, "", 0.0
    if len(folds) == 1:
        (units,), kind = folds.values(), "folds"
        interval, p_value = corrected_t(units)
    else:
        units = np.array([differences.mean() for differences in folds.values()])
        kind = "bootstrap" if units.size >= FEWEST_FOR_BOOTSTRAP else "t"
        interval = bootstrap_interval(units) if kind == "bootstrap" else t_interval(units)
        p_value, smallest_p = signed_rank_p(units), 2.0 ** (1 - units.size)
        # The table farthest from the mean is the one whose absence changes it most.
        at = int(np.argmax(np.abs(units - units.mean())))
        leader, rest = list(folds)[at], float(np.delete(units, at).mean())
    return Comparison(
        engine=engine,
        method=method,
        baseline=baseline,
        measure=measure,
        mean=float(units.mean()),
        low=max(interval.low, -LARGEST.get(measure, np.inf)),
        high=min(interval.high, LARGEST.get(measure, np.inf)),
        median=float(np.median(units)),
        p_value=p_value,
        smallest_p=smallest_p,
        higher=int((units > 0).sum()),
        units=units.size,
        kind=kind,
        leader=leader,
        mean_without_leader=rest,
    )


def by_fold(records: Iterable[Any], measure: str) -> dict[tuple[str, str, str], dict[int, float]]:
    """Return the value of each fold, for each (table, engine, method)."""
    values: dict[tuple[str, str, str], dict[int, float]] = defaultdict(dict)
    for record in records:
        at = (record.table, record.engine, record.method)
        values[at][record.fold] = float(getattr(record, measure))
    return values


def _paired(method: Mapping[int, float], baseline: Mapping[int, float]) -> FloatArray:
    return np.array([method[fold] - baseline[fold] for fold in sorted(method.keys() & baseline)])


def corrected_t(differences: FloatArray) -> tuple[Interval, float]:
    """Return interval and p-value of the mean difference over the folds of one table.

    NaN for a single fold, which says nothing about the spread.

    The folds share training rows, so the variance is 1/k + 1/(k - 1) of that of the folds
    rather than 1/k.

    References
    ----------
    C. Nadeau, Y. Bengio. Inference for the generalization error. 2003.
    doi:10.1023/A:1024068626366.
    """
    k = differences.size
    if k < 2:
        return Interval(np.nan, np.nan), np.nan
    error = float(np.sqrt(1 / k + 1 / (k - 1)) * differences.std(ddof=1))
    return _t(float(differences.mean()), error, k - 1)


def t_interval(differences: FloatArray) -> Interval:
    """Return Student's interval of a mean over tables."""
    n = differences.size
    error = float(differences.std(ddof=1) / np.sqrt(n))
    return _t(float(differences.mean()), error, n - 1)[0]


def _t(mean: float, error: float, df: int) -> tuple[Interval, float]:
    half = float(stats.t.isf(ALPHA / 2, df)) * error
    # Equal differences say nothing about their spread.
    p_value = float(2 * stats.t.sf(abs(mean) / error, df)) if error > 0 else 1.0
    return Interval(mean - half, mean + half), p_value


def bootstrap_interval(differences: FloatArray) -> Interval:
    """Return a percentile interval of the mean over tables, resampled with a fixed seed.

    The plain percentiles are too narrow for few tables; these are moved outwards so that they
    are as far out as those of Student's t.

    References
    ----------
    T. C. Hesterberg. What teachers should know about the bootstrap. 2015.
    doi:10.1080/00031305.2015.1089789.
    """
    n = differences.size
    rng = np.random.default_rng(0)
    means = differences[rng.integers(n, size=(RESAMPLES, n))].mean(axis=1)
    t = float(stats.t.isf(ALPHA / 2, n - 1))
    tail = float(stats.norm.sf(np.sqrt(n / (n - 1)) * t))
    low, high = np.quantile(means, [tail, 1 - tail])
    return Interval(float(low), float(high))


def signed_rank_p(differences: FloatArray) -> float:
    """Return Wilcoxon's two-sided p-value; exact for up to 14 differences, ties included.

    Differences of zero are left out; with nothing but those it is 1.

    References
    ----------
    F. Wilcoxon. Individual comparisons by ranking methods. 1945. doi:10.2307/3001968.
    """
    moved = differences[differences != 0]
    if moved.size == 0:
        return 1.0
    if moved.size > LARGEST_EXACT:
        return float(stats.wilcoxon(moved).pvalue)
    ranks = stats.rankdata(np.abs(moved))
    signs = np.array(list(product([-1.0, 1.0], repeat=moved.size)))
    possible = np.abs(signs @ ranks)
    return float(np.mean(possible >= abs(np.sign(moved) @ ranks) - 1e-9))


def summarise(records: Sequence[Any]) -> list[SummaryRow]:
    """Return a row per table, engine and method, and then one per engine and method."""
    rows: dict[tuple[str, str, str], dict[str, Spread]] = defaultdict(dict)
    for measure in MEASURES:
        for at, folds in by_fold(records, measure).items():
            rows[at][measure] = _spread(np.array([folds[fold] for fold in sorted(folds)]))
    single = [SummaryRow(*at, measures) for at, measures in rows.items()]
    pairs = dict.fromkeys((row.engine, row.method) for row in single)
    return single + [_over_tables(single, *pair) for pair in pairs]


def _over_tables(rows: Sequence[SummaryRow], engine: str, method: str) -> SummaryRow:
    same = [row.measures for row in rows if (row.engine, row.method) == (engine, method)]
    measures = {}
    for measure in MEASURES:
        means = [m[measure].mean for m in same]
        variances = [m[measure].sd ** 2 for m in same]
        measures[measure] = Spread(float(np.mean(means)), float(np.sqrt(np.mean(variances))))
    return SummaryRow(ALL_TABLES, engine, method, measures)


def _spread(values: FloatArray) -> Spread:
    sd = float(values.std(ddof=1)) if values.size > 1 else 0.0
    return Spread(float(values.mean()), sd)
