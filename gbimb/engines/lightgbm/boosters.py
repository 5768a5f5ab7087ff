"""One binned table, and boosters on parts of it: what the estimators use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import lightgbm as lgb
import numpy as np

from gbimb.engines.histograms import (
    ENTRY_BYTES,
    LEAVES,
    WIDE_ROWS_IN_BIN,
    is_wide,
    leaf_bytes,
    pool_bytes,
)
from gbimb.engines.lightgbm.member import Member
from gbimb.engines.lightgbm.models import as_matrix, sum_of_trees
from gbimb.engines.lightgbm.native import Objective, synonyms
from gbimb.engines.parameters import max_bin
from gbimb.exceptions import InvalidParameterError
from gbimb.parallel import ENGINE_LIMITS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from gbimb.array_types import Matrix, RowStream
    from gbimb.losses import Loss

LISTENS = True
SAMPLE_ROWS = 200_000

# LightGBM's own defaults.
MAX_BIN = 255
FEWEST_IN_LEAF = 20

_LIBRARY: Any = vars(lgb.basic)["_LIB"]
ENGINE_LIMITS.append(lambda: _LIBRARY.LGBM_SetMaxThreads(1))

RANDOM_BY_TREE = {
    "data_sample_strategy",
    "extra_trees",
    "feature_fraction_bynode",
    "use_quantized_grad",
}

MODELS_ARE_BYTES = False

EngineError: type[Exception] = lgb.basic.LightGBMError
"""What LightGBM raises."""


class Bins:
    """A table binned once, from which boosters on parts of its rows are made."""

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
        leaves = max(LEAVES, int(params.get("num_leaves", LEAVES)))
        wide = is_wide(X, max_bin(params, MAX_BIN), leaves)
        self._watch_whole = wide
        self._params = {
            "min_data_in_bin": WIDE_ROWS_IN_BIN if wide else 1,
            **params,
            "objective": "none",
            "metric": "None",
            "feature_pre_filter": wide,
        }
        self._X = X
        options: dict[str, Any] = {
            "label": y,
            "weight": weight,
            "categorical_feature": list(categorical),
            "feature_name": list(feature_names),
        }
        self._fewest = int(params.get("min_data_in_leaf", FEWEST_IN_LEAF))
        self._dataset = _construct(as_matrix(X), {**self._params}, options)
        while wide and self._fewest > 1 and not _n_bins(self._dataset):
            self._fewest //= 2  # no column can be split: LightGBM wants one all the same
            lower = {**self._params, "min_data_in_leaf": self._fewest}
            self._dataset = _construct(as_matrix(X), lower, options)
        if wide:
            pool = _pool_megabytes(self._dataset, X, leaves)
            self._params = {"histogram_pool_size": pool, **self._params}

    def external(
        self,
        X: Matrix,
        y: NDArray[Any],
        weight: NDArray[Any] | None,
    ) -> lgb.Dataset:
        """Return further rows, cut with the same bins."""
        dataset = self._dataset.create_valid(
            as_matrix(X), label=y, weight=weight, params=self._params
        ).construct()
        dataset.label = y  # rather than a copy
        return dataset

    def member(
        self,
        loss: Loss,
        start: NDArray[np.float64],
        train: NDArray[np.intp] | None,
        held_out: NDArray[np.intp] | lgb.Dataset | None,
        params: Mapping[str, Any],
    ) -> Member:
        """Return a booster for the rows ``train`` (None: all), watched on ``held_out``.

        ``params`` go before those of the bins.
        """
        self._use_threads_of(params)
        train_set = self._whole() if train is None else self._subset(train)
        if not isinstance(held_out, np.ndarray):
            rows, valid = None, held_out
        elif self._watch_whole:  # columns of a data set take more here than its rows
            rows, valid = np.sort(held_out), self._whole()
        else:
            rows, valid = None, self._subset(held_out)
        return Member(Objective(loss), start, train_set, valid, self._with(params), rows=rows)

    def _with(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return the parameters of a member.

        Where columns without a split were left out of the bins, leaves are as large as these took
        them to be: LightGBM refuses smaller ones.
        """
        options = {**self._params, **params}
        if self._params["feature_pre_filter"]:
            given = options.get("min_data_in_leaf", FEWEST_IN_LEAF)
            options["min_data_in_leaf"] = max(self._fewest, given)
        return options

    def restored(
        self,
        loss: Loss,
        start: NDArray[np.float64],
        train: NDArray[np.intp] | None,
        held_out: NDArray[np.intp] | lgb.Dataset | None,
        params: Mapping[str, Any],
        *,
        model: str,
        rounds: int,
        held_out_matrix: Matrix | None,
    ) -> Member:
        """Return the member whose first ``rounds`` rounds are ``model``, as if it trained them.

        The raw scores of the rounds become the ``init_score`` of its rows. LightGBM's generators
        are brought to where they were by as many rounds without a gradient, which grow nothing.
        """
        self._use_threads_of(params)
        saved = lgb.Booster(model_str=model)
        threads = int({**self._params, **params}.get("num_threads", 0))

        def begin(dataset: lgb.Dataset, matrix: Matrix) -> lgb.Dataset:
            dataset.set_init_score(sum_of_trees(saved, matrix, threads))
            return dataset

        rows = None if train is None else np.sort(train)
        train_set = begin(
            self._subset(np.arange(self._dataset.num_data()) if rows is None else rows),
            self._X if rows is None else self._X[rows],
        )
        valid = None
        if isinstance(held_out, np.ndarray):
            valid = begin(self._subset(held_out), self._X[np.sort(held_out)])
        elif held_out is not None:
            valid = begin(held_out, held_out_matrix)
        member = Member(Objective(loss), start, train_set, valid, self._with(params))
        member.replay(model, rounds)
        return member

    def _use_threads_of(self, params: Mapping[str, Any]) -> None:
        """Take subsets with as many threads as will train on them.

        LightGBM has one number for the whole process. Where a subset raises it while another
        member is at work with fewer, that one writes beyond its buffers.
        """
        if "num_threads" in params:
            known = self._dataset.params or {}
            self._dataset.params = {**known, "num_threads": params["num_threads"]}

    def member_on(  # noqa: PLR0917  as the Protocol has it
        self,
        loss: Loss,
        start: NDArray[np.float64],
        X: Matrix,
        y: NDArray[Any],
        weight: NDArray[Any] | None,
        held_out: lgb.Dataset | None,
        join: Callable[[], Mapping[str, Any]],
    ) -> Member:
        """Return a booster for other rows than those that the bins were cut from.

        ``join`` meets the other processes and returns parameters; it is called when nothing is
        left that may fail in this one only.
        """
        train_set = self.external(X, y, weight)
        options = {**self._params, **join()}
        # Between machines rows of a leaf are estimated, and LightGBM fails at a leaf with none.
        options["min_data_in_leaf"] = max(1, options["min_data_in_leaf"])
        return Member(Objective(loss), start, train_set, held_out, options)

    def _whole(self) -> lgb.Dataset:
        return self._dataset

    def _subset(self, rows: NDArray[np.intp]) -> lgb.Dataset:
        rising: Any = np.sort(rows)  # annotated as a list of int, which boxes every row
        part = self._dataset.subset(rising).construct()
        part.feature_name = self._dataset.feature_name  # rather than names of its own
        return part


def _construct(X: Any, params: dict[str, Any], options: Mapping[str, Any]) -> lgb.Dataset:
    return lgb.Dataset(X, params=params, **options).construct()


def _n_bins(dataset: lgb.Dataset) -> int:
    """Return the number of bins of the columns that may be split."""
    return sum(dataset.feature_num_bin(i) for i in range(dataset.num_feature()))


def _pool_megabytes(dataset: lgb.Dataset, X: Matrix, leaves: int) -> float:
    """Return the ``histogram_pool_size`` of one of several boosters on a wide table.

    LightGBM takes entries alone for the size of a histogram.
    """
    n_bins = max(1, _n_bins(dataset))
    used = sum(dataset.feature_num_bin(i) > 0 for i in range(dataset.num_feature()))
    leaf = leaf_bytes(n_bins, used)
    return ENTRY_BYTES * n_bins / leaf * pool_bytes(X, leaf, leaves) / (1 << 20)


class StreamedBins(Bins):
    """Bins of a table that is not held in memory.

    They are cut from a sample; a part is read and binned when a member asks for it.
    """

    def __init__(
        self,
        X: RowStream,
        y: NDArray[Any],
        weight: NDArray[Any] | None,
        **options: Any,  # those of Bins
    ) -> None:
        sample = X.sample()
        super().__init__(sample, np.zeros(len(sample), np.float32), None, **options)
        self._X, self._y, self._weight = X, y, weight
        self._watch_whole = False

    def _whole(self) -> lgb.Dataset:
        return self.external(self._X, self._y, self._weight)

    def _subset(self, rows: NDArray[np.intp]) -> lgb.Dataset:
        weight = None if self._weight is None else self._weight[rows]
        return self.external(self._X[rows], self._y[rows], weight)


def check_resumable(params: Mapping[str, Any]) -> None:
    """Refuse parameters under which LightGBM's generators depend on the trees grown."""
    for name in params:
        if synonyms(name) & RANDOM_BY_TREE or name in RANDOM_BY_TREE:
            msg = (
                f"engine_params must not hold {name!r} beside checkpoint_path: what it draws "
                "cannot be brought back. Leave one of them out."
            )
            raise InvalidParameterError(msg)


def training_bytes(n_rows: int, n_features: int, n_outputs: int) -> int:
    """Estimate the memory that training on a stream takes at its peak."""
    # Of a row: a byte for each value; labels, weights, row numbers and reordered gradients; for
    # each raw score itself, its start, the copy that Python sees and two derivatives.
    return n_rows * (n_features + 30 + 32 * n_outputs) + 300_000_000


def prepare_thread() -> None:
    """Silence LightGBM in this thread: its log level belongs to a thread."""
    lgb.Dataset(np.zeros((1, 1)), params={"verbosity": -1}).construct()
