"""What is promised for new groups is judged on groups that did not choose the threshold."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.metrics import matthews_corrcoef

import gbimb
from gbimb.metrics import best_threshold
from gbimb.training.held_out.apart import decide_apart
from gbimb.training.objectives.named import make_objective

N_GROUPS, EACH = 60, 20
GROUP = np.repeat(np.arange(N_GROUPS), EACH)


def labels_of_groups(rng: np.random.Generator) -> np.ndarray:
    """Labels of which nearly all positives are in eight groups."""
    share = np.where(rng.permutation(N_GROUPS) < 8, 0.8, 0.01)
    return (rng.random(GROUP.size) < share[GROUP]).astype(int)


def strangers(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows that look alike within a group, and say nothing of another group."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(N_GROUPS, 4))[GROUP] + 0.01 * rng.normal(size=(GROUP.size, 4))
    return X, labels_of_groups(rng)


def scores_of_groups(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels, and probabilities that are drawn once for a group."""
    rng = np.random.default_rng(seed)
    y = labels_of_groups(rng)
    proba = rng.beta(1, 5, N_GROUPS)[GROUP] + 1e-3 * rng.random(GROUP.size)
    return y, proba


def test_a_threshold_is_judged_on_groups_that_did_not_choose_it() -> None:
    best, apart = [], []
    for seed in range(20):
        y, proba = scores_of_groups(seed)
        best.append(best_threshold(y, proba, "mcc").score)
        decided = decide_apart("mcc", y, proba, None, GROUP, seed=0)
        assert decided is not None
        apart.append(matthews_corrcoef(y, decided))
    assert np.mean(best) > 0.15
    assert abs(np.mean(apart)) < 0.05


def test_class_weights_too() -> None:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, N_GROUPS)[GROUP]
    own = rng.dirichlet(np.ones(3), N_GROUPS)[GROUP]
    decided = decide_apart("mcc", y, own, None, GROUP, seed=0)
    assert decided is not None
    assert matthews_corrcoef(y, decided) < 0.1
    told = decide_apart("mcc", y, 0.8 * np.eye(3)[y] + 0.2 * own, np.ones(y.size), GROUP, seed=0)
    assert told is not None
    assert matthews_corrcoef(y, told) > 0.9


def test_two_groups_with_positives_can_judge_each_other_and_one_cannot() -> None:
    y = np.zeros(GROUP.size, int)
    y[GROUP < 2] = np.arange(2 * EACH) % 2
    proba = np.linspace(0, 1, y.size)
    assert decide_apart("mcc", y, proba, None, GROUP, seed=0) is not None
    assert decide_apart("mcc", np.where(GROUP < 1, y, 0), proba, None, GROUP, seed=0) is None


@pytest.mark.parametrize("metric", ["mcc", "f1", "average_precision", "log_loss"])
def test_candidates_of_a_search_are_judged_by_whole_groups(metric: str) -> None:
    y, proba = scores_of_groups(1)
    plain = make_objective(metric, 2).of_rows(None)
    grouped = make_objective(metric, 2).of_rows(None, GROUP)
    by_rows, by_groups = (each.scores(y, proba, None) for each in (plain, grouped))
    assert by_groups.std() > 1.5 * by_rows.std()
    if metric == "mcc":
        assert grouped.score(y, proba, None) < plain.score(y, proba, None) - 0.05


@pytest.mark.parametrize(
    "clf",
    [
        gbimb.ImbalancedLGBMClassifier(n_estimators=30, random_state=0),
        gbimb.ImbalancedXGBClassifier(n_estimators=30, random_state=0),
        gbimb.UnderBaggingClassifier(
            gbimb.ImbalancedLGBMClassifier(n_estimators=30, early_stopping_rounds=None),
            n_estimators=5,
            random_state=0,
        ),
    ],
    ids=lambda clf: type(clf).__name__,
)
def test_nothing_is_promised_where_groups_say_nothing_of_each_other(clf: Any) -> None:
    promised = []
    for seed in range(6):
        X, y = strangers(seed)
        clf.fit(X, y, groups=GROUP)
        promised.append(clf.oob_score_ if hasattr(clf, "oob_score_") else clf.best_score_)
    assert np.mean(promised) < 0.1


def test_metrics_that_no_threshold_decides_are_as_they_were() -> None:
    X, y = strangers(0)
    for name in ("average_precision", "mcc@0.3"):
        clf = gbimb.ImbalancedLGBMClassifier(
            n_estimators=30, eval_metric=(name,), learning_rate=0.2, num_leaves=7, random_state=0
        ).fit(X, y, groups=GROUP)
        assert clf.best_score_ == clf.evals_result_["valid"][name][clf.best_iteration_ - 1]
