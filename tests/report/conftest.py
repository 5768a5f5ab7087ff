from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.report.tables import Fitted, evaluated, fitted, many_classes, table

if TYPE_CHECKING:
    from gbimb.report import Evaluation


@pytest.fixture(scope="session")
def model() -> Fitted:
    return fitted(table())


@pytest.fixture(scope="session")
def two(model: Fitted, tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    folder = tmp_path_factory.mktemp("two")
    return evaluated(model, table(seed=1), folder, cost="fp=1,fn=20,tp=-5")


@pytest.fixture(scope="session")
def many(tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    frame = many_classes()
    return evaluated(fitted(frame), frame, tmp_path_factory.mktemp("many"))
