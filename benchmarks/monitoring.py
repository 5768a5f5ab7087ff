"""How often a change of prevalence is found without labels: python -m benchmarks.monitoring.

Models of synthetic rows, 3 % of them positive, whose best possible AUC is set; then 2,000 new rows
with as many positives, twice and half as many. Results: ``benchmarks/results/monitoring.csv``.
"""

from __future__ import annotations

import csv
import warnings
from pathlib import Path

import numpy as np
from scipy.stats import norm

import gbimb
from gbimb import report

RESULTS = Path(__file__).parent / "results" / "monitoring.csv"
MODELS = 3
RUNS = 50
NEW = 2_000
PREVALENCE = {"same": 0.03, "double": 0.06, "half": 0.015}


def rows(n: int, seed: int, prevalence: float, auc: float) -> tuple[np.ndarray, np.ndarray]:
    """Two columns that tell the classes apart, and two that do not."""
    rng = np.random.default_rng(seed)
    y = rng.random(n) < prevalence
    X = rng.normal(size=(n, 4))
    X[:, :2] += norm.ppf(auc) * np.sqrt(2) * np.outer(y, (0.8, -0.6))
    return X, y.astype(int)


def moved(clf: gbimb.ImbalancedLGBMClassifier, X: np.ndarray) -> bool:
    """Whether the prevalence of new rows is said to have moved."""
    import pandas as pd

    found = report.monitor(clf, pd.DataFrame(X, columns=clf.feature_names_in_))
    return bool(found.facts["prevalence"][0]["moved"])


def main() -> None:
    """Measure, and write a row for each size of training and AUC."""
    import pandas as pd

    warnings.simplefilter("ignore")
    with RESULTS.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["trained_on", "auc", *PREVALENCE])
        writer.writeheader()
        for n in (6_000, 20_000):
            for auc in (0.9, 0.93, 0.95):
                found: dict[str, list[bool]] = {name: [] for name in PREVALENCE}
                for seed in range(MODELS):
                    X, y = rows(n, seed, PREVALENCE["same"], auc)
                    clf = gbimb.ImbalancedLGBMClassifier(
                        n_estimators=60, num_leaves=8, random_state=0, n_jobs=1
                    ).fit(pd.DataFrame(X).add_prefix("x"), y)
                    for name, prevalence in PREVALENCE.items():
                        new, _ = rows(NEW * RUNS, 1_000 + seed, prevalence, auc)
                        found[name] += [moved(clf, part) for part in np.split(new, RUNS)]
                shares = {name: f"{np.mean(hits):.3f}" for name, hits in found.items()}
                print(f"{n:6,} rows, AUC {auc}: {shares}", flush=True)
                writer.writerow({"trained_on": n, "auc": auc, **shares})
                file.flush()


if __name__ == "__main__":
    main()
