"""The fits: each takes the folder of the data and returns what predicts, and how it came about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import lightgbm as lgb
import numpy as np
import pyarrow.parquet as pq

import gbimb
from benchmarks.scale import data
from gbimb.engines.defaults import Pace
from gbimb.engines.lightgbm import StreamedBins, tree_params
from gbimb.parallel import available_threads
from gbimb.tables.encoder import TableEncoder
from gbimb.tables.parquet.columns import read_target
from gbimb.tables.read import read_table
from gbimb.tables.schema import Schema

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

NOT_FEATURES = ("target", "posterior")
PATIENCE, GROWTH_ROUNDS, BAGS = 50, 50, 10
# The mean over bags needs no slow learning: small trees and large steps, as validation rows say.
IN_BAG = {"loss": "logistic", "num_leaves": 8, "learning_rate": 0.5}
ROUNDS_IN_BAG = 75


class Model(Protocol):
    """What predicts the rows of a source."""

    threshold_: float

    def predict_proba(self, X: gbimb.ParquetSource) -> NDArray[np.float64]:
        """Return probabilities, shape (n, 2)."""


@dataclass(frozen=True)
class Fitted:
    """A model, and how it came about.

    Attributes
    ----------
    model : Model
    rows : int
        Different rows that trained it.
    majority : float
        Share of the majority that is among them.
    rounds : int
        Rounds kept, of all bags together.
    """

    model: Model
    rows: int
    majority: float
    rounds: int


def source(folder: Path, *names: str, share: float = 1.0) -> gbimb.ParquetSource:
    """Return the files of some sets as one source; of a share of their files."""
    paths = [path for name in names for path in data.files(folder, name, share)]
    columns = pq.ParquetFile(paths[0]).schema_arrow.names
    features = [name for name in columns if name not in NOT_FEATURES]
    return gbimb.ParquetSource(paths, "target", features=features)


def focal(folder: Path, share: float, rounds: int) -> Fitted:
    """One model with focal loss, stopped early on the MCC of the validation rows.

    ``share`` is that of the majority which it keeps.
    """
    train = source(folder, "train")
    if share == 1:
        clf = _classifier(rounds).fit(train, X_val=source(folder, "valid"))
        return Fitted(clf, train.n_rows, 1.0, clf.best_iteration_)
    both = source(folder, "train", "valid")
    codes = read_target(both).codes
    kept = (codes == 1) | (np.random.default_rng(0).random(codes.size) < share)
    rows = np.flatnonzero(kept[: train.n_rows])
    held_out = np.arange(train.n_rows, both.n_rows)
    clf = _classifier(rounds, cv=[(rows, held_out)]).fit(both)
    return Fitted(clf, rows.size, share, clf.best_iteration_)


def bags(folder: Path, share: float, rounds: int) -> Fitted:
    """Ten bags with as many of the majority as there are positives."""
    del share
    inside = _classifier(min(rounds, ROUNDS_IN_BAG), **IN_BAG)
    clf = gbimb.UnderBaggingClassifier(inside, BAGS, random_state=0)
    train = source(folder, "train")
    clf.fit(train)
    in_bags = np.zeros(train.n_rows, dtype=bool)
    for rows in clf.estimators_samples_:
        in_bags[rows] = True
    majority = in_bags[read_target(train).codes == 0].mean()
    rounds = sum(bag.best_iteration_ for bag in clf.estimators_)
    return Fitted(clf, int(in_bags.sum()), float(majority), rounds)


def growth(folder: Path, share: float, rounds: int) -> Fitted:
    """Fifty rounds of focal loss on a share of the files, and nothing else."""
    train = source(folder, "train", share=share)
    rounds = min(rounds, GROWTH_ROUNDS)
    clf = _classifier(rounds, cv=None, early_stopping_rounds=None).fit(train)
    return Fitted(clf, train.n_rows, share, clf.best_iteration_)


def weighted(folder: Path, share: float, rounds: int) -> Fitted:
    """LightGBM's own weighted log loss on the same bins, stopped early on its own AUC."""
    del share
    train, valid = source(folder, "train"), source(folder, "valid")
    model = _Weighted()
    frame = read_table(model.columns, train, reset=True)
    model.encoder = TableEncoder.fit(frame)
    y, y_valid = (read_target(s).codes.astype(np.float32) for s in (train, valid))
    log_loss = Pace(steepness=1.0, n_classes=2)
    params = tree_params(model.columns, train.n_rows, log_loss, 0, available_threads())
    bins = StreamedBins(
        model.encoder.transform(frame),
        y,
        None,
        categorical=model.encoder.categorical,
        feature_names=Schema.of(model.columns, model.encoder).engine_names(),
        params=params,
    )
    whole = bins.external(model.encoder.transform(frame), y, None)
    watched = bins.external(model.matrix(valid), y_valid, None)
    own = {"objective": "binary", "metric": "auc", "scale_pos_weight": (y == 0).sum() / y.sum()}
    model.booster = lgb.train(
        {**params, "feature_pre_filter": False, **own},
        whole,
        rounds,
        valid_sets=[watched],
        callbacks=[lgb.early_stopping(PATIENCE, verbose=False)],
    )
    return Fitted(model, train.n_rows, 1.0, model.booster.best_iteration)


class _Weighted:
    """A booster that reads sources as gbimb's estimators do."""

    threshold_ = 0.5
    booster: lgb.Booster
    encoder: TableEncoder

    def __init__(self) -> None:
        self.columns = _classifier(1)

    def matrix(self, X: gbimb.ParquetSource) -> Any:  # a stream of rows
        return self.encoder.transform(read_table(self.columns, X, reset=False))

    def predict_proba(self, X: gbimb.ParquetSource) -> NDArray[np.float64]:
        parts = [self.booster.predict(part) for part in self.matrix(X).batches()]
        positive = np.concatenate(parts)
        return np.column_stack([1 - positive, positive])


def _classifier(rounds: int, **parameters: Any) -> gbimb.ImbalancedLGBMClassifier:
    options = {"n_estimators": rounds, "early_stopping_rounds": PATIENCE, "random_state": 0}
    return gbimb.ImbalancedLGBMClassifier(**{**options, **parameters})


FITS: dict[str, Callable[[Path, float, int], Fitted]] = {
    "focal": focal,
    "bags": bags,
    "weighted": weighted,
    "growth": growth,
}
