"""One row makes a loss known to everybody; two-class losses have their like for many classes."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import gbimb
from gbimb.exceptions import InvalidParameterError
from gbimb.losses import (
    LOSSES,
    BinaryLoss,
    LossRow,
    SetLoss,
    SoftFBetaLoss,
    SoftmaxFocalLoss,
    SoftmaxLoss,
    loss_parameters,
)
from gbimb.losses.experimental import SoftClassCounts, SoftmaxMCCLoss
from tests.estimators.common import both, numbers, quick
from tests.helpers.derivatives import central_difference

LGBM = gbimb.ImbalancedLGBMClassifier


@dataclass(frozen=True)
class TverskyLoss(SoftFBetaLoss):
    """A throw-away loss with a parameter that estimators have for another one."""

    alpha: float = 0.25


def three_classes() -> tuple[np.ndarray, np.ndarray]:
    X, y = numbers()
    return X, y + (X[:, 2] > 1)


@pytest.fixture
def tversky(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LOSSES, "tversky", LossRow(TverskyLoss))


@pytest.mark.usefixtures("tversky")
def test_a_new_row_is_a_loss_of_the_estimators_and_of_model_files(tmp_path: Any) -> None:
    X, y = numbers()
    assert quick(LGBM, loss="tversky").fit(X, y).loss_ == TverskyLoss()
    clf = quick(LGBM, loss="tversky", alpha=0.7).fit(X, y)
    assert clf.loss_ == TverskyLoss(alpha=0.7)
    clf.save(tmp_path / "model")
    loaded = gbimb.load(tmp_path / "model")
    assert loaded.loss_ == clf.loss_
    np.testing.assert_array_equal(loaded.predict_proba(X), clf.predict_proba(X))
    with pytest.raises(InvalidParameterError, match=r"gamma=1\.0 would be ignored"):
        quick(LGBM, loss="tversky", gamma=1.0).fit(X, y)
    with pytest.raises(InvalidParameterError, match="is for two classes, y has 3"):
        quick(LGBM, loss="tversky").fit(*three_classes())


def test_a_new_row_is_a_loss_of_the_command_line_and_the_benchmark() -> None:
    code = """
import json
from gbimb.losses import LOSSES, LossRow, SoftFBetaLoss
LOSSES["my_loss"] = LossRow(SoftFBetaLoss)
from gbimb.benchmark.methods import METHODS
from gbimb.cli.fitting.estimators import check_loss
check_loss("my_loss")
print(json.dumps("my-loss" in METHODS))
"""
    done = subprocess.run(  # the interpreter of this very test, with a fixed program
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) is True


@pytest.mark.parametrize("name", LOSSES)
def test_the_two_forms_of_a_loss_have_the_parameters_that_estimators_fill(name: str) -> None:
    two, many = LOSSES[name]
    assert "scale_pos_weight" in loss_parameters(two)
    assert all(parameter in two.__doc__ for parameter in loss_parameters(two))
    if many is not None:
        assert next(iter(loss_parameters(many))) == "n_classes"
        assert "class_weight" in loss_parameters(many)


@pytest.mark.parametrize("name", LOSSES)
def test_every_gradient_is_the_difference_quotient_of_the_loss(name: str) -> None:
    loss = LOSSES[name].two(scale_pos_weight=3.0)
    y, score = np.array([1, 0, 0, 1, 0]), np.array([-1.0, 0.5, -2.0, 1.5, 0.25])

    def total(first: np.ndarray) -> np.ndarray:
        return np.array([loss.loss(y, np.append(s, score[1:])).sum() for s in first])

    np.testing.assert_allclose(
        central_difference(total, score[:1]), loss.gradient(y, score)[:1], rtol=1e-8
    )


@pytest.mark.parametrize("name", LOSSES)
def test_a_pointwise_loss_has_gradients_that_depend_on_one_row(name: str) -> None:
    loss: BinaryLoss = LOSSES[name].two()
    y, score = np.array([1, 0, 0]), np.array([-1.0, 0.5, -2.0])
    alone = loss.gradient(y[:2], score[:2])
    assert loss.pointwise == np.array_equal(loss.gradient(y, score)[:2], alone)
    assert loss.pointwise == (not isinstance(loss, SetLoss))


@both
@pytest.mark.parametrize(
    ("loss", "want"),
    [
        (gbimb.FocalLoss(), SoftmaxFocalLoss(3)),
        (gbimb.FocalLoss(gamma=1.0), SoftmaxFocalLoss(3, gamma=1.0)),
        (gbimb.LogisticLoss(), SoftmaxLoss(3)),
    ],
    ids=repr,
)
def test_a_two_class_loss_given_for_three_classes_is_the_same_loss_for_three(
    kind: Any,
    loss: BinaryLoss,
    want: Any,
) -> None:
    X, y = three_classes()
    clf = quick(kind, loss=loss).fit(X, y)
    assert clf.loss_ == want
    given = quick(kind, loss=want).fit(X, y)
    np.testing.assert_array_equal(clf.predict_proba(X), given.predict_proba(X))


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (gbimb.FocalLoss(alpha=0.25), r"alpha=0\.25 would be ignored.*SoftmaxFocalLoss\(3"),
        (gbimb.LogisticLoss(2.0), r"scale_pos_weight=2\.0 would be ignored.*SoftmaxLoss\(3"),
        (gbimb.SoftFBetaLoss(), r"is for two classes, y has 3"),
        (SoftmaxLoss(4), r"has 4 raw score\(s\) a row, y has 3 classes"),
    ],
    ids=repr,
)
def test_what_three_classes_cannot_keep_of_a_two_class_loss_is_refused(
    loss: Any,
    message: str,
) -> None:
    with pytest.raises(InvalidParameterError, match=message):
        quick(LGBM, loss=loss).fit(*three_classes())


@pytest.mark.parametrize("module", [gbimb, gbimb.losses])
def test_the_old_name_of_an_experimental_loss_says_where_it_is(module: Any) -> None:
    with pytest.warns(FutureWarning, match=r"is now gbimb\.losses\.experimental\.SoftmaxMCCLoss"):
        assert module.SoftmaxMCCLoss is SoftmaxMCCLoss


def test_sums_travel_as_arrays() -> None:
    counts = SoftmaxMCCLoss(3).sums([0, 1, 2], np.eye(3))
    again = SoftClassCounts.from_array(counts.as_array())
    assert again.hits == counts.hits
    np.testing.assert_array_equal([again.true, again.predicted], [counts.true, counts.predicted])
    soft = gbimb.SoftMCCLoss().sums([0, 1], [0.5, 1.0])
    assert type(soft).from_array(soft.as_array()) == soft


def test_gamma_2_of_an_old_file_means_not_given_where_the_loss_has_none() -> None:
    from gbimb.model.parameters import BOOSTING, check_saved

    for loss, want in (("logistic", None), ("focal", 2.0), (gbimb.FocalLoss(), None)):
        params = {"loss": loss, "gamma": 2.0}
        check_saved(params, BOOSTING, "ImbalancedLGBMClassifier")
        assert params == {"loss": loss, "gamma": want}
