"""Bags drawn from a cluster are those of the local estimator in kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import matthews_corrcoef

import gbimb
from gbimb.dask import DaskUnderBaggingClassifier
from gbimb.exceptions import GbimbError
from tests.dask.tables import arrays, even, numbers

if TYPE_CHECKING:
    from pathlib import Path

    from distributed import Client

pytestmark = pytest.mark.dask


def test_bags_train_on_workers_and_probabilities_are_true(client: Client, tmp_path: Path) -> None:
    X, y = numbers(6000)
    order = np.argsort(y, kind="stable")
    X, y = X[order], y[order]
    Xd, yd = arrays(X, y, sizes=even(6000, 5))
    small = gbimb.ImbalancedXGBClassifier(n_estimators=30)
    clf = DaskUnderBaggingClassifier(
        client=client, estimator=small, n_estimators=4, sampling_strategy=2.0, random_state=0
    ).fit(Xd, yd)
    assert len(clf.estimators_) == 4
    positives = int(y.sum())
    for rows in clf.estimators_samples_:
        # A fifth of the rare rows judges the bag.
        assert abs(rows.size - (0.8 * positives + 2 * positives)) <= 2
    X_new, y_new = numbers(4000, seed=1)
    assert clf.predict_proba(X_new)[:, 1].mean() == pytest.approx(y_new.mean(), rel=0.15)
    here = gbimb.UnderBaggingClassifier(
        estimator=small, n_estimators=4, sampling_strategy=2.0, random_state=0, n_jobs=1
    ).fit(X, y)
    scores = [matthews_corrcoef(y_new, model.predict(X_new)) for model in (clf, here)]
    assert scores[0] == pytest.approx(scores[1], abs=0.06)
    lazy = clf.predict_proba(Xd)
    np.testing.assert_allclose(lazy.compute(), clf.to_local().predict_proba(X))
    clf.save(tmp_path / "bags")
    np.testing.assert_allclose(gbimb.load(tmp_path / "bags").predict_proba(X_new),
                               clf.predict_proba(X_new))  # fmt: skip


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"estimator": LogisticRegression()}, "estimator must be one of gbimb's on Dask"),
        ({"sampling": "self_paced"}, "sampling must be 'random' on Dask"),
        ({"warm_start": True}, "warm_start must be False on Dask"),
    ],
)
def test_what_a_cluster_cannot_do_is_said(
    client: Client, parameters: dict[str, object], sentence: str
) -> None:
    X, y = numbers(200)
    Xd, yd = arrays(X, y, sizes=even(200, 2))
    with pytest.raises(GbimbError, match=sentence):
        DaskUnderBaggingClassifier(client=client, **parameters).fit(Xd, yd)
