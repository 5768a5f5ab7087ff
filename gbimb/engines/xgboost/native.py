"""Losses and metrics for training code of your own."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
import xgboost as xgb
from scipy.special import expit

from gbimb.exceptions import InvalidDataError, InvalidParameterError, InvalidTypeError
from gbimb.losses import MulticlassLoss, check_loss
from gbimb.metrics import evaluate, evaluate_multiclass, get_metric, get_multiclass_metric
from gbimb.validation import (
    as_float32,
    check_binary_labels,
    check_class_codes,
    check_names,
    check_number,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from gbimb.array_types import Float32Array
    from gbimb.losses import BinaryLoss, Loss

ALIASES: Final = (
    ("alpha", "reg_alpha"),
    ("eta", "learning_rate"),
    ("gamma", "min_split_loss"),
    ("lambda", "reg_lambda"),
    ("n_jobs", "nthread"),
    ("random_state", "seed"),
)

# With these, ``base_score`` means what ``base_score`` below returns.
DECLARED_OBJECTIVES: Final = ("binary:logistic", "reg:logistic", "multi:softprob", "multi:softmax")


class DMatrixRows(NamedTuple):
    """What XGBoost would copy on every call, read once for each DMatrix."""

    y: Float32Array
    weight: Float32Array | None


def _check_dmatrix(dmatrix: object) -> None:
    if not isinstance(dmatrix, xgb.DMatrix):
        msg = (
            "This is for xgboost.train, which gives a DMatrix as the second argument, got "
            f"{type(dmatrix).__name__}. Instead of XGBClassifier, use ImbalancedXGBClassifier."
        )
        raise InvalidTypeError(msg)


def _read_rows(dmatrix: xgb.DMatrix) -> DMatrixRows:
    y = as_float32(dmatrix.get_label())
    if y.size == 0:
        msg = "The DMatrix has no labels: give label=... when you make it."
        raise InvalidDataError(msg)
    weight = as_float32(dmatrix.get_weight())
    return DMatrixRows(y, weight if weight.size else None)


class Objective:
    """A loss as XGBoost's ``obj``: ``(margin, DMatrix) -> (gradient, curvature)``.

    DMatrix weights are applied, which XGBoost leaves to the objective. Labels and weights are
    read once for each DMatrix: set them before training.
    """

    def __init__(self, loss: Loss) -> None:
        check_loss(loss)
        self.loss = loss
        self._cache: WeakKeyDictionary[
            xgb.DMatrix, tuple[DMatrixRows, tuple[Float32Array, Float32Array]]
        ] = WeakKeyDictionary()

    def __call__(
        self, predt: NDArray[np.float32], dmatrix: xgb.DMatrix
    ) -> tuple[Float32Array, Float32Array]:
        """Return gradient and curvature at the margins ``predt``."""
        _check_dmatrix(dmatrix)
        if dmatrix not in self._cache:
            rows = _read_rows(dmatrix)
            name = "The label of the DMatrix"
            if self.loss.n_outputs == 1:
                check_binary_labels(rows.y, name)
            else:
                check_class_codes(rows.y, self.loss.n_outputs, name)
            buffers = (np.empty(predt.shape, np.float32), np.empty(predt.shape, np.float32))
            self._cache[dmatrix] = (rows, buffers)
        rows, buffers = self._cache[dmatrix]
        return self.loss.gradient_curvature(rows.y, predt, rows.weight, out=buffers)

    def __reduce__(self) -> tuple[type[Objective], tuple[Loss]]:
        """Pickle the loss alone."""
        return Objective, (self.loss,)

    def __repr__(self) -> str:
        """Name the loss."""
        return f"gbimb.xgboost.objective({self.loss!r})"


def objective(loss: Loss) -> Objective:
    """Return ``loss`` as ``obj`` for ``xgboost.train``.

    Parameters
    ----------
    loss : FocalLoss, LogisticLoss, ...
        For K classes SoftmaxFocalLoss or SoftmaxLoss, with ``"objective": "multi:softprob"`` and
        ``"num_class": K`` in the parameters and labels 0 to K-1.

    Notes
    -----
    SoftMCCLoss and SoftFBetaLoss want a warm start, and here it is yours to make: train some
    rounds with ``LogisticLoss()`` and give that booster as ``xgb_model`` to a second ``train``
    with ``objective(SoftMCCLoss())`` and the same ``base_score``. Early stopping then sees the
    second part alone, and the booster holds both.

    Set ``"objective": "binary:logistic"`` and ``"base_score": base_score(loss, y)`` beside it:
    without them XGBoost starts at a raw score of 0.5, in a squared-error model.
    ``scale_pos_weight`` belongs into the loss: XGBoost ignores it under a custom objective, and
    :func:`early_stopping` refuses it.
    """
    return Objective(loss)


# Types in which the engine takes directions of columns, with an example of each.
MONOTONE_FORMS: Final[dict[type, str]] = {tuple: "(1, 0, -1)", dict: "{'x0': 1}", str: "'(1,0,-1)'"}


def synonyms(name: str) -> set[str]:
    """Return all names that XGBoost has for a parameter; none if it does not know it."""
    for names in ALIASES:
        if name in names:
            return set(names)
    return {name} if name in _known_parameters() else set()


@cache
def _known_parameters() -> frozenset[str]:
    """Return the names in the configuration of a booster."""
    row = xgb.DMatrix(np.zeros((1, 1)), label=[0.0], nthread=1)
    params = {"objective": "binary:logistic", "tree_method": "hist", "nthread": 1, "verbosity": 0}
    booster = xgb.Booster(params, cache=[row])
    config = json.loads(booster.save_config())
    found: set[str] = set()
    groups = [config]
    while groups:
        group = groups.pop()
        found |= group.keys()
        for value in group.values():
            inner = value if isinstance(value, list) else [value]
            groups += [part for part in inner if isinstance(part, dict)]
    return frozenset(found)


def declared_start(start: NDArray[np.float64]) -> float | list[float]:
    """Return ``start`` as XGBoost's ``base_score``: on its probability scale for one score."""
    return float(expit(start[0])) if start.size == 1 else [float(s) for s in start]


def base_score(
    loss: BinaryLoss | MulticlassLoss,
    y_true: ArrayLike,
    sample_weight: ArrayLike | None = None,
) -> float | list[float]:
    """Return XGBoost's ``base_score`` that starts training at the minimum of the loss.

    It is ``sigmoid(loss.init_score(...))``, in (0, 1): XGBoost keeps it in the model and adds it
    in every prediction. It is not a probability of the data unless the loss is the log loss.
    For K classes it is a list of K raw scores.
    """
    check_loss(loss)
    return declared_start(np.atleast_1d(np.asarray(loss.init_score(y_true, sample_weight))))


class _CustomMetric:
    def __init__(self, metrics: Sequence[str], loss: BinaryLoss | MulticlassLoss) -> None:
        check_loss(loss)
        many = isinstance(loss, MulticlassLoss)
        read = get_multiclass_metric if many else get_metric
        self.metrics = tuple(read(name) for name in check_names("metrics", metrics))
        self.loss = loss
        self._cache: WeakKeyDictionary[xgb.DMatrix, DMatrixRows] = WeakKeyDictionary()

    def __call__(self, predt: NDArray[np.float32], dmatrix: xgb.DMatrix) -> list[tuple[str, float]]:
        _check_dmatrix(dmatrix)
        if dmatrix not in self._cache:
            self._cache[dmatrix] = _read_rows(dmatrix)
        rows = self._cache[dmatrix]
        if isinstance(self.loss, MulticlassLoss):
            values = evaluate_multiclass(self.metrics, self.loss, rows.y, predt, rows.weight)
        else:
            values = evaluate(self.metrics, self.loss, rows.y, predt, rows.weight)
        return [(_safe_name(name), value) for name, value in values.items()]

    def __reduce__(self) -> tuple[Any, ...]:
        return _CustomMetric, (tuple(m.name for m in self.metrics), self.loss)


def custom_metric(metrics: Sequence[str], loss: BinaryLoss | MulticlassLoss) -> _CustomMetric:
    """Return ``metrics`` as ``custom_metric`` for ``xgboost.train`` with ``objective(loss)``.

    Parameters
    ----------
    metrics : sequence of str
        Names such as "mcc", "f1", "fbeta:2", ``"mcc@0.5"``, "average_precision". Without
        "@", the best value over all thresholds. XGBoost reports ":" and blanks as "_".
        For many classes "mcc" (R_K), "f1" (macro), "balanced_accuracy" and "log_loss".
    loss : FocalLoss, LogisticLoss, ...

    Notes
    -----
    XGBoost rounds every reported value to six decimals.
    """
    return _CustomMetric([metrics] if isinstance(metrics, str) else metrics, loss)


def _safe_name(name: str) -> str:
    """Return a name that XGBoost can read back from the line in which it reports all values."""
    return re.sub(r"[:\s]", "_", name)


class EarlyStopping(xgb.callback.EarlyStopping):
    """XGBoost's early stopping with the right direction, the best round kept."""

    def before_training(self, model: xgb.Booster) -> xgb.Booster:
        """Refuse what XGBoost would ignore under a custom objective."""
        folds = getattr(model, "cvfolds", None)  # of xgboost.cv, which keeps no model
        self.save_best = folds is None
        check_booster_parameters(model if folds is None else folds[0].bst)
        booster: xgb.Booster = super().before_training(model)
        return booster


def check_booster_parameters(model: xgb.Booster) -> None:
    """Refuse what makes XGBoost start elsewhere, what it ignores, and directions of categories."""
    learner = json.loads(model.save_config())["learner"]
    declared = learner["objective"]
    if declared["name"] not in DECLARED_OBJECTIVES:
        msg = (
            f"objective={declared['name']!r} must not stand beside the custom objective: XGBoost "
            'does not start at base_score\'s logit then. Set "objective": "binary:logistic" in '
            "the parameters."
        )
        raise InvalidParameterError(msg)
    weight = float(declared.get("reg_loss_param", {}).get("scale_pos_weight", 1))
    if weight != 1:
        msg = (
            f"scale_pos_weight={weight:g} would be ignored: XGBoost does not apply it under a "
            "custom objective. Instead, give scale_pos_weight to the loss."
        )
        raise InvalidParameterError(msg)
    trees = learner["gradient_booster"].get("tree_train_param", {})
    directions = str(trees.get("monotone_constraints", "")).strip("()").split(",")
    types = model.feature_types or []
    for i, (kind, direction) in enumerate(zip(types, directions, strict=False)):
        if kind == "c" and direction in {"1", "-1"}:
            name = model.feature_names[i] if model.feature_names else i
            msg = (
                f"monotone_constraints must give 0 to {name!r}, whose categories have no order, "
                f"got {direction}. Or turn it into numbers."
            )
            raise InvalidParameterError(msg)


def early_stopping(rounds: int, metric: str = "mcc", data_name: str | None = None) -> EarlyStopping:
    """Return a callback that stops ``xgboost.train`` or ``xgboost.cv`` with ``metric``.

    XGBoost's own callback takes "mcc" and "f1" for losses, and leaves the worse trees in the
    model. This one knows the direction, and ``train`` keeps the trees up to the best round.

    Parameters
    ----------
    rounds : int
        Rounds without improvement before it stops, >= 1.
    metric : str, default="mcc"
        One of the names given to :func:`custom_metric`.
    data_name : str, optional
        Name in ``evals``; the last one by default.
    """
    check_number("rounds", rounds, low=1, integer=True)
    read = get_multiclass_metric if str(metric).endswith("@argmax") else get_metric
    watched = read(metric)
    return EarlyStopping(
        rounds=rounds,
        metric_name=_safe_name(watched.name),
        data_name=data_name,
        maximize=watched.greater_is_better,
        save_best=True,
    )
