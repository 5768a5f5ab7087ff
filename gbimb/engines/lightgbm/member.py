"""A booster in training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import lightgbm as lgb
import numpy as np

from gbimb.engines.lightgbm.models import trees_of, with_trees
from gbimb.engines.lightgbm.native import Objective
from gbimb.parallel import run_ranges

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from gbimb.array_types import Float32Array
    from gbimb.losses import Loss


class Member:
    """One booster in training, and the raw scores of the rows that are held out from it.

    The start is added to what the booster gives: as ``init_score`` of a Dataset it would take
    as much memory as the raw scores. Held out are all rows of ``valid``, or its ``rows``.
    """

    def __init__(
        self,
        objective: Objective,
        start: NDArray[np.float64],
        train_set: lgb.Dataset,
        valid: lgb.Dataset | None,
        params: Mapping[str, Any],
        *,
        rows: NDArray[np.intp] | None = None,
    ) -> None:
        self._objective = objective
        self._start = start
        self.booster = lgb.Booster(dict(params), train_set)
        self._rows = rows
        self._held_out: NDArray[np.float64] | None = None
        self._before: list[str] = []  # trees of a checkpoint
        self._idle = 0  # rounds that only moved LightGBM's generators on
        if valid is not None:
            self.booster.add_valid(valid, "valid")

    def update(self) -> None:
        """Add the trees of one round."""
        self.booster.update(fobj=self._gradients)

    def _gradients(
        self, preds: NDArray[np.float64], dataset: lgb.Dataset
    ) -> tuple[Float32Array, Float32Array]:
        def add_start(first: int, stop: int) -> None:
            preds[first:stop] += self._start  # LightGBM fills it anew for every call

        run_ranges(add_start, len(preds))
        return self._objective(preds, dataset)

    def held_out(self) -> NDArray[np.float64]:
        """Return the raw scores of the held-out rows, rising by row, until the next call."""
        self.booster.eval_valid(self._read_scores)
        assert self._held_out is not None
        return self._held_out

    def _read_scores(self, preds: NDArray[np.float64], _: lgb.Dataset) -> tuple[str, float, bool]:
        held_out = preds if self._rows is None else preds[self._rows]
        self._held_out = held_out + self._start
        return "raw_score", 0.0, True

    def replay(self, model: str, rounds: int) -> None:
        """Take the trees of ``model``, and do as many rounds without a gradient."""
        nothing: Any = np.zeros((self.booster.train_set.num_data(), len(self._start)), np.float32)
        nothing = nothing.ravel()
        for _ in range(rounds):
            self.booster.update(fobj=lambda *_: (nothing, nothing))
        self._before = trees_of(model)
        self._idle = self.booster.current_iteration()

    def go_on(self, loss: Loss, n_rounds: int) -> None:
        """Keep the first ``n_rounds`` rounds only, and train further ones with ``loss``."""
        for _ in range(self.booster.current_iteration() - n_rounds):
            self.booster.rollback_one_iter()
        self._objective = Objective(loss)

    def model(self, n_rounds: int) -> str:
        """Return the first ``n_rounds`` rounds as text."""
        if not self._before:
            return self.booster.model_to_string(num_iteration=n_rounds)
        model = self.booster.model_to_string()
        each = len(self._start)
        trees = self._before + trees_of(model)[self._idle * each :]
        return with_trees(model, trees[: n_rounds * each])
