"""gbimb's losses and metrics in XGBoost: for your own training code, and for the estimators.

::

    loss = gbimb.FocalLoss(gamma=2.0)
    booster = xgb.train(
        {
            "objective": "binary:logistic",
            "base_score": gbimb.xgboost.base_score(loss, y_train),
            "disable_default_eval_metric": 1,
        },
        dtrain,
        num_boost_round=1000,
        evals=[(dvalid, "valid")],
        obj=gbimb.xgboost.objective(loss),
        custom_metric=gbimb.xgboost.custom_metric(["mcc", "f1"], loss),
        callbacks=[gbimb.xgboost.early_stopping(50, metric="mcc")],
    )
    proba = loss.probability(booster.predict(dtest, output_margin=True))
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
import xgboost as xgb
from scipy.special import expit

from gbimb._validation import as_float32, check_binary_labels, check_class_codes
from gbimb.exceptions import InvalidDataError, InvalidParameterError, InvalidTypeError
from gbimb.losses import MulticlassLoss
from gbimb.metrics import evaluate, evaluate_multiclass, get_metric, get_multiclass_metric

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

    from gbimb._typing import Float32Array
    from gbimb.losses import Loss, MarginLoss

__all__ = [
    "EarlyStopping",
    "Objective",
    "base_score",
    "custom_metric",
    "early_stopping",
    "merge",
    "objective",
]


# Below this share of the rows a matrix of their own is worth its memory.
SMALL_SHARE = 0.5


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


class _Rows(NamedTuple):
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


def _read_rows(dmatrix: xgb.DMatrix) -> _Rows:
    y = as_float32(dmatrix.get_label())
    if y.size == 0:
        msg = "The DMatrix has no labels: give label=... when you make it."
        raise InvalidDataError(msg)
    weight = as_float32(dmatrix.get_weight())
    return _Rows(y, weight if weight.size else None)


class Objective:
    """A loss as XGBoost's ``obj``: ``(margin, DMatrix) -> (gradient, curvature)``.

    DMatrix weights are applied, which XGBoost leaves to the objective. Labels and weights are
    read once for each DMatrix: set them before training.
    """

    def __init__(self, loss: Loss) -> None:
        self.loss = loss
        self._cache: WeakKeyDictionary[
            xgb.DMatrix, tuple[_Rows, tuple[Float32Array, Float32Array]]
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
    Set ``"objective": "binary:logistic"`` and ``"base_score": base_score(loss, y)`` beside it:
    without them XGBoost starts at a raw score of 0.5, in a squared-error model.
    ``scale_pos_weight`` belongs into the loss: XGBoost ignores it under a custom objective, and
    :func:`early_stopping` refuses it.
    """
    return Objective(loss)


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


def base_score(
    loss: MarginLoss | MulticlassLoss,
    y_true: ArrayLike,
    sample_weight: ArrayLike | None = None,
) -> float | list[float]:
    """Return XGBoost's ``base_score`` that starts training at the minimum of the loss.

    It is ``sigmoid(loss.init_score(...))``, in (0, 1): XGBoost keeps it in the model and adds it
    in every prediction. It is not a probability of the data unless the loss is the log loss.
    For K classes it is a list of K raw scores.
    """
    return _declared_start(np.atleast_1d(np.asarray(loss.init_score(y_true, sample_weight))))


class _CustomMetric:
    def __init__(self, metrics: Sequence[str], loss: MarginLoss | MulticlassLoss) -> None:
        many = isinstance(loss, MulticlassLoss)
        self.metrics = tuple((get_multiclass_metric if many else get_metric)(m) for m in metrics)
        self.loss = loss
        self._cache: WeakKeyDictionary[xgb.DMatrix, _Rows] = WeakKeyDictionary()

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


def custom_metric(metrics: Sequence[str], loss: MarginLoss | MulticlassLoss) -> _CustomMetric:
    """Return ``metrics`` as ``custom_metric`` for ``xgboost.train`` with ``objective(loss)``.

    Parameters
    ----------
    metrics : sequence of str
        Names such as "mcc", "f1", "fbeta:2", "mcc@0.5", "average_precision", "log_loss". Without
        "@", the best value over all thresholds. A ":" is reported as "_": XGBoost reserves it.
        For many classes "mcc" (R_K), "f1" (macro), "balanced_accuracy" and "log_loss".
    loss : FocalLoss, LogisticLoss, ...

    Notes
    -----
    XGBoost rounds every reported value to six decimals.
    """
    return _CustomMetric([metrics] if isinstance(metrics, str) else metrics, loss)


def _safe_name(name: str) -> str:
    return name.replace(":", "_")


class EarlyStopping(xgb.callback.EarlyStopping):
    """XGBoost's early stopping with the right direction, the best round kept."""

    def before_training(self, model: xgb.Booster) -> xgb.Booster:
        """Refuse what XGBoost would ignore under a custom objective."""
        check_booster_parameters(model)
        booster: xgb.Booster = super().before_training(model)
        return booster


def check_booster_parameters(model: xgb.Booster) -> None:
    """Refuse what makes XGBoost start elsewhere, or what it ignores, under a custom objective."""
    declared = json.loads(model.save_config())["learner"]["objective"]
    if declared["name"] not in DECLARED_OBJECTIVES:
        msg = (
            f"With objective={declared['name']!r} beside the custom objective XGBoost does not "
            'start at base_score\'s logit. Set "objective": "binary:logistic" in the parameters.'
        )
        raise InvalidParameterError(msg)
    weight = float(declared.get("reg_loss_param", {}).get("scale_pos_weight", 1))
    if weight != 1:
        msg = (
            f"scale_pos_weight={weight:g} would be ignored: XGBoost does not apply it under a "
            "custom objective. Instead, give scale_pos_weight to the loss."
        )
        raise InvalidParameterError(msg)


def early_stopping(rounds: int, metric: str = "mcc", data_name: str | None = None) -> EarlyStopping:
    """Return a callback that stops ``xgboost.train`` when ``metric`` no longer improves.

    XGBoost's own callback takes "mcc" and "f1" for losses, and leaves the worse trees in the
    model. This one knows the direction and keeps the trees up to the best round.

    Parameters
    ----------
    rounds : int
        Rounds without improvement before it stops, >= 1.
    metric : str, default="mcc"
        One of the names given to :func:`custom_metric`.
    data_name : str, optional
        Name in ``evals``; the last one by default.
    """
    read = get_multiclass_metric if metric.endswith("@argmax") else get_metric
    return EarlyStopping(
        rounds=rounds,
        metric_name=_safe_name(metric),
        data_name=data_name,
        maximize=read(metric).greater_is_better,
        save_best=True,
    )


def merge(models: Sequence[bytes], slope: float, start: NDArray[np.float64]) -> xgb.Booster:
    """Return one booster with the raw score ``slope * mean + start``.

    Parameters
    ----------
    models : sequence of bytes
        Boosters as JSON (``save_raw("json")``), all trained on the same columns. The mean is
        over the sums of their trees.
    slope : float
    start : float64 array of shape (number of raw scores,)
        Becomes the ``base_score`` of the booster.
    """
    parts = [json.loads(model) for model in models]
    merged = parts[0]
    share = np.float32(slope / len(parts))
    trees: list[dict[str, Any]] = []
    tree_info: list[int] = []
    indptr = [0]
    for part in parts:
        forest = part["learner"]["gradient_booster"]["model"]
        indptr += [indptr[-1] + step for step in forest["iteration_indptr"][1:]]
        tree_info += forest["tree_info"]
        trees += [_rescale(tree, share) for tree in forest["trees"]]
    for i, tree in enumerate(trees):
        tree["id"] = i
    model = merged["learner"]["gradient_booster"]["model"]
    model.update(trees=trees, tree_info=tree_info, iteration_indptr=indptr)
    model["gbtree_model_param"]["num_trees"] = str(len(trees))
    base = np.atleast_1d(_declared_start(start)).tolist()
    merged["learner"]["learner_model_param"]["base_score"] = json.dumps(base)
    booster = xgb.Booster()
    booster.load_model(bytearray(json.dumps(merged), "utf-8"))
    return booster


def _rescale(tree: dict[str, Any], share: np.float32) -> dict[str, Any]:
    # A leaf keeps its value where an inner node keeps its split.
    leaf = np.asarray(tree["left_children"]) == -1
    values = np.asarray(tree["split_conditions"], dtype=np.float32)
    values[leaf] *= share
    tree["split_conditions"] = values.tolist()
    tree["base_weights"] = (np.asarray(tree["base_weights"], np.float32) * share).tolist()
    return tree


class Bins:
    """A table binned once, from which boosters on parts of its rows are made.

    Rows that are held out have weight zero, which is exactly as if they were absent, while one
    quantised matrix serves every part. A small part gets a matrix of its own with the same bins.
    """

    def __init__(
        self,
        X: Any,  # noqa: ANN401  an ndarray or a SciPy matrix
        y: NDArray[Any],
        weight: NDArray[Any] | None,
        *,
        categorical: Sequence[int],
        feature_names: Sequence[str],
        params: Mapping[str, Any],
    ) -> None:
        many = "num_class" in params
        self._params = {
            **params,
            "objective": "multi:softprob" if many else "binary:logistic",
            "disable_default_eval_metric": 1,
        }
        self._X = X
        self._y = as_float32(y)
        self._weight = None if weight is None else as_float32(weight)
        types = ["c" if i in set(categorical) else "q" for i in range(X.shape[1])]
        self._options = {
            "feature_names": list(feature_names),
            "feature_types": types,
            "enable_categorical": True,
            "nthread": params.get("nthread"),
        }
        # Weights would move the bins: they stay with the objective.
        self._dmatrix = _quantised(X, self._y, max_bin=params.get("max_bin", 256), **self._options)

    def external(
        self,
        X: Any,
        y: NDArray[Any],
        weight: NDArray[Any] | None,
    ) -> xgb.DMatrix:
        """Return further rows, cut with the same bins."""
        del weight
        return _quantised(X, as_float32(y), ref=self._dmatrix, **self._options)

    def member(
        self,
        loss: Loss,
        start: NDArray[np.float64],
        train: NDArray[np.intp] | None,
        held_out: NDArray[np.intp] | xgb.DMatrix | None,
        params: Mapping[str, Any],
    ) -> Member:
        """Return a booster for the rows ``train`` (None: all), watched on ``held_out``.

        ``params`` go before those of the bins.
        """
        params = {**self._params, **params, "base_score": _declared_start(start)}
        if train is not None and train.size < SMALL_SHARE * self._y.size:
            if isinstance(held_out, np.ndarray):
                held_out = self._copy_of(held_out)
            weight = None if self._weight is None else self._weight[train]
            return Member(
                loss, params, self._copy_of(train), _Rows(self._y[train], weight), held_out
            )
        weight = self._weight
        if train is not None:
            # How often each row is there: drawn with replacement, more than once.
            weight = np.bincount(train, minlength=self._y.size).astype(np.float32)
            if self._weight is not None:
                weight *= self._weight
        return Member(loss, params, self._dmatrix, _Rows(self._y, weight), held_out)

    def _copy_of(self, rows: NDArray[np.intp]) -> xgb.DMatrix:
        rows = np.sort(rows)
        return self.external(self._X[rows], self._y[rows], None)


def _declared_start(start: NDArray[np.float64]) -> float | list[float]:
    """Return ``start`` as XGBoost's ``base_score``: on its probability scale for one score."""
    return float(expit(start[0])) if start.size == 1 else [float(s) for s in start]


def _quantised(X: Any, y: Float32Array, **options: Any) -> xgb.QuantileDMatrix:  # noqa: ANN401
    try:
        return xgb.QuantileDMatrix(X, y, **options)
    except xgb.core.XGBoostError as error:
        if "value too large" not in str(error):
            raise
        msg = "X must hold numbers below 3.4e38 in size: XGBoost keeps them as float32. Scale them."
        raise InvalidDataError(msg) from None


class Member:
    """One booster in training, and the raw scores of the rows that are held out from it."""

    def __init__(
        self,
        loss: Loss,
        params: Mapping[str, Any],
        dmatrix: xgb.DMatrix,
        rows: _Rows,
        held_out: NDArray[np.intp] | xgb.DMatrix | None,
    ) -> None:
        self._loss = loss
        self._rows = rows
        self._dmatrix = dmatrix
        self._held_out = held_out
        shape = (rows.y.size,) if loss.n_outputs == 1 else (rows.y.size, loss.n_outputs)
        self._buffers = (np.empty(shape, np.float32), np.empty(shape, np.float32))
        watched = [held_out] if isinstance(held_out, xgb.DMatrix) else []
        self.booster = xgb.Booster(dict(params), cache=[dmatrix, *watched])

    def update(self) -> None:
        """Add the trees of one round."""
        self.booster.update(self._dmatrix, self.booster.num_boosted_rounds(), fobj=self._objective)

    def _objective(
        self, predt: NDArray[np.float32], _: xgb.DMatrix
    ) -> tuple[Float32Array, Float32Array]:
        return self._loss.gradient_curvature(
            self._rows.y, predt, self._rows.weight, out=self._buffers
        )

    def held_out(self) -> NDArray[np.float32]:
        """Return the raw scores of the held-out rows, in rising order of row."""
        if isinstance(self._held_out, xgb.DMatrix):
            return self.booster.predict(self._held_out, output_margin=True)
        scores = self.booster.predict(self._dmatrix, output_margin=True)
        return scores if self._held_out is None else scores[np.sort(self._held_out)]

    def model(self, n_rounds: int) -> bytes:
        """Return the first ``n_rounds`` rounds as JSON."""
        return bytes(self.booster[:n_rounds].save_raw("json"))


def fit_plain_classifier(
    X: NDArray[Any],
    y: NDArray[Any],
    categorical: Sequence[int],
    **params: Any,  # noqa: ANN401  XGBoost's own
) -> tuple[xgb.XGBClassifier, int]:
    """Return XGBoost's own fitted classifier and its rounds, to compare with.

    ``categorical`` are the positions of columns with whole numbers for categories.
    """
    types = ["c" if i in set(categorical) else "q" for i in range(X.shape[1])]
    classifier = xgb.XGBClassifier(feature_types=types, enable_categorical=True, **params)
    classifier.fit(X, y)
    return classifier, int(classifier.get_booster().num_boosted_rounds())


def raw_score(booster: xgb.Booster, X: Any, n_threads: int) -> NDArray[np.float64]:  # noqa: ANN401
    """Return the raw scores of ``X``, shape (n,) or (n, K)."""
    booster.set_param({"nthread": n_threads})
    scores = booster.inplace_predict(X, predict_type="margin", validate_features=False)
    return np.asarray(scores, dtype=np.float64)


def prepare_thread() -> None:
    """Do nothing: XGBoost's log level is part of a booster."""


def feature_gains(booster: xgb.Booster) -> NDArray[np.float64]:
    """Return the total gain of each feature."""
    gains = booster.get_score(importance_type="total_gain")
    names = booster.feature_names or []
    return np.array([gains.get(name, 0.0) for name in names], dtype=np.float64)
