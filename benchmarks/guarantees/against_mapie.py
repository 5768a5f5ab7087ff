"""MAPIE's thresholds on equal rows: ``python -m benchmarks.guarantees.against_mapie``.

It needs MAPIE (1.6.0 was measured), which is no dependency of this project. MAPIE gets the rows of
the choices of ``given_scores.py``, the rule and the confidence, its own hundred thresholds, and two
of its ways to test them: by default that of Bonferroni and Holm, and fixed sequences from ten
starts, from the highest threshold on for a precision and from the lowest on for a recall.
"""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from benchmarks.guarantees.__main__ import summarise, write
from benchmarks.guarantees.given_scores import choices
from gbimb.metrics import parse_bound
from gbimb.thresholds import guaranteed_threshold

RULES = ("precision >= 0.8", "recall >= 0.8")
THRESHOLDS = np.linspace(0, 0.99, 100)


class Choice(NamedTuple):
    """A threshold, what it promises, and whether that is what was asked for."""

    threshold: float
    bound: float
    met: bool


def by_mapie(tests: Any, y: Any, proba: Any, rule: str, confidence: float) -> Choice:
    """Return the threshold of MAPIE; where none is valid it promises nothing."""
    from mapie.risk_control import BinaryClassificationController

    bound = parse_bound(rule)
    assert bound is not None
    controller = BinaryClassificationController(
        lambda p: np.column_stack([1.0 - p, p]),
        bound.rate,
        bound.value,
        confidence,
        list_predict_params=THRESHOLDS[::-1] if bound.rate == "precision" else THRESHOLDS,
        fwer_method=tests,
    )
    controller.calibrate(proba, y.astype(int))
    best = controller.best_predict_param
    return (
        Choice(1.0, 0.0, met=False) if best is None else Choice(float(best), bound.value, met=True)
    )


def main() -> None:
    """Compare them, and write ``results/against_mapie.csv``."""
    from mapie.risk_control.fwer_control import FWERFixedSequenceTesting

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--choices", type=int, default=324, help="for each rule and way")
    given = parser.parse_args()
    ways = {
        "gbimb": guaranteed_threshold,
        "MAPIE": partial(by_mapie, "bonferroni_holm"),
        "MAPIE, ten sequences": partial(by_mapie, FWERFixedSequenceTesting(10)),
    }
    found = [
        {"by": name, **row}
        for name, way in ways.items()
        for row in choices(given.choices, 0.95, 0, RULES, way)
        if row["rows"] == "all"
    ]
    write("against_mapie", summarise(found, ["by", "rule"]))


if __name__ == "__main__":
    main()
