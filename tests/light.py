"""What works in an environment with some of the engines; run by ``make light``, without pytest.

python tests/light.py lightgbm [xgboost]
"""

from __future__ import annotations

import sys
import tempfile
from importlib.metadata import distributions
from pathlib import Path

import numpy as np

import gbimb
from gbimb.exceptions import MissingDependencyError

CLASSES = {"lightgbm": "ImbalancedLGBMClassifier", "xgboost": "ImbalancedXGBClassifier"}


def main(engines: list[str]) -> None:
    """Fit, save and load with each engine, and blend where both are there."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 4))
    y = X[:, 0] + rng.normal(size=400) > 1.5
    for name in engines:
        clf = getattr(gbimb, CLASSES[name])(n_estimators=20, random_state=0).fit(X, y)
        with tempfile.TemporaryDirectory() as folder:
            clf.save(Path(folder) / "model.gbimb")
            again = gbimb.load(Path(folder) / "model.gbimb")
        assert (again.predict(X) == clf.predict(X)).all()
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


if __name__ == "__main__":
    main(sys.argv[1:])
