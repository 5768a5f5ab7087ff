"""What has to run in a process of its own: peak memory of training, and the first fit."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def first_fit(engine: str, side: str) -> str:
    """Return what a fit takes in a fresh process, and another one after it.

    Four numbers: seconds from before the imports to the end of the first fit, the processor
    seconds of the process until then, and both of the second fit.
    """
    start = time.perf_counter()
    import numpy as np

    if side == "gbimb":
        import gbimb

        names = {"lightgbm": "ImbalancedLGBMClassifier", "xgboost": "ImbalancedXGBClassifier"}
        make = getattr(gbimb, names[engine])
        options = {"cv": None, "early_stopping_rounds": None}
    elif engine == "lightgbm":
        import lightgbm

        make = lightgbm.LGBMClassifier

        options = {"verbosity": -1}
    else:
        import xgboost

        make = xgboost.XGBClassifier

        options = {}
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1000, 20)).astype(np.float32)
    y = (X[:, 0] + rng.normal(size=1000) > 2).astype(int)
    make(n_estimators=100, n_jobs=2, **options).fit(X, y)
    middle, processor = time.perf_counter(), time.process_time()
    make(n_estimators=100, n_jobs=2, **options).fit(X, y)
    again = time.perf_counter() - middle, time.process_time() - processor
    return f"{middle - start} {processor} {again[0]} {again[1]}"


def peak_of_training(engine: str, side: str, rows: int, columns: int, threads: int) -> str:
    """Return the bytes that training takes at its peak beyond the binned table."""
    import gc

    from benchmarks.speed import measures

    make = {"lightgbm": measures.LightGBM, "xgboost": measures.XGBoost}[engine]
    small, sizes = (measures.Sizes(n, columns, 10, 1000, 0, 0, 1, threads) for n in (10_000, rows))
    getattr(make(small), side)(watched=False)  # loads what is needed at any size
    run = make(sizes)
    gc.collect()
    before = _status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    getattr(run, side)(watched=False)
    return str(_status("VmHWM") - before)


def peak_on_wide_table(engine: str, side: str, form: str, rows: int, columns: int) -> str:
    """Return what a whole fit on few rows and many columns takes.

    Three numbers: bytes of the process at its peak, of these beyond what it had after a small
    fit, and processor seconds of the fit.
    """
    import gc
    import warnings

    warnings.simplefilter("ignore")
    fit = _fit_of(engine, side)
    fit(*_wide_table(form, 200, 20))  # loads what is needed at any size
    gc.collect()
    before, X, y = _status("VmRSS"), *_wide_table(form, rows, columns)
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    processor = time.process_time()
    fit(X, y)
    peak = _status("VmHWM")
    return f"{peak} {peak - before} {time.process_time() - processor}"


def _fit_of(engine: str, side: str) -> Any:  # a function of X and y
    if side == "own" and engine == "lightgbm":
        import lightgbm as lgb

        params = {"objective": "binary", "verbosity": -1, "num_threads": 1}
        return lambda X, y: lgb.train(params, lgb.Dataset(X, y), 100)
    if side == "own":
        import xgboost as xgb

        own = {"objective": "binary:logistic", "nthread": 1}
        return lambda X, y: xgb.train(own, xgb.DMatrix(X, y), 100)
    import gbimb

    if side == "automatic":
        make = gbimb.AutoImbalancedClassifier
        return make(time_budget=20, engine=engine, random_state=0, n_jobs=1).fit
    names = {"lightgbm": "ImbalancedLGBMClassifier", "xgboost": "ImbalancedXGBClassifier"}
    classifier = getattr(gbimb, names[engine])(random_state=0, n_jobs=1)
    if side == "bags":
        classifier = gbimb.UnderBaggingClassifier(classifier, random_state=0, n_jobs=1)
    return classifier.fit


# Of sparse tables: with few, columns have too few values to be split.
VALUES_A_ROW = {"sparse": 10, "sparse, 80 values a row": 80}


def _wide_table(form: str, rows: int, columns: int) -> tuple[Any, Any]:
    import numpy as np

    rng = np.random.default_rng(0)
    if form in VALUES_A_ROW:
        from scipy import sparse

        each = VALUES_A_ROW[form]
        at = rng.integers(0, columns, each * rows), np.arange(0, each * rows + 1, each)
        X = sparse.csr_matrix((np.ones(each * rows, np.float32), *at), (rows, columns))
        X.sum_duplicates()
        signal = np.asarray(X[:, : columns // 10].sum(axis=1)).ravel()
    else:
        X = rng.standard_normal((rows, columns), dtype=np.float32)
        signal = X[:, :5].sum(axis=1)
    signal = signal + rng.standard_normal(rows)
    y = (signal > np.quantile(signal, 0.9)).astype(int)
    if form == "frame":
        import pandas as pd

        X = pd.DataFrame(X).add_prefix("x")
    return X, y


def _status(name: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise KeyError(name)


if __name__ == "__main__":
    task, *arguments = sys.argv[1:]
    words = [int(word) if word.isdigit() else word for word in arguments]
    tasks: dict[str, Callable[..., str]] = {
        "fit": first_fit,
        "peak": peak_of_training,
        "wide": peak_on_wide_table,
    }
    sys.stdout.write(tasks[task](*words) + "\n")
