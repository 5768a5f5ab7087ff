"""What is measured: each function yields the rows of one part of the table.

Both sides of a ratio run in one process, one after the other in pairs, and the median of the
ratios of the pairs is reported: on a machine with other work to do, both sides wait alike. The
ratio of processor time is noted beside it; with one thread it does not depend on other work.
"""

from __future__ import annotations

import gc
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import lightgbm as lgb
import numpy as np
import xgboost as xgb

import gbimb
from gbimb.metrics import best_threshold, mcc_score, threshold_curve
from gbimb.parallel import thread_limit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[2]
LGB_PARAMS = {"learning_rate": 0.1, "num_leaves": 31, "verbosity": -1, "max_bin": 255}
XGB_PARAMS = {"eta": 0.1, "max_depth": 6, "tree_method": "hist", "max_bin": 256, "verbosity": 0}


@dataclass(frozen=True)
class Sizes:
    """How much to measure."""

    rows: int
    columns: int
    rounds: int
    valid_rows: int
    scores: int
    predict_rows: int
    pairs: int
    threads: int


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes
    ----------
    what : str
    value : float
    unit : str
        "x" for a ratio of gbimb's time to the other side's.
    wanted : float or None
        At most this.
    note : str
        Both sides in absolute terms.
    """

    what: str
    value: float
    unit: str
    wanted: float | None
    note: str


def make_table(rows: int, columns: int, seed: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return float32 columns and labels with 2 % positives, signal in a quarter of the columns."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((rows, columns), dtype=np.float32)
    X[:, 1::4] = np.exp(X[:, 1::4])
    X[:, 2::4] = np.round(X[:, 2::4] * 4)
    signal = X[:, 0::4].sum(axis=1) + np.abs(X[:, 3])
    signal += rng.standard_normal(rows, dtype=np.float32) * signal.std()
    y = (signal > np.quantile(signal, 0.98)).astype(np.float32)
    return X, y


class Times(NamedTuple):
    """Seconds on the clock and on the processors."""

    wall: float
    processor: float


class Compared(NamedTuple):
    """Medians of both sides, and of the ratios of the pairs."""

    ours: float
    other: float
    ratio: float
    processor_ratio: float

    def note(self) -> str:
        """Return both sides in seconds."""
        return f"{self.ours:.2f} s vs {self.other:.2f} s; processor {self.processor_ratio:.3f} x"


def seconds(function: Callable[[], object]) -> Times:
    """Return how long one call takes, without the garbage of earlier ones."""
    gc.collect()
    wall, processor = time.perf_counter(), time.process_time()
    function()
    return Times(time.perf_counter() - wall, time.process_time() - processor)


def pairs(ours: Callable[[], object], other: Callable[[], object], n: int) -> Compared:
    """Run both sides ``n`` times, one after the other, in changing order."""
    times = []
    for i in range(n):
        order = (ours, other) if i % 2 == 0 else (other, ours)
        pair = [seconds(side) for side in order]
        times.append(pair if i % 2 == 0 else pair[::-1])
    return Compared(
        statistics.median(a.wall for a, _ in times),
        statistics.median(b.wall for _, b in times),
        statistics.median(a.wall / b.wall for a, b in times),
        statistics.median(a.processor / b.processor for a, b in times),
    )


def numpy_recipe(y: NDArray[Any], s: NDArray[Any], g: float) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return focal gradient and Hessian as they are commonly written down."""
    p = 1 / (1 + np.exp(-s))
    pt = np.where(y == 1, p, 1 - p)
    sign = 2 * y - 1
    log_pt = np.log(np.clip(pt, 1e-15, 1))
    grad = sign * (1 - pt) ** g * (g * pt * log_pt + pt - 1)
    hess = pt * (1 - pt) ** g * ((1 - pt) * (1 + 2 * g) + g * log_pt * (1 - pt - g * pt))
    return grad, hess


def kernel(sizes: Sizes) -> Iterator[Row]:
    """Gradient and curvature alone."""
    rng = np.random.default_rng(0)
    n = sizes.rows
    y = (rng.random(n) < 0.02).astype(np.float32)
    score = rng.normal(-3, 2, n)
    out = np.empty(n, np.float32), np.empty(n, np.float32)
    for name, values in (("float64", score), ("float32", score.astype(np.float32))):
        for gamma, wanted in ((2.0, 3.5), (1.7, 6.0)):
            loss = gbimb.FocalLoss(gamma=gamma)

            def ours(
                loss: gbimb.FocalLoss = loss, values: NDArray[Any] = values
            ) -> tuple[NDArray[Any], NDArray[Any]]:
                return loss.gradient_curvature(y, values, out=out)

            def theirs(
                gamma: float = gamma, values: NDArray[Any] = values
            ) -> tuple[NDArray[Any], NDArray[Any]]:
                return numpy_recipe(y, values, gamma)

            ours()
            found = pairs(ours, theirs, 2 * sizes.pairs + 1)
            own = min(seconds(ours).processor for _ in range(5))
            yield Row(
                f"focal gradient + curvature, gamma = {gamma:g}, {name} scores",
                found.ours / n * 1e9,
                "ns/row",
                wanted,
                f"{own / n * 1e9:.2f} ns of one processor; NumPy recipe "
                f"{found.other / n * 1e9:.0f} ns on one thread",
            )


class LightGBM:
    """Training runs on one LightGBM Dataset."""

    name = "LightGBM"
    wanted = 1.00

    def __init__(self, sizes: Sizes) -> None:
        self.sizes = sizes
        self.params = {**LGB_PARAMS, "num_threads": sizes.threads}
        X, y = make_table(sizes.rows, sizes.columns, 0)
        self.train_set = lgb.Dataset(X, y, params={**self.params, "feature_pre_filter": False})
        self.train_set.construct()
        X, y = make_table(sizes.valid_rows, sizes.columns, 1)
        self.valid = self.train_set.create_valid(X, y).construct()
        self.loss = gbimb.FocalLoss(gamma=2.0)

    def built_in(self, *, watched: bool) -> None:
        """Train with LightGBM's log loss, watched by its AUC."""
        self._start(None)
        params = {**self.params, "objective": "binary", "metric": "auc" if watched else "None"}
        lgb.train(
            params,
            self.train_set,
            self.sizes.rounds,
            valid_sets=[self.valid] if watched else None,
            keep_training_booster=True,
        )

    def focal(self, *, watched: bool) -> None:
        """Train with focal loss, watched by MCC and F1."""
        self._start(self.loss)
        params = {
            **self.params,
            "objective": gbimb.lightgbm.objective(self.loss),
            "metric": "None",
        }
        lgb.train(
            params,
            self.train_set,
            self.sizes.rounds,
            valid_sets=[self.valid] if watched else None,
            feval=gbimb.lightgbm.feval(["mcc", "f1"], self.loss) if watched else None,
            keep_training_booster=True,
        )

    def _start(self, loss: gbimb.FocalLoss | None) -> None:
        if loss is None:
            self.train_set.set_init_score(None)
            self.valid.set_init_score(None)
        else:
            gbimb.lightgbm.set_start(loss, self.train_set, self.valid)


class XGBoost:
    """Training runs on one XGBoost QuantileDMatrix."""

    name = "XGBoost hist"
    wanted = 1.08

    def __init__(self, sizes: Sizes) -> None:
        self.sizes = sizes
        self.params = {**XGB_PARAMS, "objective": "binary:logistic", "nthread": sizes.threads}
        X, y = make_table(sizes.rows, sizes.columns, 0)
        self.loss = gbimb.FocalLoss(gamma=2.0)
        self.base_score = gbimb.xgboost.base_score(self.loss, y)
        self.dtrain = xgb.QuantileDMatrix(X, y, nthread=sizes.threads)
        X, y = make_table(sizes.valid_rows, sizes.columns, 1)
        self.valid = xgb.QuantileDMatrix(X, y, ref=self.dtrain, nthread=sizes.threads)

    def built_in(self, *, watched: bool) -> None:
        """Train with XGBoost's log loss, watched by its AUC."""
        params = {**self.params, "eval_metric": "auc"}
        evals = [(self.valid, "valid")] if watched else None
        xgb.train(params, self.dtrain, self.sizes.rounds, evals=evals, verbose_eval=False)

    def focal(self, *, watched: bool) -> None:
        """Train with focal loss, watched by MCC and F1."""
        params = {**self.params, "base_score": self.base_score, "disable_default_eval_metric": 1}
        xgb.train(
            params,
            self.dtrain,
            self.sizes.rounds,
            evals=[(self.valid, "valid")] if watched else None,
            obj=gbimb.xgboost.objective(self.loss),
            custom_metric=gbimb.xgboost.custom_metric(["mcc", "f1"], self.loss),
            verbose_eval=False,
        )


def training(sizes: Sizes) -> Iterator[Row]:
    """Whole training runs, with and without metrics each round."""
    for make in (LightGBM, XGBoost):
        engine = make(sizes)
        for watched in (False, True):
            found = pairs(
                lambda engine=engine, watched=watched: engine.focal(watched=watched),
                lambda engine=engine, watched=watched: engine.built_in(watched=watched),
                sizes.pairs,
            )
            what = f"{engine.name}, {sizes.rounds} rounds, focal vs its log loss"
            if watched:
                what += ", MCC and F1 vs its AUC"
            yield Row(
                what,
                found.ratio,
                "x",
                1.00 if watched else engine.wanted,
                found.note(),
            )
        del engine


def sorting_recipe(y: NDArray[Any], score: NDArray[Any]) -> float:
    """Return the best MCC by sorting all scores."""
    order = np.argsort(score)[::-1]
    tp = np.cumsum(y[order], dtype=np.float64)
    fp = np.arange(1, y.size + 1) - tp
    fn, tn = tp[-1] - tp, fp[-1] - fp
    with np.errstate(divide="ignore", invalid="ignore"):
        mcc = (tp * tn - fp * fn) / np.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))
    return float(np.nanmax(mcc))


def thresholds(sizes: Sizes) -> Iterator[Row]:
    """Best threshold over many scores."""
    rng = np.random.default_rng(0)
    n = sizes.scores
    y = (rng.random(n) < 0.02).astype(np.float32)
    score = rng.normal(-4, 1, n)
    score += 2 * y
    best = best_threshold(y, score)
    exact = threshold_curve(y, score).best("mcc")
    same = best == exact and abs(best.score - mcc_score(y, score >= best.threshold)) < 1e-12
    other = seconds(lambda: sorting_recipe(y, score))
    times = [seconds(lambda: best_threshold(y, score)) for _ in range(9)]
    yield Row(
        f"best MCC over {n / 1e6:g} million scores",
        statistics.median(t.wall for t in times),
        "s",
        0.25 * n / 20e6,
        f"{min(t.processor for t in times):.3f} s of processors; "
        f"{'equal to' if same else 'NOT EQUAL to'} sorting, which takes {other.wall:.2f} s",
    )


def memory(sizes: Sizes) -> Iterator[Row]:
    """Peak memory of training, each side in a process of its own."""
    if not Path("/proc/self/clear_refs").exists():
        return
    for engine in ("lightgbm", "xgboost"):
        peaks = {}
        for side in ("focal", "built_in"):
            options = [str(v) for v in (sizes.rows, sizes.columns, sizes.threads)]
            peaks[side] = float(_child("peak", engine, side, *options).split()[-1])
        extra = (peaks["focal"] - peaks["built_in"]) / sizes.rows
        per_row = {side: value / sizes.rows for side, value in peaks.items()}
        yield Row(
            f"{engine}: memory beyond its own training",
            extra,
            "bytes/row",
            24.0,
            f"training takes {per_row['focal']:.0f} vs {per_row['built_in']:.0f} bytes/row",
        )


WIDE = (
    ("dense", 300, 3_000),
    ("frame", 300, 3_000),
    ("dense", 300, 20_000),
    ("sparse", 10_000, 40_000),
    ("sparse, 80 values a row", 10_000, 40_000),
)
SIDES = {
    "gbimb": "the estimator",
    "bags": "ten bags of it",
    "automatic": "the automatic choice, 20 s",
}


def wide(_: Sizes) -> Iterator[Row]:
    """Peak memory of whole fits on few rows and many columns, each in a process of its own."""
    if not Path("/proc/self/clear_refs").exists():
        return
    for engine in ("lightgbm", "xgboost"):
        for form, rows, columns in WIDE:
            other = _wide_fit(engine, "own", form, rows, columns)
            for side, what in SIDES.items():
                ours = _wide_fit(engine, side, form, rows, columns)
                yield Row(
                    f"{engine}: memory of {what}, {rows:,} x {columns:,}, {form}",
                    ours.beyond / other.beyond,
                    "x",
                    3.0,
                    f"{ours.beyond / 1e6:.0f} MB vs {other.beyond / 1e6:.0f} MB beyond what is "
                    f"loaded, process {ours.peak / other.peak:.2f} x; "
                    f"processor {ours.processor:.1f} s vs {other.processor:.1f} s",
                )


class WideFit(NamedTuple):
    """Bytes of a process at its peak, of these beyond what is loaded, and processor seconds."""

    peak: float
    beyond: float
    processor: float


def _wide_fit(engine: str, side: str, form: str, rows: int, columns: int) -> WideFit:
    found = _child("wide", engine, side, form, str(rows), str(columns)).split()[-3:]
    return WideFit(*map(float, found))


def prediction(sizes: Sizes) -> Iterator[Row]:
    """``predict_proba`` of the estimators against the engine's own prediction."""
    X, y = make_table(sizes.predict_rows, sizes.columns, 2)
    some = slice(0, min(100_000, sizes.predict_rows))
    for name, make in (
        ("LightGBM", gbimb.ImbalancedLGBMClassifier),
        ("XGBoost", gbimb.ImbalancedXGBClassifier),
    ):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            clf = make(n_estimators=100, cv=None, early_stopping_rounds=None)
            clf.set_params(n_jobs=sizes.threads).fit(X[some], y[some])
        booster = clf.booster_

        def engine(booster: Any = booster, name: str = name) -> NDArray[Any]:
            if name == "LightGBM":
                return booster.predict(X, num_threads=sizes.threads)
            return booster.inplace_predict(X)

        found = pairs(lambda clf=clf: clf.predict_proba(X), engine, 2 * sizes.pairs + 1)
        yield Row(
            f"{name}: predict_proba over the engine's predict, {booster_rounds(booster)} trees",
            found.ratio,
            "x",
            1.05,
            found.note(),
        )


def booster_rounds(booster: Any) -> int:  # either engine's
    """Return the number of trees."""
    return int(
        booster.num_trees() if hasattr(booster, "num_trees") else booster.num_boosted_rounds()
    )


def start_up(sizes: Sizes) -> Iterator[Row]:
    """Fresh processes: importing, and a first fit of 1,000 rows."""
    ratio_pairs = 2 * sizes.pairs + 1
    differences = []
    for _ in range(ratio_pairs):
        both = [
            seconds(lambda code=code: _run(code))
            for code in ("import numpy, gbimb", "import numpy")
        ]
        differences.append(both[0].wall - both[1].wall)
    yield Row("importing gbimb beyond NumPy", statistics.median(differences), "s", 0.4, "")
    for engine in ("lightgbm", "xgboost"):
        with tempfile.TemporaryDirectory() as cache:
            compiling = _fits(engine, "gbimb", 1, cache)
            ours = _fits(engine, "gbimb", ratio_pairs, cache)
        own = _fits(engine, "own", ratio_pairs)
        imports = min(_processor(f"import sklearn.base, {engine}") for _ in range(ratio_pairs))
        yield Row(
            f"{engine}: imports and first fit of 1,000 rows",
            ours.first,
            "s",
            1.5,
            f"processor {ours.first_processor:.2f} s, its own estimator "
            f"{own.first_processor:.2f} s, imports of both alone {imports:.2f} s; "
            f"{compiling.first:.2f} s if compiled",
        )
        yield Row(
            f"{engine}: the next fit of 1,000 rows",
            ours.next,
            "s",
            0.2,
            f"processor {ours.next_processor:.3f} s, its own estimator {own.next_processor:.3f} s",
        )


class Fits(NamedTuple):
    """Of a first fit and the next: median seconds, and the least processor seconds."""

    first: float
    first_processor: float
    next: float
    next_processor: float


def _fits(engine: str, side: str, n: int, cache: str | None = None) -> Fits:
    runs = [_child("fit", engine, side, cache=cache).split()[-4:] for _ in range(n)]
    first, first_processor, again, again_processor = np.array(runs, dtype=float).T
    return Fits(
        float(np.median(first)),
        float(first_processor.min()),
        float(np.median(again)),
        float(again_processor.min()),
    )


def _processor(code: str) -> float:
    timed = f"{code}\nimport time\nprint(time.process_time())"
    command = [sys.executable, "-c", timed]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return float(done.stdout.split()[-1])


def _run(code: str) -> None:
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def _child(*arguments: str, cache: str | None = None) -> str:
    import os

    env = dict(os.environ)
    if cache is not None:
        env["NUMBA_CACHE_DIR"] = cache
    command = [sys.executable, "-m", "benchmarks.speed.child", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=env, check=True, capture_output=True, text=True)
    return done.stdout


PARTS: dict[str, Callable[[Sizes], Iterator[Row]]] = {
    "kernel": kernel,
    "training": training,
    "thresholds": thresholds,
    "memory": memory,
    "wide": wide,
    "prediction": prediction,
    "start": start_up,
}


def measure(parts: list[str], sizes: Sizes) -> Iterator[Row]:
    """Yield the rows of ``parts``."""
    with thread_limit(sizes.threads):
        for part in parts:
            yield from PARTS[part](sizes)
            gc.collect()
