"""The catalogue of bad input: gbimb's losses and metrics in training code of one's own."""

from __future__ import annotations

from tests.catalogue import engines
from tests.catalogue.case import Case, check_refused, each


@each(engines.LIGHTGBM)
def test_lightgbm(case: Case) -> None:
    check_refused(case)


@each(engines.XGBOOST)
def test_xgboost(case: Case) -> None:
    check_refused(case)
