"""The portfolio on Dask: a booster of each engine, trained by all workers, and their blend."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from time import perf_counter
from typing import TYPE_CHECKING, Any

from sklearn.utils.validation import validate_data

from gbimb.dask._cluster import find_client
from gbimb.dask._estimator import (
    DaskPredictions,
    has_area,
    local_parameters,
    refuse_checkpoints,
)
from gbimb.dask._fit import fit_model, score_all
from gbimb.dask._pieces import as_collection, meta_of, split_dependent
from gbimb.dask._prepared import (
    ClusterTable,
    encode_all,
    hold_out_rules,
    holds_out,
    warn_of_copies,
)
from gbimb.dask._summary import Labels
from gbimb.decisions.rules import RowCosts
from gbimb.estimators import ImbalancedClassifier
from gbimb.estimators.fits.blends import BOOSTERS, finish
from gbimb.estimators.fitted import all_or_nothing
from gbimb.estimators.row_costs import refuse_costs_beside_source, serves_costs
from gbimb.exceptions import InvalidParameterError
from gbimb.tables.parquet.source import ParquetSource
from gbimb.training.objectives.named import check_metric, make_objective
from gbimb.training.recipe import Recipe
from gbimb.training.search.blend import blend
from gbimb.training.search.candidate import CrossFitted, JudgedRows
from gbimb.training.search.compare import shared_parameters, without_comparison
from gbimb.training.search.progress import progress
from gbimb.training.search.search import FINISHED, TrialResult
from gbimb.training.search.space import ENGINES, Space
from gbimb.training.seed import draw_seed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dask.delayed import Delayed
    from distributed import Client
    from numpy.typing import ArrayLike

    from gbimb.array_types import FloatArray
    from gbimb.dask._fit import ClusterFit
    from gbimb.dask._prepared import Split
    from gbimb.tables.schema import Schema
    from gbimb.training.objectives.base import SearchObjective


@dataclass(frozen=True, eq=False)
class MemberFits:
    """Trains members on one table, with the same rows held out of each.

    Attributes
    ----------
    client : Client
    labels : Labels
    schema : Schema
        With what all rows hold.
    splits : dict of bool to Split
        The pieces as engines take them, by whether zeros of a sparse matrix are missing values.
    seed : int
    reason : str
        Which rows are held out, and why.
    again : bool
        Whether these are trained on in the end, too.
    """

    client: Client
    labels: Labels
    schema: Schema
    splits: Mapping[bool, Split]
    seed: int
    reason: str
    again: bool

    @classmethod
    def of(
        cls,
        client: Client,
        table: ClusterTable,
        labels: Labels,
        recipes: Sequence[Recipe],
        seed: int,
        *,
        reason: str,
        hold_out: bool,
        by: str | None,
    ) -> MemberFits:
        """Encode the pieces where they are, once for all members that take them alike."""
        rules, held = hold_out_rules(client, table, labels, seed=seed, hold_out=hold_out, by=by)
        splits: dict[bool, Split] = {}
        seen = []
        for recipe in recipes:
            if recipe.zero_is_missing not in splits:
                splits[recipe.zero_is_missing], known = encode_all(
                    client, recipe, table, labels, None, seed=seed, rules=rules, held=held
                )
                seen.append(known.schema)
        if hold_out and by is None:
            warn_of_copies(client, next(iter(splits.values())).train, labels)
        return cls(client, labels, seen[0], splits, seed, reason, hold_out and by == "time")

    def fit(self, recipe: Recipe) -> tuple[ClusterFit, JudgedRows, FloatArray]:
        """Return a member, the rows that it did not see, and its probabilities of them."""
        recipe = recipe.with_encoder(self.schema.encoder)
        split, n_jobs = self.splits[recipe.zero_is_missing], recipe.parameters.n_jobs
        fit = fit_model(
            self.client,
            recipe,
            recipe.task(recipe.loss(self.labels.codes, self.labels.totals)),
            split,
            self.labels.kept.sum(axis=1),
            seed=self.seed,
            n_jobs=n_jobs,
            reason=self.reason,
            again=self.again,
        )
        rows, proba, costs, groups = score_all(self.client, split, fit.judge, self.seed, n_jobs)
        judged = JudgedRows(
            self.schema,
            self.labels.classes,
            rows.y,
            rows.weight,
            self.reason,
            self.seed,
            None if costs is None else RowCosts(costs[:, 0], costs[:, 1], 1),
            groups,
        )
        return fit, judged, proba


class DaskImbalancedClassifier(DaskPredictions, ImbalancedClassifier):
    """What to use first on a Dask cluster: a booster of each engine, blended.

    The boosters of :class:`~gbimb.ImbalancedClassifier`, each trained by all workers on the rows
    that they have, as in :class:`DaskImbalancedXGBClassifier`, with the same rows held out. Their
    blend, its recalibration and the one decision rule for ``metric`` come from these rows, as in
    the local estimator, whose model this is.

    Parameters
    ----------
    client : distributed.Client or None, default=None
        None is the client made last.
    **parameters
        Those of :class:`~gbimb.ImbalancedClassifier`, with the same meaning, except:
        ``estimators`` and ``checkpoint_path`` are None, and ``n_jobs`` are threads of each
        worker, None those that Dask gives it.

    Attributes
    ----------
    classes_, members_, weights_, threshold_, leaderboard_, validation_, ...
        As in the local estimator.
    n_workers_ : int
        Workers that took part.
    bytes_per_round_ : float
        What a worker sent off for metrics and sums of the loss, on average over the rounds of
        the member that sent most.

    Notes
    -----
    There are no forests, which want all rows in one place. Up to 50,000 rows there are two members
    of LightGBM (two classes only) and one of XGBoost, above that one of each, however many rows
    there are. One row in five is held out, once: there is no cross-fitting. With ``time`` each
    member is trained on the newest fifth, too, in the end. Members stop on ``metric``, or on the
    log loss where that is an area, has a bound or is a cost. From 1,000 rows on each tree draws
    four rows in five of every worker, so that the model depends a little on which worker has which
    rows. The client gets the probabilities of the held-out rows: all of them up to 500,000 of a
    class, otherwise as many drawn at random.

    Examples
    --------
    >>> import dask.array as da, numpy as np, distributed
    >>> from gbimb.dask import DaskImbalancedClassifier
    >>> rng = np.random.default_rng(0)
    >>> X = da.from_array(rng.normal(size=(4000, 5)), chunks=(1000, 5))
    >>> y = (X[:, 0] > 1.8).astype(int)
    >>> with distributed.Client(n_workers=2) as client:    # doctest: +SKIP
    ...     clf = DaskImbalancedClassifier(random_state=0).fit(X, y)
    ...     print(clf.explain_choice())
    ...     clf.predict_proba(X).compute().shape
    (4000, 2)
    """

    _local_class = ImbalancedClassifier
    client: Client | None

    @local_parameters(ImbalancedClassifier)
    def __init__(
        self, metric: str | ArrayLike = "mcc", *, client: Client | None = None, **parameters: Any
    ) -> None:
        super().__init__(metric, **parameters)
        self.client = client

    def fit(
        self,
        X: Any,
        y: Any = None,
        sample_weight: Any = None,
        *,
        groups: Any = None,
        time: Any = None,
        cost_fp: Any = None,
        cost_fn: Any = None,
    ) -> DaskImbalancedClassifier:
        """Train each member on all workers that have rows of ``X``, and blend them.

        Parameters
        ----------
        X : Dask DataFrame, Dask Array or ParquetSource
            Rows may lie on workers in any order; a partition may lack a class or rows.
        y : Dask Series or Array with the partitions of X
            Of a source, the labels and weights are columns of its own.
        sample_weight : Dask Series or Array, optional
        groups : Dask Series or Array with the partitions of X, optional
            Equal for rows that belong together: about one group in five is held out whole.
        time : Dask Series or Array with the partitions of X, optional
            Numbers or dates: about the newest fifth of the rows is held out, and then trained on,
            too, for as many rounds.
        cost_fp, cost_fn : float, Dask Series or Array with the partitions of X, optional
            Both with ``metric="cost"``, as in the local estimator; not beside a source.

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
            if isinstance(X, ParquetSource):
                refuse_costs_beside_source(self.metric, cost_fp, cost_fn)
            costs = {"cost_fp": cost_fp, "cost_fn": cost_fn}
            client = find_client(self.client)
            with client.as_current():
                pieces, by = split_dependent(X, y, sample_weight, groups, time, **costs)
                self._fit(client, meta_of(as_collection(X)), pieces, by, costs)
        return self

    def _fit(
        self,
        client: Client,
        meta: Any,
        pieces: list[Delayed],
        by: str | None,
        costs: Mapping[str, object],
    ) -> None:
        validate_data(self, meta, reset=True, skip_check_array=True)
        table = ClusterTable.load(client, pieces, "y")
        labels = Labels.of(table.summaries, self.pos_label)
        classes = labels.classes
        serves_costs(self.metric, classes.size, **costs)  # or refuses
        objective = make_objective(self.metric, classes.size, swap=classes.swapped)
        hold_out, reason = holds_out(labels, "auto", by)
        schema = table.schema(self)
        space = self._space(labels, schema, objective)
        choices = space.portfolio() if hold_out else without_comparison(space, reason)
        candidates = [space.candidate(choice) for choice in choices]
        recipes = []
        for one in candidates:
            validate_data(one.estimator, meta, reset=True, skip_check_array=True)
            recipe = Recipe.make(one.estimator, schema, classes, is_sparse=table.is_sparse)
            recipes.append(replace(recipe, ordered=one.ordered))
        members = MemberFits.of(
            client,
            table,
            labels,
            recipes,
            draw_seed(self.random_state),
            reason=reason,
            hold_out=hold_out,
            by=by,
        )
        del table, pieces
        fits: list[ClusterFit] = []
        results: list[TrialResult] = []
        with progress(None, len(choices), self.verbose) as show:
            for choice, candidate, recipe in zip(choices, candidates, recipes, strict=True):
                began = perf_counter()
                fit, judged, proba = members.fit(recipe)
                fitted = CrossFitted(candidate, fit.model, proba)
                scores, score, loss = judged.judge(fitted, objective)
                seconds = perf_counter() - began
                results.append(
                    TrialResult(candidate, choice, FINISHED, score, loss, seconds, fitted, scores)
                )
                show(results[-1])
                fits.append(fit)
        model, shares = blend(judged, results, objective, self.threshold, self.confidence)
        finish(self, model, results, shares, members.seed)
        self.n_workers_ = max(fit.n_workers for fit in fits)
        self.bytes_per_round_ = max(fit.bytes_per_round for fit in fits)

    def _space(self, labels: Labels, schema: Schema, objective: SearchObjective) -> Space:
        """Return the members that suit the table, both engines however many rows there are."""
        n_classes = labels.classes.size
        watched = "log_loss" if has_area(objective.watched) else objective.watched
        return Space(
            engines=ENGINES,
            rows=int(labels.kept.sum()),
            classes=n_classes,
            class_weights={"none": None},
            has_categories=bool(schema.encoder.categorical),
            has_pairs=False,
            fixed=shared_parameters(watched, n_classes, self.n_jobs),
            make={each.engine_name: each for each in BOOSTERS},
            most_rows_of_two=math.inf,
        )

    def _check_parameters(self) -> None:
        super()._check_parameters()
        refuse_checkpoints(self)
        check_metric(self.metric)
        if self.estimators:
            names = [name for name, _ in self.estimators]
            msg = (
                f"estimators must be None on Dask, got {names}: they want all rows in one place. "
                "Leave them out, or fit ImbalancedClassifier on one machine."
            )
            raise InvalidParameterError(msg)
