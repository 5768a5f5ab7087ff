"""What works in an environment with some of the engines; run by ``make light``, without pytest.

python tests/light.py lightgbm [xgboost]
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from importlib.metadata import distributions
from pathlib import Path

import numpy as np
import pandas as pd

import gbimb
from gbimb.exceptions import MissingDependencyError

CLASSES = {"lightgbm": "ImbalancedLGBMClassifier", "xgboost": "ImbalancedXGBClassifier"}


def main(engines: list[str]) -> None:
    """Do with each engine what a user does, and blend where both are there."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 4))
    y = X[:, 0] + rng.normal(size=400) > 1.5
    for name in engines:
        with tempfile.TemporaryDirectory() as folder:
            use(name, X, y, Path(folder))
            use_commands(name, X, y, Path(folder))
    blend = gbimb.ImbalancedClassifier(random_state=0)
    if set(engines) == set(CLASSES):
        assert blend.fit(X, y).predict_proba(X).shape == (400, 2)
    else:
        try:
            blend.fit(X, y)
        except MissingDependencyError as error:
            print(error)
        else:
            raise AssertionError("ImbalancedClassifier needs both engines")
    installed = {each.metadata["Name"].lower() for each in distributions()}
    assert not {"xgboost", "nvidia-nccl-cu12"} & installed, installed
    print(f"gbimb {gbimb.__version__} works with {' and '.join(engines)}")


def use(name: str, X: np.ndarray, y: np.ndarray, folder: Path) -> None:
    """Fit, save, load and evaluate."""
    clf = getattr(gbimb, CLASSES[name])(n_estimators=20, random_state=0).fit(X, y)
    clf.save(folder / "model.gbimb")
    again = gbimb.load(folder / "model.gbimb")
    assert (again.predict(X) == clf.predict(X)).all()
    assert name in gbimb.report.evaluate(clf, X, y).facts["versions"]


def use_commands(name: str, X: np.ndarray, y: np.ndarray, folder: Path) -> None:
    """Fit, predict and compare on the command line."""
    table, model, out = folder / "table.csv", folder / "new.gbimb", folder / "out.csv"
    pd.DataFrame(X, columns=list("abcd")).assign(y=y).to_csv(table, index=False)
    own = ["--engine", name, "--loss", "logistic"]
    run("fit", table, "--target", "y", *own, "--out", model)
    run("predict", model, table, "--out", out)
    assert len(pd.read_csv(out)) == len(y)
    methods = ["--engines", name, "--methods", "weighted-logloss,logloss"]
    run(
        "benchmark", "--data", table, "--target", "y", *methods, "--folds", 2, "--out", folder / "b"
    )


def run(*words: object) -> None:
    """Run a command, which must succeed."""
    command = [sys.executable, "-m", "gbimb", *map(str, words)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=300)


if __name__ == "__main__":
    main(sys.argv[1:])
