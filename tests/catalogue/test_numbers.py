"""The catalogue of bad input: losses, metrics, thresholds and corrections."""

from __future__ import annotations

from tests.catalogue import numbers
from tests.catalogue.case import Case, check_refused, each


@each(numbers.LOSSES)
def test_losses(case: Case) -> None:
    check_refused(case)


@each(numbers.METRICS)
def test_metrics(case: Case) -> None:
    check_refused(case)


@each(numbers.RULES)
def test_thresholds_and_corrections(case: Case) -> None:
    check_refused(case)
