from __future__ import annotations

import warnings

import numpy as np
import pytest
import sklearn.metrics as reference
from hypothesis import given, settings
from hypothesis import strategies as st

from gbimb import metrics
from gbimb.losses import FocalLoss, LogisticLoss
from gbimb.metrics import ConfusionCounts, evaluate, get_metric, threshold_curve
from tests.helpers.strategies import QUICK, Table, tables, tied_scores

MORE = settings(QUICK, max_examples=150)
CLOSE = {"rel": 1e-12, "abs": 1e-12}


@pytest.fixture(autouse=True)
def quiet_reference() -> object:
    """scikit-learn warns where it divides 0 by 0; what gbimb warns of is tested elsewhere."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="sklearn")
        yield


def hard(t: Table) -> tuple[np.ndarray, np.ndarray]:
    return t.y, (t.score > 0).astype(int)


@MORE
@given(tables())
def test_confusion_matrix(t: Table) -> None:
    want = reference.confusion_matrix(*hard(t), labels=[0, 1], sample_weight=t.weight)
    np.testing.assert_allclose(ConfusionCounts.from_labels(*hard(t), t.weight).matrix(), want)


@MORE
@given(tables())
def test_matthews_corrcoef(t: Table) -> None:
    want = reference.matthews_corrcoef(*hard(t), sample_weight=t.weight)
    # scikit-learn subtracts sums: weights from 0.001 to 1000 cost it digits.
    assert metrics.mcc_score(*hard(t), t.weight) == pytest.approx(want, abs=1e-6)


@MORE
@given(tables(weighted=False))
def test_matthews_corrcoef_without_weights_to_the_last_digits(t: Table) -> None:
    want = reference.matthews_corrcoef(*hard(t))
    assert metrics.mcc_score(*hard(t)) == pytest.approx(want, **CLOSE)


@MORE
@given(tables(), st.sampled_from([0.5, 1.0, 2.0]))
def test_precision_recall_and_f_beta(t: Table, beta: float) -> None:
    options = {"sample_weight": t.weight, "zero_division": 0}
    mine = (*hard(t), t.weight)
    assert metrics.precision_score(*mine) == pytest.approx(
        reference.precision_score(*hard(t), **options), **CLOSE
    )
    assert metrics.recall_score(*mine) == pytest.approx(
        reference.recall_score(*hard(t), **options), **CLOSE
    )
    assert metrics.specificity_score(*mine) == pytest.approx(
        reference.recall_score(*hard(t), pos_label=0, **options), **CLOSE
    )
    assert metrics.f1_score(*mine) == pytest.approx(
        reference.f1_score(*hard(t), **options), **CLOSE
    )
    assert metrics.f_beta_score(*mine, beta=beta) == pytest.approx(
        reference.fbeta_score(*hard(t), beta=beta, **options), **CLOSE
    )


@MORE
@given(tables(both_classes=True))
def test_balanced_accuracy(t: Table) -> None:
    want = reference.balanced_accuracy_score(*hard(t), sample_weight=t.weight)
    assert metrics.balanced_accuracy_score(*hard(t), t.weight) == pytest.approx(want, **CLOSE)


@MORE
@given(tables(both_classes=True))
def test_g_mean_is_that_of_imbalanced_learn(t: Table) -> None:
    imblearn = pytest.importorskip("imblearn.metrics")
    want = imblearn.geometric_mean_score(*hard(t), sample_weight=t.weight)
    assert metrics.g_mean_score(*hard(t), t.weight) == pytest.approx(want, **CLOSE)


@MORE
@given(tables(scores=tied_scores, both_classes=True))
def test_average_precision(t: Table) -> None:
    want = reference.average_precision_score(t.y, t.score, sample_weight=t.weight)
    assert metrics.average_precision(threshold_curve(*t)) == pytest.approx(want, **CLOSE)


@MORE
@given(tables(scores=tied_scores, both_classes=True))
def test_roc_auc(t: Table) -> None:
    want = reference.roc_auc_score(t.y, t.score, sample_weight=t.weight)
    assert metrics.roc_auc(threshold_curve(*t)) == pytest.approx(want, **CLOSE)


@MORE
@given(tables(), st.sampled_from([LogisticLoss(), FocalLoss(2.0, 0.25, 10.0)]))
def test_log_loss_and_brier_of_the_true_probability(t: Table, loss: LogisticLoss) -> None:
    names = [get_metric("log_loss"), get_metric("brier")]
    got = evaluate(names, loss, t.y, t.score, t.weight)
    p = loss.probability(t.score)
    want = reference.log_loss(t.y, p, sample_weight=t.weight, labels=[0, 1])
    assert got["log_loss"] == pytest.approx(want, rel=1e-9, abs=1e-12)
    want = reference.brier_score_loss(t.y, p, sample_weight=t.weight, pos_label=1)
    assert got["brier"] == pytest.approx(want, rel=1e-9, abs=1e-12)
