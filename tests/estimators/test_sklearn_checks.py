"""scikit-learn's own checks of an estimator, all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from tests.estimators.common import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from sklearn.base import BaseEstimator

# Name of a check to the reason why it cannot pass.
EXPECTED_FAILURES: dict[str, str] = {}


# Some checks fit tables from which nothing can be learnt, and that is said.
@pytest.mark.filterwarnings("ignore::gbimb.GbimbWarning")
@parametrize_with_checks(
    [kind(n_jobs=1) for kind in KINDS],
    expected_failed_checks=lambda _: EXPECTED_FAILURES,
)
def test_scikit_learn_check(estimator: BaseEstimator, check: Callable[[Any], None]) -> None:
    check(estimator)
