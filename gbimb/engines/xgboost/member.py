"""A booster in training."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import xgboost as xgb

from gbimb.engines.xgboost.models import forest_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from gbimb.array_types import Float32Array
    from gbimb.engines.xgboost.native import DMatrixRows
    from gbimb.losses import Loss


class Columns(NamedTuple):
    """Names and types of the columns, as a model keeps them."""

    names: list[str]
    types: list[str]


class Member:
    """One booster in training, and the raw scores of the rows that are held out from it."""

    def __init__(
        self,
        loss: Loss,
        params: Mapping[str, Any],
        dmatrix: xgb.DMatrix,
        rows: DMatrixRows,
        held_out: NDArray[np.intp] | xgb.DMatrix | None,
        *,
        columns: Columns,
    ) -> None:
        self._loss = loss
        self._columns = columns
        self._rows = rows
        self._dmatrix = dmatrix
        self._before: list[Any] = []  # trees of a checkpoint, in the place of empty ones
        self._held_out = np.sort(held_out) if isinstance(held_out, np.ndarray) else held_out
        shape = (rows.y.size,) if loss.n_outputs == 1 else (rows.y.size, loss.n_outputs)
        self._buffers = (np.empty(shape, np.float32), np.empty(shape, np.float32))
        watched = [held_out] if isinstance(held_out, xgb.DMatrix) else []
        self.booster = xgb.Booster(_with_numbers(params, columns.names), cache=[dmatrix, *watched])
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
        self._before = forest_of(json.loads(model))["trees"]

    def model(self, n_rounds: int) -> bytes:
        """Return the first ``n_rounds`` rounds as JSON."""
        booster = self.booster[:n_rounds]
        booster.feature_names, booster.feature_types = self._columns
        raw = bytes(booster.save_raw("json"))
        if not self._before:
            return raw
        model = json.loads(raw)
        trees = forest_of(model)["trees"]
        there = min(len(trees), len(self._before))
        trees[:there] = self._before[:there]
        return json.dumps(model).encode()


def _with_numbers(params: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Return parameters whose columns are numbers, by place: XGBoost would look for names."""
    params = dict(params)
    groups = params.get("interaction_constraints")
    if groups is not None and not isinstance(groups, str):
        params["interaction_constraints"] = str([[int(c) for c in g] for g in groups])
    directions = params.get("monotone_constraints")
    if isinstance(directions, dict):
        params["monotone_constraints"] = tuple(directions.get(name, 0) for name in names)
    return params
