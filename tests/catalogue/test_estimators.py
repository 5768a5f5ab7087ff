"""The catalogue of bad input: estimators."""

from __future__ import annotations

from typing import Any

import pytest

from tests.catalogue import estimators as e
from tests.catalogue.case import Case, check_refused, each, no_training


def of(kinds: list[Any]) -> pytest.MarkDecorator:
    """Run a test for each estimator."""
    return pytest.mark.parametrize("kind", kinds, ids=[kind.__name__ for kind in kinds])


@of(e.KINDS)
@each(e.TABLES + e.LABELS + e.WEIGHTS)
def test_rows_that_cannot_be_learnt_from(
    case: Case,
    kind: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    no_training(monkeypatch)
    check_refused(case, kind)


@of(e.BOOSTING)
@each(e.VALIDATION + e.PARAMETERS)
def test_boosting(case: Case, kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    no_training(monkeypatch)
    check_refused(case, kind)


@pytest.mark.parametrize(
    ("kind", "case"),
    [
        pytest.param(kind, case, id=f"{kind.__name__}-{case.name}")
        for kind, cases in {
            e.LGBM: e.LGBM_PARAMETERS,
            e.XGB: e.XGB_PARAMETERS,
            e.BAGS: e.BAG_PARAMETERS,
            e.AUTO: e.AUTO_PARAMETERS,
        }.items()
        for case in cases
    ],
)
def test_parameters_of_one_estimator(
    kind: Any,
    case: Case,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    no_training(monkeypatch)
    check_refused(case, kind)


@pytest.fixture(scope="module", params=e.KINDS, ids=lambda kind: kind.__name__)
def fitted(request: pytest.FixtureRequest) -> Any:
    return e.make(request.param).fit(e.WORDS, e.Y)


@each(e.PREDICT)
def test_rows_that_cannot_be_predicted(case: Case, fitted: Any) -> None:
    check_refused(case, fitted)


@of(e.KINDS)
@pytest.mark.parametrize(
    "method", ["predict", "predict_proba", "raw_score", "decision_function", "save"]
)
def test_an_estimator_that_is_not_fitted(kind: Any, method: str) -> None:
    given = "model.gbimb" if method == "save" else e.X
    act = getattr(e.make(kind), method)
    check_refused(Case("not fitted", kind.__name__, "not fitted", lambda: act(given)))
