"""Forests of extremely randomised trees among the candidates.

scikit-learn grows them; they are kept as LightGBM models, under the loss whose raw score is the
probability itself. On a few thousand rows they see what boosted trees do not, and the other way
round.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy.special import logit

from gbimb.decisions.calibration import BetaCurve, Calibrator
from gbimb.decisions.prior import recalibrate
from gbimb.losses import BrierLoss, LogisticLoss, MulticlassBrierLoss
from gbimb.model.model import BoosterModel, make_rule
from gbimb.training.checkpoint import CheckpointFile, State
from gbimb.training.seed import LARGEST_SEED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from gbimb.array_types import Float32Array, FloatArray, IntArray
    from gbimb.engines.lightgbm import GrownTree
    from gbimb.tables.schema import Classes, Schema
    from gbimb.training.boosting import Stop
    from gbimb.training.held_out.folds import Splits

MOST_ROWS: Final = 40_000
MOST_ROWS_OF_MANY: Final = 20_000
"""Of more than two classes, each of which gets trees of its own in the model that is kept."""

TREES: Final = 60
FEWEST_TREES: Final = 20
ROWS_AND_TREES: Final = 600_000
ROWS_AND_TREES_OF_MANY: Final = 100_000
LARGEST: Final = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class Forest:
    """How its trees grow: rows of a leaf, and the share of the columns that a split draws from."""

    min_samples_leaf: int
    max_features: float


@dataclass(frozen=True, eq=False)
class ForestRows:
    """What all forests of a table share.

    Attributes
    ----------
    matrix : float32 array of shape (n, n_features)
    y : float64 array of shape (n,), 0 or 1, or (n, K) with a 1 for the class of each row
    weight : array of shape (n,) or None
    """

    matrix: Float32Array
    y: FloatArray
    weight: NDArray[Any] | None

    @classmethod
    def of(
        cls, encoded: NDArray[Any], y: NDArray[Any], weight: NDArray[Any] | None, n_classes: int = 2
    ) -> ForestRows:
        """Return the rows as scikit-learn's trees take them; ``y`` holds codes of classes."""
        matrix = np.clip(encoded, -LARGEST, LARGEST).astype(np.float32)
        targets = y if n_classes == 2 else y[:, None] == np.arange(n_classes)
        return cls(matrix, targets.astype(np.float64), weight)

    @property
    def shares(self) -> FloatArray:
        """Those of the positives, (1,), or of each class, (K,)."""
        return np.atleast_1d(np.average(self.y, axis=0, weights=self.weight))

    def part(self, rows: IntArray) -> ForestRows:
        """Return some rows."""
        weight = None if self.weight is None else self.weight[rows]
        return ForestRows(self.matrix[rows], self.y[rows], weight)

    def tree(self, forest: Forest, seed: int) -> Any:  # scikit-learn's
        """Return a tree grown on these rows."""
        from sklearn.tree import ExtraTreeRegressor

        model = ExtraTreeRegressor(
            min_samples_leaf=forest.min_samples_leaf,
            max_features=forest.max_features,
            random_state=seed,
        )
        return model.fit(self.matrix, self.y, sample_weight=self.weight).tree_


def _arrays(tree: Any) -> GrownTree:  # scikit-learn's
    # LightGBM is imported where it is used: without it XGBoost's estimator still works.
    from gbimb.engines.lightgbm import GrownTree

    left, right = tree.children_left, tree.children_right
    value = tree.value[:, :, 0]
    spread = value * (1.0 - value) * tree.weighted_n_node_samples[:, None]
    gain = np.where(left[:, None] < 0, 0.0, spread - spread[left] - spread[right])
    return GrownTree(
        left=left,
        right=right,
        feature=tree.feature,
        threshold=tree.threshold,
        missing_left=tree.missing_go_to_left.astype(bool),
        gain=np.maximum(gain, 0.0),
        count=tree.n_node_samples,
        value=value,
    )


def number_of_trees(rows: int, outputs: int = 1) -> int:
    """Return the trees of a fold: fewer on many rows or for many classes, where each is large."""
    most = ROWS_AND_TREES if outputs == 1 else ROWS_AND_TREES_OF_MANY
    return int(np.clip(most // rows, FEWEST_TREES, TREES))


@dataclass(frozen=True, eq=False)
class GrownForest:
    """A forest for each fold, all in one model.

    Attributes
    ----------
    booster : LightGBM's
    proba : float64 array of shape (m,) or (m, K)
        Of the held-out rows, fold by fold.
    trees : int
        Of each fold.
    """

    booster: Any
    proba: FloatArray
    trees: int

    def model(
        self,
        schema: Schema,
        classes: Classes,
        calibration: Calibrator | float | None,
        validation: str,
    ) -> BoosterModel:
        """Return the forest as a model of LightGBM's trees.

        ``calibration`` is what :func:`calibrate` found: a curve of two classes, a power of more.
        """
        from gbimb.engines.lightgbm import feature_gains

        gains = feature_gains(self.booster)
        power = calibration if isinstance(calibration, float) else 1.0
        return BoosterModel(
            schema=schema,
            classes=classes,
            link=BrierLoss() if classes.size == 2 else MulticlassBrierLoss(classes.size, power),
            calibrator=calibration if isinstance(calibration, Calibrator) else None,
            rule=make_rule(0.5 if classes.size == 2 else np.ones(classes.size), classes),
            importances=gains / gains.sum() if gains.sum() > 0 else gains,
            validation=validation,
            score=float("nan"),
            engine="lightgbm",
            booster=self.booster,
            n_rounds=self.trees,
        )


def grow(
    rows: ForestRows,
    forest: Forest,
    folds: Splits,
    names: Sequence[str],
    *,
    seed: int,
    threads: int,
    stop: Stop | None,
    checkpoint: CheckpointFile | None,
) -> GrownForest:
    """Return a forest for each fold.

    One tree more, which gives the shares of the classes to every row, keeps no probability at 0.
    """
    from gbimb.engines.lightgbm import forest_text, from_text

    state = None if checkpoint is None else checkpoint.load()
    if state is not None:
        return GrownForest(from_text(state.models[0]), np.array(state.history["proba"]), state.done)
    parts = [rows.part(train) for train, _ in folds]
    held_out = [rows.matrix[test] for _, test in folds]
    shares = rows.shares
    votes = [np.zeros((len(test), shares.size)) for _, test in folds]
    grown: list[list[GrownTree]] = [[] for _ in folds]
    wanted, done = number_of_trees(len(rows.y), shares.size), 0

    def step(fold: int) -> None:
        tree = parts[fold].tree(forest, (seed + 1009 * fold + done) % LARGEST_SEED)
        votes[fold] += tree.predict(held_out[fold]).reshape(votes[fold].shape)
        grown[fold].append(_arrays(tree))

    with ThreadPoolExecutor(min(threads, len(folds))) as pool:
        while done < wanted:
            list(pool.map(step, range(len(folds))))
            done = len(grown[0])
            if stop is not None and stop({}, done):
                break
    prior = shares / (done + 1.0)
    proba = np.concatenate(votes) / (done + 1.0) + prior
    proba = proba if shares.size > 1 else proba[:, 0]
    trees = [tree for part in grown for tree in part]
    text = forest_text(trees, names, 1.0 / (len(folds) * (done + 1.0)), prior)
    if checkpoint is not None and done == wanted:
        checkpoint.save(State(done, {"proba": proba.tolist()}, [text], done))
    return GrownForest(from_text(text), proba, done)


def calibrate(
    y: NDArray[Any], proba: FloatArray, weight: NDArray[Any] | None
) -> tuple[Calibrator | float, FloatArray]:
    """Return what makes votes of random trees as sharp as held-out rows ask for, and the result.

    Votes are too careful: what half of them call positive mostly is. Of two classes it is Platt's
    line through the log odds; of more the power of the votes with the least log loss.
    """
    if proba.ndim == 1:
        slope, intercept = recalibrate(LogisticLoss(), y, logit(proba), weight)
        calibrator = Calibrator((BetaCurve(slope, slope, intercept),))
        return calibrator, calibrator(proba)
    at = np.arange(y.size), y.astype(np.intp)
    links = [MulticlassBrierLoss(proba.shape[1], p) for p in MulticlassBrierLoss.POWERS]
    sharper = {link.power: link.probability(proba) for link in links}
    losses = {p: np.average(-np.log(q[at]), weights=weight) for p, q in sharper.items()}
    power = min(losses, key=losses.__getitem__)
    return power, sharper[power]
