from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import RepeatedStratifiedKFold

import gbimb
from gbimb.exceptions import InvalidDataError
from tests.persistence.models import LGBM, MAKE, model, quick

if TYPE_CHECKING:
    from pathlib import Path


def test_a_foreign_classifier_in_bags_is_refused(tmp_path: Path) -> None:
    X = np.random.default_rng(0).normal(size=(200, 3))
    clf = gbimb.UnderBaggingClassifier(LogisticRegression(), n_estimators=2, n_jobs=1)
    clf.fit(X, X[:, 0] > 1)
    with pytest.raises(InvalidDataError, match=r"got LogisticRegression.* joblib"):
        clf.save(tmp_path / "model.gbimb")
    assert not list(tmp_path.iterdir())


def test_a_subclass_is_refused(tmp_path: Path) -> None:
    class Mine(gbimb.ImbalancedLGBMClassifier):
        pass

    clf = Mine()
    vars(clf).update(vars(model("lightgbm")))
    with pytest.raises(InvalidDataError, match="got Mine, whose state may be anything"):
        clf.save(tmp_path / "model.gbimb")


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({"cv": RepeatedStratifiedKFold(n_splits=2)}, "cv must be made of .* joblib.dump"),
        ({"pos_label": 1 + 2j}, "pos_label must be made of"),
        ({"engine_params": {"max_bin": np.datetime64("2020")}}, "engine_params must be made of"),
        ({"n_estimators": 2**64}, "n_estimators must be made of"),
        ({"verbose": 0.5}, "takes verbose as one of"),
        ({"pos_label": "\ud800"}, "pos_label"),
    ],
    ids=str,
)
def test_parameters_that_need_code_are_refused(
    parameters: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    clf = MAKE["lightgbm"]().set_params(**parameters)
    with pytest.raises(InvalidDataError, match=reason):
        clf.save(tmp_path / "model.gbimb")
    assert not list(tmp_path.iterdir())


def test_a_parameter_that_holds_itself_is_refused(tmp_path: Path) -> None:
    ring: dict[str, Any] = {}
    ring["ring"] = ring
    with pytest.raises(InvalidDataError, match="nest too deep"):
        MAKE["xgboost"]().set_params(engine_params=ring).save(tmp_path / "model.gbimb")


def test_what_would_not_be_the_same_after_load_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gbimb.model.files.build", lambda *_: model("lightgbm_many"))
    with pytest.raises(InvalidDataError, match=r"'booster_0.txt', 'state.json'. would not be the"):
        model("lightgbm").save(tmp_path / "model.gbimb")
    assert not list(tmp_path.iterdir())


def test_an_estimator_that_is_not_fitted_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not fitted"):
        quick(LGBM).save(tmp_path / "model.gbimb")
