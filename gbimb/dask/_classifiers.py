"""The two boosting estimators on Dask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sklearn.utils.validation import validate_data

from gbimb.dask._cluster import find_client
from gbimb.dask._estimator import (
    DaskPredictions,
    local_parameters,
    refuse_areas,
    refuse_checkpoints,
)
from gbimb.dask._fit import fit_model
from gbimb.dask._pieces import as_collection, meta_of, split, split_dependent
from gbimb.dask._prepared import (
    ClusterTable,
    encode_all,
    hold_out_rules,
    holds_out,
    warn_of_copies,
)
from gbimb.dask._summary import Labels
from gbimb.estimators import ImbalancedLGBMClassifier, ImbalancedXGBClassifier
from gbimb.estimators.base import BaseImbalancedClassifier
from gbimb.estimators.base_checks import one_validation_set, refuse_beside, warn_if_nothing_learned
from gbimb.estimators.fitted import all_or_nothing
from gbimb.exceptions import InvalidParameterError
from gbimb.training.loss import make_loss
from gbimb.training.recipe import Recipe
from gbimb.training.seed import draw_seed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dask.delayed import Delayed
    from distributed import Client

HOLD_OUTS = ("auto", "holdout")


class DaskClassifier(DaskPredictions, BaseImbalancedClassifier):
    """What is the same for both engines: everything but the local estimator."""

    def fit(
        self,
        X: Any,
        y: Any = None,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
        eval_set: Sequence[tuple[Any, Any]] | None = None,
        groups: Any = None,
        time: Any = None,
    ) -> DaskClassifier:
        """Train on all workers that have rows of ``X``.

        Parameters
        ----------
        X : Dask DataFrame, Dask Array or ParquetSource
            Rows may lie on workers in any order; a partition may lack a class or rows.
        y : Dask Series or Array with the partitions of X
            Of a source, the labels and weights are columns of its own.
        sample_weight : Dask Series or Array, optional
        X_val, y_val, sample_weight_val : optional
            Rows for early stopping and the threshold, of the same kinds.
        eval_set : list with one pair, optional
            ``[(X_val, y_val)]``, another way to give the same.
        groups : Dask Series or Array with the partitions of X, optional
            Equal for rows that belong together: about one group in five is held out whole.
        time : Dask Series or Array with the partitions of X, optional
            Numbers or dates: about the newest fifth of the rows is held out, and then trained on,
            too, for as many rounds. There is one part of the past, all of it.

        Returns
        -------
        self

        Raises
        ------
        ClusterError
            If a worker dies during training or the scheduler goes away.
        GbimbError
            If an argument cannot be used; also a ValueError or a TypeError.
        """
        with all_or_nothing(self):
            self._check_parameters()
            client = find_client(self.client)
            given = one_validation_set(X_val, y_val, sample_weight_val, eval_set)
            with client.as_current():
                pieces, by = split_dependent(X, y, sample_weight, groups, time)
                if by is not None and given is not None:
                    refuse_beside(by, "X_val")
                self._fit(client, X, pieces, given, by)
            warn_if_nothing_learned(self)
        return self

    def _fit(
        self,
        client: Client,
        X: Any,
        pieces: list[Delayed],
        given: tuple[Any, Any, Any] | None,
        by: str | None,
    ) -> None:
        watched = split(*given, "_val") if given is not None else []
        meta = meta_of(as_collection(X))
        table = ClusterTable.load(client, pieces, "y")
        labels = Labels.of(table.summaries, self.pos_label)
        validation = None
        if given is not None:
            validation = ClusterTable.load(client, watched, "y_val")
        local = self._untrained()
        validate_data(local, meta, reset=True, skip_check_array=True)
        loss = make_loss(local, labels.codes, labels.totals)
        recipe = Recipe.make(local, table.schema(local), labels.classes, is_sparse=table.is_sparse)
        task = recipe.task(loss)  # refuses what cannot be before rows move
        hold_out, reason = self._holds_out(labels, given=given is not None, by=by)
        seed = draw_seed(self.random_state)
        rules, held = hold_out_rules(client, table, labels, seed=seed, hold_out=hold_out, by=by)
        parts, recipe = encode_all(
            client, recipe, table, labels, validation, seed=seed, rules=rules, held=held
        )
        if hold_out and by is None:
            warn_of_copies(client, parts.train, labels)
        del table, validation, pieces, watched
        fit = fit_model(
            client,
            recipe,
            task,
            parts,
            labels.kept.sum(axis=1),
            seed=seed,
            n_jobs=self.n_jobs,
            reason=reason,
            again=hold_out and by == "time",
            grouped=hold_out and by == "groups",
        )
        validate_data(self, meta, reset=True, skip_check_array=True)
        self.model_ = fit.model
        self.n_workers_, self.bytes_per_round_ = fit.n_workers, fit.bytes_per_round

    def _holds_out(self, labels: Labels, *, given: bool, by: str | None) -> tuple[bool, str]:
        """Return whether rows are held out of ``X``, and which are."""
        if not given:
            return holds_out(labels, self.cv, by)
        if self.cv not in ("auto", None):
            msg = f"Give either X_val and y_val to fit or cv, got both (cv={self.cv!r})."
            raise InvalidParameterError(msg)
        return False, "the validation rows given to fit"

    def _check_parameters(self) -> None:
        super()._check_parameters()
        refuse_checkpoints(self)
        if self.cv is not None and not (isinstance(self.cv, str) and self.cv in HOLD_OUTS):
            msg = (
                f"cv must be 'auto', 'holdout' or None on Dask, got {self.cv!r}: a distributed "
                "table has no row numbers to fold. Leave cv at 'auto' (one row in five is held "
                "out), give X_val and y_val, or fold on one machine with "
                f"{self._local_class.__name__}."
            )
            raise InvalidParameterError(msg)
        refuse_areas(self.eval_metric)


class DaskImbalancedXGBClassifier(DaskClassifier, ImbalancedXGBClassifier):
    """XGBoost for imbalanced classes on a Dask cluster.

    The rows stay on their workers. All of them train one model with exact gradients of the whole
    training set, watch MCC and F1 over the held-out rows of all workers, stop at the same round,
    and give a model like that of :class:`~gbimb.ImbalancedXGBClassifier` on the same rows.

    Parameters
    ----------
    client : distributed.Client or None, default=None
        None is the client made last.
    **parameters
        Those of :class:`~gbimb.ImbalancedXGBClassifier`, with the same meaning, except:
        ``cv`` is "auto" or "holdout" (one row in five of each class is held out) or None, as
        folds want the numbers of rows; small tables get one member, too;
        ``eval_metric`` takes scores from counts and proper scores, not "average_precision" or
        "roc_auc"; ``n_jobs`` are threads of each worker, None those that Dask gives it.

    Attributes
    ----------
    classes_, booster_, threshold_, evals_result_, ...
        As in the local estimator.
    n_workers_ : int
        Workers that took part.
    bytes_per_round_ : float
        What a worker sent off for metrics and sums of the loss, on average over rounds.

    Notes
    -----
    Bins are cut from up to 400,000 rows, drawn in proportion from all partitions. Up to that
    many rows (and 33 million values), with ``subsample=1`` and the same rows held out (``X_val``),
    raw scores are those of the local estimator, up to rounding; with ``max_depth`` given up to
    20,000 rows, where the local one averages two members. Threshold and calibration are
    chosen by the client from the held-out scores: all of them up to 500,000 of a class, otherwise
    as many drawn at random.

    Examples
    --------
    >>> import dask.array as da, numpy as np, distributed
    >>> from gbimb.dask import DaskImbalancedXGBClassifier
    >>> rng = np.random.default_rng(0)
    >>> X = da.from_array(rng.normal(size=(4000, 5)), chunks=(1000, 5))
    >>> y = (X[:, 0] > 1.8).astype(int)
    >>> with distributed.Client(n_workers=2) as client:    # doctest: +SKIP
    ...     clf = DaskImbalancedXGBClassifier(random_state=0).fit(X, y)
    ...     clf.predict_proba(X).compute().shape
    (4000, 2)
    """

    _local_class = ImbalancedXGBClassifier

    @local_parameters(ImbalancedXGBClassifier)
    def __init__(self, *, client: Client | None = None, **parameters: Any) -> None:
        super().__init__(**parameters)
        self.client = client


class DaskImbalancedLGBMClassifier(DaskClassifier, ImbalancedLGBMClassifier):
    """LightGBM for imbalanced classes on a Dask cluster.

    As :class:`DaskImbalancedXGBClassifier`, with the parameters of
    :class:`~gbimb.ImbalancedLGBMClassifier`.

    Parameters
    ----------
    client : distributed.Client or None, default=None
    **parameters
        Those of :class:`~gbimb.ImbalancedLGBMClassifier`, with the exceptions named in
        :class:`DaskImbalancedXGBClassifier`.

    Notes
    -----
    All workers use bins that are cut from the same 200,000 rows, drawn in proportion from all
    partitions, however the rows lie. (LightGBM's own distributed training cuts each feature on
    one worker, from the rows there.) The rows of a leaf, which ``min_child_samples`` counts, are
    estimated from their share in the curvature; between machines the estimate starts at the root,
    locally at the parent. So trees differ in places, and MCC by less than 0.005 on 80,000 rows.
    ``min_child_samples=0`` is 1.
    """

    _local_class = ImbalancedLGBMClassifier

    @local_parameters(ImbalancedLGBMClassifier)
    def __init__(self, *, client: Client | None = None, **parameters: Any) -> None:
        super().__init__(**parameters)
        self.client = client
