"""Boosters on parts of one quantised table, merged into one: what the estimators use."""

from __future__ import annotations

import json
from threading import Lock
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
import xgboost as xgb

from gbimb._typing import RowStream
from gbimb._validation import as_float32
from gbimb.exceptions import InvalidDataError, InvalidParameterError
from gbimb.xgboost._native import Rows, declared_start

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from gbimb._typing import Float32Array, Matrix
    from gbimb.losses import Loss

# Whether a distributed booster needs a port on each machine.
LISTENS = False

# Rows that are enough to cut bins from, where not all are in one place.
SAMPLE_ROWS = 400_000

# Below this share of the rows a matrix of their own is worth its memory.
SMALL_SHARE = 0.5


def merge(
    models: Sequence[bytes],
    slope: float,
    start: NDArray[np.float64],
    weights: Sequence[float] | None = None,
) -> xgb.Booster:
    """Return one booster with the raw score ``slope * mean + start``.

    Parameters
    ----------
    models : sequence of bytes
        Boosters as JSON (``save_raw("json")``), all trained on the same columns. The mean is
        over the sums of their trees.
    slope : float
    start : float64 array of shape (number of raw scores,)
        Becomes the ``base_score`` of the booster.
    weights : sequence of float, optional
        Of the models in the mean, with sum 1; equal ones by default.
    """
    parts = [json.loads(model) for model in models]
    merged = parts[0]
    shares = [1.0 / len(parts)] * len(parts) if weights is None else weights
    trees: list[dict[str, Any]] = []
    tree_info: list[int] = []
    indptr = [0]
    for part, weight in zip(parts, shares, strict=True):
        forest = _forest(part)
        indptr += [indptr[-1] + step for step in forest["iteration_indptr"][1:]]
        tree_info += forest["tree_info"]
        trees += [_rescale(tree, np.float32(slope * weight)) for tree in forest["trees"]]
    for i, tree in enumerate(trees):
        tree["id"] = i
    model = _forest(merged)
    model.update(trees=trees, tree_info=tree_info, iteration_indptr=indptr)
    model["gbtree_model_param"]["num_trees"] = str(len(trees))
    base = np.atleast_1d(declared_start(start)).tolist()
    merged["learner"]["learner_model_param"]["base_score"] = json.dumps(base)
    booster = xgb.Booster()
    booster.load_model(bytearray(json.dumps(merged), "utf-8"))
    return booster


def _forest(model: dict[str, Any]) -> dict[str, Any]:
    """Return the part of a model that holds the trees."""
    forest: dict[str, Any] = model["learner"]["gradient_booster"]["model"]
    return forest


def _rescale(tree: dict[str, Any], share: np.float32) -> dict[str, Any]:
    # A leaf keeps its value where an inner node keeps its split.
    leaf = np.asarray(tree["left_children"]) == -1
    values = np.asarray(tree["split_conditions"], dtype=np.float32)
    values[leaf] *= share
    tree["split_conditions"] = values.tolist()
    tree["base_weights"] = (np.asarray(tree["base_weights"], np.float32) * share).tolist()
    return tree


RANDOM_BY_TREE = {"colsample_bylevel", "colsample_bynode"}

MODELS_ARE_BYTES = True

EngineError = xgb.core.XGBoostError
"""What XGBoost raises."""


class Bins:
    """A table binned once, from which boosters on parts of its rows are made.

    Rows that are held out have weight zero, which is exactly as if they were absent, while one
    quantised matrix serves every part. A small part gets a matrix of its own with the same bins.
    """

    def __init__(
        self,
        X: Matrix,
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
        X: Matrix,
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
        *,
        dmatrix: xgb.DMatrix | None = None,
    ) -> Member:
        """Return a booster for the rows ``train`` (None: all), watched on ``held_out``.

        ``params`` go before those of the bins; ``dmatrix`` are all rows, if not the bins' own.
        """
        params = {**self._params, **params, "base_score": declared_start(start)}
        if dmatrix is None and train is not None and train.size < SMALL_SHARE * self._y.size:
            if isinstance(held_out, np.ndarray):
                held_out = self._copy_of(held_out)
            weight = None if self._weight is None else self._weight[train]
            return Member(
                loss, params, self._copy_of(train), Rows(self._y[train], weight), held_out
            )
        weight = self._weight
        if train is not None:
            # How often each row is there: drawn with replacement, more than once.
            weight = np.bincount(train, minlength=self._y.size).astype(np.float32)
            if self._weight is not None:
                weight *= self._weight
        return Member(loss, params, dmatrix or self._dmatrix, Rows(self._y, weight), held_out)

    def restored(
        self,
        loss: Loss,
        start: NDArray[np.float64],
        train: NDArray[np.intp] | None,
        held_out: NDArray[np.intp] | xgb.DMatrix | None,
        params: Mapping[str, Any],
        *,
        model: str,
        rounds: int,
        held_out_matrix: Matrix | None,
    ) -> Member:
        """Return the member whose first ``rounds`` rounds are ``model``, as if it trained them.

        The margins of the rounds become the ``base_margin`` of its rows. XGBoost's sampler of
        columns is brought to where it was by as many rounds without a gradient.
        """
        del held_out_matrix
        saved = xgb.Booster({"nthread": self._params.get("nthread")})
        saved.load_model(bytearray(model, "utf-8"))
        own = self.external(self._X, self._y, None)  # other members have other margins
        for dmatrix in (own, held_out):
            if isinstance(dmatrix, xgb.DMatrix):
                dmatrix.set_base_margin(saved.predict(dmatrix, output_margin=True))
        member = self.member(loss, start, train, held_out, params, dmatrix=own)
        member.replay(model, rounds)
        return member

    def member_on(  # noqa: PLR0917
        self,
        loss: Loss,
        start: NDArray[np.float64],
        X: Matrix,
        y: NDArray[Any],
        weight: NDArray[Any] | None,
        held_out: xgb.DMatrix | None,
        params: Mapping[str, Any],
    ) -> Member:
        """Return a booster for other rows than those that the bins were cut from."""
        params = {**self._params, **params, "base_score": declared_start(start)}
        rows = Rows(as_float32(y), None if weight is None else as_float32(weight))
        return Member(loss, params, self.external(X, y, weight), rows, held_out)

    def _copy_of(self, rows: NDArray[np.intp]) -> xgb.DMatrix:
        rows = np.sort(rows)
        return self.external(self._X[rows], self._y[rows], None)


def _with_numbers(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters whose groups of columns are text: in lists XGBoost looks for names."""
    groups = params.get("interaction_constraints")
    if groups is None or isinstance(groups, str):
        return dict(params)
    return {**params, "interaction_constraints": str([[int(c) for c in g] for g in groups])}


class _Batches(xgb.DataIter):
    """A stream of rows as XGBoost reads it, several times over."""

    def __init__(self, X: RowStream, options: Mapping[str, Any]) -> None:
        super().__init__()
        self._X = X
        self._options = options
        self._batches = X.batches()

    def reset(self) -> None:
        """Start anew."""
        self._batches = self._X.batches()

    def next(self, input_data: Callable[..., None]) -> bool:
        """Hand over the next rows."""
        rows = next(self._batches, None)
        if rows is not None:
            input_data(data=rows, **self._options)
        return rows is not None


def _quantised(X: Matrix, y: Float32Array, **options: Any) -> xgb.QuantileDMatrix:  # noqa: ANN401
    try:
        if isinstance(X, RowStream):
            columns = {name: options.pop(name) for name in ("feature_names", "feature_types")}
            return xgb.QuantileDMatrix(_Batches(X, columns), **options)
        return xgb.QuantileDMatrix(X, y, **options)
    except xgb.core.XGBoostError as error:
        if "value too large" not in str(error):
            raise
        msg = "X must hold numbers below 3.4e38 in size: XGBoost keeps them as float32. Scale them."
        raise InvalidDataError(msg) from None


StreamedBins = Bins  # streams are quantised as they come, with bins of all their rows


class Member:
    """One booster in training, and the raw scores of the rows that are held out from it."""

    def __init__(
        self,
        loss: Loss,
        params: Mapping[str, Any],
        dmatrix: xgb.DMatrix,
        rows: Rows,
        held_out: NDArray[np.intp] | xgb.DMatrix | None,
    ) -> None:
        self._loss = loss
        self._rows = rows
        self._dmatrix = dmatrix
        self._before: list[Any] = []  # trees of a checkpoint, in the place of empty ones
        self._held_out = np.sort(held_out) if isinstance(held_out, np.ndarray) else held_out
        shape = (rows.y.size,) if loss.n_outputs == 1 else (rows.y.size, loss.n_outputs)
        self._buffers = (np.empty(shape, np.float32), np.empty(shape, np.float32))
        watched = [held_out] if isinstance(held_out, xgb.DMatrix) else []
        self.booster = xgb.Booster(_with_numbers(params), cache=[dmatrix, *watched])
        self.booster.save_config()  # reads the parameters, which XGBoost would put off

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
        return scores if self._held_out is None else scores[self._held_out]

    def go_on(self, loss: Loss, n_rounds: int) -> None:
        """Keep the first ``n_rounds`` rounds only, and train further ones with ``loss``."""
        self._loss = loss
        if n_rounds < self.booster.num_boosted_rounds():
            self.booster = self.booster[:n_rounds]

    def replay(self, model: str, rounds: int) -> None:
        """Take the trees of ``model``, and do as many rounds without a gradient."""
        for buffer in self._buffers:
            buffer[:] = 0.0
        for i in range(rounds):
            self.booster.update(self._dmatrix, i, fobj=lambda *_: self._buffers)
        self._before = _forest(json.loads(model))["trees"]

    def model(self, n_rounds: int) -> bytes:
        """Return the first ``n_rounds`` rounds as JSON."""
        raw = bytes(self.booster[:n_rounds].save_raw("json"))
        if not self._before:
            return raw
        model = json.loads(raw)
        trees = _forest(model)["trees"]
        there = min(len(trees), len(self._before))
        trees[:there] = self._before[:there]
        return json.dumps(model).encode()


def check_resumable(params: Mapping[str, Any]) -> None:
    """Refuse parameters under which XGBoost's sampler depends on the trees grown."""
    for name in sorted(params.keys() & RANDOM_BY_TREE):
        msg = (
            f"engine_params must not hold {name!r} beside checkpoint_path: what it draws cannot be "
            "brought back. Leave one of them out."
        )
        raise InvalidParameterError(msg)


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


_configuring = Lock()
_threads_of: WeakKeyDictionary[xgb.Booster, int] = WeakKeyDictionary()


def raw_score(booster: xgb.Booster, X: Matrix, n_threads: int) -> NDArray[np.float64]:
    """Return the raw scores of ``X``, shape (n,) or (n, K)."""
    with _configuring:
        if _threads_of.get(booster) != n_threads:
            booster.set_param({"nthread": n_threads})
            # Configures it: otherwise the first prediction would, and threads that predict at
            # once would do so at the same time.
            booster.save_config()
            _threads_of[booster] = n_threads
    scores = booster.inplace_predict(X, predict_type="margin", validate_features=False)
    return np.asarray(scores, dtype=np.float64)


def training_bytes(n_rows: int, n_features: int, n_outputs: int) -> int:
    """Estimate the memory that training on a stream takes at its peak."""
    # Of a row: with missing values four bytes for each value, and one for the copy by column.
    return n_rows * (5 * n_features + 50 + 40 * n_outputs) + 300_000_000


def prepare_thread() -> None:
    """Do nothing: XGBoost's log level is part of a booster."""


def feature_gains(booster: xgb.Booster) -> NDArray[np.float64]:
    """Return the total gain of each feature."""
    gains = booster.get_score(importance_type="total_gain")
    names = booster.feature_names or []
    return np.array([gains.get(name, 0.0) for name in names], dtype=np.float64)
