"""scikit-learn's own checks of an estimator."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

import gbimb
from tests.auto.common import quick

if TYPE_CHECKING:
    from collections.abc import Callable

    from sklearn.base import BaseEstimator

    Check = Callable[[BaseEstimator], None]

REASON = "LightGBM chooses between equally good splits by the number of rows"
EXPECTED_TO_FAIL = {
    "check_sample_weight_equivalence_on_dense_data": REASON,
    "check_sample_weight_equivalence_on_sparse_data": REASON,
}


@pytest.mark.filterwarnings("ignore:Too few rows:gbimb.GbimbWarning")
@parametrize_with_checks(
    [quick(), gbimb.ImbalancedClassifier(random_state=0, n_jobs=1)],
    expected_failed_checks=lambda _: EXPECTED_TO_FAIL,
)
def test_scikit_learn_checks(estimator: BaseEstimator, check: Check) -> None:
    check(estimator)
