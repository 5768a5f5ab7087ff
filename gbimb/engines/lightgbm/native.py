"""Losses and metrics for training code of your own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

import lightgbm as lgb
import numpy as np
from lightgbm.basic import _ConfigAliases

from gbimb.engines.lightgbm.models import merge
from gbimb.exceptions import InvalidDataError, InvalidParameterError, InvalidTypeError
from gbimb.losses import MulticlassLoss, check_loss
from gbimb.metrics import evaluate, evaluate_multiclass, get_metric, get_multiclass_metric
from gbimb.validation import as_float, check_binary_labels, check_class_codes, check_names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

    from gbimb.array_types import Float32Array
    from gbimb.losses import BinaryLoss, Loss

# What LightGBM leaves undone, silently, when the objective is not its own.
IGNORED_PARAMETERS: Final = {
    "boost_from_average": "call gbimb.lightgbm.set_start before training and bake_start after it",
    "class_weight": "give scale_pos_weight to the loss, or weights to the Dataset",
    "is_unbalance": "give scale_pos_weight to the loss",
    "neg_bagging_fraction": "give scale_pos_weight to the loss, or train on a Dataset.subset",
    "pos_bagging_fraction": "give scale_pos_weight to the loss, or train on a Dataset.subset",
    "scale_pos_weight": "give scale_pos_weight to the loss",
    "sigmoid": "leave it out: the loss has its own link",
}

# Types in which the engine takes directions of columns, with an example of each.
MONOTONE_FORMS: Final[dict[type, str]] = {list: "[1, 0, -1]", tuple: "(1, 0, -1)"}


def synonyms(name: str) -> set[str]:
    """Return all names that LightGBM has for a parameter; none if it does not know it."""
    names: set[str] = _ConfigAliases.get_by_alias(name)
    known = _ConfigAliases.aliases or {}
    return names if names & known.keys() else set()


def check_parameters(params: Mapping[str, Any]) -> None:
    """Refuse parameters that LightGBM ignores under a custom objective, or does not hold.

    Raises
    ------
    InvalidParameterError
        with a message that names the alternative.
    """
    for name, value in params.items():
        for ignored in IGNORED_PARAMETERS.keys() & {name, *synonyms(name)}:
            msg = (
                f"{name}={value!r} would be ignored: LightGBM does not apply {ignored} under a "
                f"custom objective. Instead, {IGNORED_PARAMETERS[ignored]}."
            )
            raise InvalidParameterError(msg)
    check_linear(params)


def check_linear(params: Mapping[str, Any]) -> None:
    """Refuse linear leaves beside monotone directions, which LightGBM does not hold in them."""
    linear, directions = (
        next((params[name] for name in params if main in {name, *synonyms(name)}), None)
        for main in ("linear_tree", "monotone_constraints")
    )
    if str(linear).lower() in {"true", "+"} and any(c in "123456789" for c in str(directions)):
        msg = (
            f"linear_tree={linear!r} must not stand beside monotone_constraints: linear leaves "
            f"do not keep to them, got {directions!r:.80}. Leave out one of the two."
        )
        raise InvalidParameterError(msg)


def _check_dataset(dataset: object) -> None:
    if not isinstance(dataset, lgb.Dataset):
        msg = (
            "This is for lightgbm.train, which gives a Dataset as the second argument, got "
            f"{type(dataset).__name__}. Instead of LGBMClassifier, use ImbalancedLGBMClassifier."
        )
        raise InvalidTypeError(msg)


class Objective:
    """A loss as LightGBM's ``objective``: ``(raw_score, Dataset) -> (gradient, curvature)``.

    Dataset weights are applied, which LightGBM leaves to the objective. The two float32 buffers
    are made once for each Dataset and reused each round; LightGBM takes them without a copy.
    """

    def __init__(self, loss: Loss) -> None:
        check_loss(loss)
        self.loss = loss
        self._buffers: WeakKeyDictionary[lgb.Dataset, tuple[Float32Array, Float32Array]] = (
            WeakKeyDictionary()
        )

    def __call__(
        self, preds: NDArray[np.float64], dataset: lgb.Dataset
    ) -> tuple[Float32Array, Float32Array]:
        """Return gradient and curvature at the raw scores ``preds``."""
        _check_dataset(dataset)
        y, weight = _rows(dataset)
        if dataset not in self._buffers:
            check_parameters(dataset.params or {})
            _check_start(dataset)
            self._check_labels(y)
            # LightGBM hands out many classes column by column.
            self._buffers[dataset] = (
                np.empty(preds.shape, np.float32, order="F"),
                np.empty(preds.shape, np.float32, order="F"),
            )
        return self.loss.gradient_curvature(y, preds, weight, out=self._buffers[dataset])

    def _check_labels(self, y: NDArray[Any]) -> None:
        name = "The label of the Dataset"
        if self.loss.n_outputs == 1:
            check_binary_labels(y, name)
        else:
            check_class_codes(y, self.loss.n_outputs, name)

    def __deepcopy__(self, memo: dict[int, Any]) -> Objective:
        """Return itself: LightGBM deep-copies its parameters twice."""
        return self

    def __reduce__(self) -> tuple[type[Objective], tuple[Loss]]:
        """Pickle the loss alone."""
        return Objective, (self.loss,)

    def __repr__(self) -> str:
        """Name the loss."""
        return f"gbimb.lightgbm.objective({self.loss!r})"


def _rows(dataset: lgb.Dataset) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """Return labels and weights, which LightGBM keeps as float32 arrays."""
    weight = dataset.get_weight()
    return np.asarray(dataset.get_label()), None if weight is None else np.asarray(weight)


def objective(loss: Loss) -> Objective:
    """Return ``loss`` as an objective for ``lightgbm.train({"objective": ...})``.

    Parameters
    ----------
    loss : FocalLoss, LogisticLoss, ...
        For K classes SoftmaxFocalLoss or SoftmaxLoss, with ``"num_class": K`` in the parameters
        and labels 0 to K-1.

    Notes
    -----
    SoftMCCLoss and SoftFBetaLoss want a warm start, and here it is yours to make: train some
    rounds with ``LogisticLoss()``, call :func:`bake_start`, and give that booster as
    ``init_model`` to a second ``train`` with ``objective(SoftMCCLoss())``, on Datasets without a
    start. Early stopping then sees the second part alone, and the booster holds both.

    Set ``"metric": "None"`` as well: LightGBM's own metrics would be fed raw scores.
    """
    return Objective(loss)


class _Feval:
    def __init__(self, metrics: Sequence[str], loss: BinaryLoss | MulticlassLoss) -> None:
        check_loss(loss)
        many = isinstance(loss, MulticlassLoss)
        read = get_multiclass_metric if many else get_metric
        self.metrics = tuple(read(name) for name in check_names("metrics", metrics))
        self.loss = loss

    def __call__(
        self, preds: NDArray[np.float64], dataset: lgb.Dataset
    ) -> list[tuple[str, float, bool]]:
        _check_dataset(dataset)
        y, weight = _rows(dataset)
        if isinstance(self.loss, MulticlassLoss):
            values = evaluate_multiclass(self.metrics, self.loss, y, preds, weight)
        else:
            values = evaluate(self.metrics, self.loss, y, preds, weight)
        return [(m.name, values[m.name], m.greater_is_better) for m in self.metrics]


def feval(metrics: Sequence[str], loss: BinaryLoss | MulticlassLoss) -> _Feval:
    """Return ``metrics`` as a ``feval`` for ``lightgbm.train`` with ``objective(loss)``.

    Parameters
    ----------
    metrics : sequence of str
        Names such as "mcc", "f1", "fbeta:2", ``"mcc@0.5"``, "average_precision". Without
        "@", the best value over all thresholds: at a fixed 0.5 MCC stays 0 for many rounds on
        rare classes, and early stopping keeps one tree. For many classes "mcc" (R_K), "f1"
        (macro), "balanced_accuracy" and "log_loss".
    loss : FocalLoss, LogisticLoss, ...
        The loss trained; its link turns raw scores into true probabilities where a metric
        needs them.

    Notes
    -----
    Stop with ``lightgbm.early_stopping(50, first_metric_only=True)``: the first metric then leads.
    """
    return _Feval([metrics] if isinstance(metrics, str) else metrics, loss)


def set_start(
    loss: BinaryLoss | MulticlassLoss, train_set: lgb.Dataset, *valid_sets: lgb.Dataset
) -> float | NDArray[np.float64]:
    """Start training at the constant that minimises the loss; return that raw score.

    A float, or for K classes an array of shape (K,).

    Writes ``init_score`` into the train set and the validation sets. LightGBM forgets it when it
    predicts: call :func:`bake_start` after training. Do not combine it with ``init_model``: a
    baked model already carries its start.

    Raises
    ------
    InvalidDataError
        If a set has no labels, or the train set only one class.
    InvalidTypeError
        If this is no loss, or a set is no Dataset.
    """
    check_loss(loss)
    for name, dataset in (("train_set", train_set), *(("valid_sets", v) for v in valid_sets)):
        if not isinstance(dataset, lgb.Dataset):
            msg = (
                f"{name} must be a lightgbm.Dataset, got {type(dataset).__name__}. Give each "
                "Dataset as an argument of its own: set_start(loss, train_set, valid_set)."
            )
            raise InvalidTypeError(msg)
    rows = [_read_rows(dataset) for dataset in (train_set, *valid_sets)]
    start = loss.init_score(*rows[0])
    for dataset, (y, _) in zip((train_set, *valid_sets), rows, strict=True):
        dataset.set_init_score(np.repeat(start, y.size))  # LightGBM wants it class by class
    return start


def _check_start(dataset: lgb.Dataset) -> None:
    """Refuse a Dataset that lost the start it was given."""
    # lightgbm.train constructs a Dataset anew for other parameters, a subset without its start.
    if dataset.init_score is not None and dataset.get_field("init_score") is None:
        msg = (
            "LightGBM dropped the init_score of this subset when it constructed it for the "
            "parameters of training. Give them to the Dataset too: lightgbm.Dataset(params=...)."
        )
        raise InvalidDataError(msg)


def _read_rows(dataset: lgb.Dataset) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """Return labels and weights of a Dataset, constructed or not."""
    # A subset or a file has none before that, and a subset would drop its init_score.
    if dataset.used_indices is not None or isinstance(dataset.data, str | Path):
        dataset.construct()
    constructed = dataset._handle is not None  # noqa: SLF001  nothing public tells
    y = dataset.get_label() if constructed else dataset.label
    weight = dataset.get_weight() if constructed else dataset.weight
    if y is None:
        msg = "The Dataset has no labels: give label=... to lightgbm.Dataset."
        raise InvalidDataError(msg)
    return np.ravel(np.asarray(y)), None if weight is None else np.ravel(np.asarray(weight))


def bake_start(booster: lgb.Booster, start: ArrayLike) -> None:
    """Add ``start`` to every leaf of the first tree of each class, so that predictions include it.

    Predicting, saving, SHAP values and continued training are then right. Call it once.

    Parameters
    ----------
    booster : lightgbm.Booster
        Changed in place.
    start : float or array of shape (K,)
        What :func:`set_start` returned.

    Raises
    ------
    InvalidTypeError
        If this is no Booster, or the start is no number.
    InvalidDataError
        If the start is not finite, or not one number a raw score.
    """
    if not isinstance(booster, lgb.Booster):
        msg = (
            f"booster must be a lightgbm.Booster, got {type(booster).__name__}. Give what "
            "lightgbm.train returned."
        )
        raise InvalidTypeError(msg)
    shifts = np.atleast_1d(as_float(start, "start"))
    if shifts.ndim > 1 or not np.isfinite(shifts).all():
        msg = (
            f"start must be what set_start returned, a finite number or one for each class, got "
            f"{start!r:.80}."
        )
        raise InvalidDataError(msg)
    trees = booster.dump_model(num_iteration=1)["tree_info"]
    if len(trees) != shifts.size:
        msg = f"start must have one number a raw score, {len(trees)}, got {shifts.size}."
        raise InvalidDataError(msg)
    if "is_linear=1" in booster.model_to_string(num_iteration=1):
        _bake_linear(booster, shifts)
        return
    for i, (tree, shift) in enumerate(zip(trees, shifts.tolist(), strict=True)):
        for leaf in range(tree["num_leaves"]):
            booster.set_leaf_output(i, leaf, booster.get_leaf_output(i, leaf) + shift)


def _bake_linear(booster: lgb.Booster, shifts: NDArray[np.float64]) -> None:
    """Do the same to trees with linear leaves, whose constants LightGBM only lets a text change."""
    best_iteration, best_score = booster.best_iteration, booster.best_score
    text = merge([booster.model_to_string(num_iteration=-1)], 1.0, shifts).model_to_string()
    booster.model_from_string(text)
    booster.best_iteration, booster.best_score = best_iteration, best_score
