"""scikit-learn's own checks of an estimator, on bags of each kind of classifier."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sklearn.linear_model import LogisticRegression
from sklearn.utils.estimator_checks import parametrize_with_checks

import gbimb
from tests.bagging.tables import OURS, quick

if TYPE_CHECKING:
    from collections.abc import Callable

    from sklearn.base import BaseEstimator

    Check = Callable[[BaseEstimator], None]

REASON = "rows are drawn: a row of weight two is not the same as two rows"
EXPECTED_TO_FAIL = {
    "check_sample_weight_equivalence_on_dense_data": REASON,
    "check_sample_weight_equivalence_on_sparse_data": REASON,
}


@parametrize_with_checks(
    [
        gbimb.UnderBaggingClassifier(estimator, n_estimators=2, n_jobs=1, random_state=0)
        for estimator in (
            quick(OURS[0], n_estimators=10),
            quick(OURS[1], n_estimators=10),
            LogisticRegression(),
        )
    ],
    expected_failed_checks=lambda _: EXPECTED_TO_FAIL,
)
def test_scikit_learn_checks(estimator: BaseEstimator, check: Check) -> None:
    check(estimator)
