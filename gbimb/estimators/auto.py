"""A table in, a decision rule out."""

from __future__ import annotations

from dataclasses import astuple
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gbimb.constraints import check_constraints
from gbimb.decisions.rules import Costs
from gbimb.estimators.decision import DecidingClassifier
from gbimb.estimators.fitted import all_or_nothing, check_is_fitted, shown
from gbimb.estimators.lgbm import ImbalancedLGBMClassifier
from gbimb.estimators.xgb import ImbalancedXGBClassifier
from gbimb.exceptions import InvalidParameterError, InvalidTypeError, warn
from gbimb.log import logger
from gbimb.model.model import AveragedModel, make_rule, to_raw
from gbimb.model.states import AUTO, with_model
from gbimb.parallel import resolve_jobs, thread_limit
from gbimb.tables.encoder import learn_columns
from gbimb.tables.labelled import LabelledTable
from gbimb.tables.parquet.source import ParquetSource
from gbimb.tables.schema import Schema
from gbimb.training.bagging.average import averaged_task
from gbimb.training.checkpoint import open_checkpoint
from gbimb.training.copies import find_copies
from gbimb.training.held_out.plan import make_plan
from gbimb.training.search.compare import compare, mix
from gbimb.training.search.cross_fit import CrossFitter
from gbimb.training.search.leaderboard import Effect, effects, explain, leaderboard
from gbimb.training.search.objective import CostObjective, SearchObjective, make_objective
from gbimb.training.search.progress import progress
from gbimb.training.search.search import Clock, TrialResult
from gbimb.training.seed import draw_seed
from gbimb.training.tasks import is_balanced

if TYPE_CHECKING:
    import os

    from numpy.typing import ArrayLike

    from gbimb.array_types import FloatArray, TableLike
    from gbimb.decisions.rules import Rule

BOOSTERS: Final = (ImbalancedLGBMClassifier, ImbalancedXGBClassifier)
STREAMED: Final = (
    "X must be a table in memory, for each candidate looks at its rows again, got a ParquetSource. "
    "Read it with pandas.read_parquet, or give it to another estimator: those stream it."
)


class AutoImbalancedClassifier(DecidingClassifier):
    """Searches losses, weights, sampling, trees, engines and forests, and blends what does best.

    Every candidate is cross-fitted on the same folds. First come the guesses that pay most
    often, then what Optuna proposes from the results; candidates that lag behind are given up
    early. The blend minimises the log loss of the held-out rows over weights of the candidates;
    its decision rule serves ``metric`` on the same rows. The cross-fitted models are the final
    ones: nothing is trained again, except on tables of more than 50,000 rows, where the search
    is on a part, and the best three are then trained on all rows; so are the next best until the
    time is up, unless ``n_trials`` decides.

    Parameters
    ----------
    metric : str or array of shape (K, K), default="mcc"
        What to serve: "mcc", "f1", "fbeta:2", "balanced_accuracy", "average_precision",
        "recall at precision >= 0.9", ...; or costs, where row i, column j holds the cost of
        predicting class j for a row of class i, in the order of ``classes_``.
    engine : "auto", "lightgbm" or "xgboost", default="auto"
        "auto" is both, and scikit-learn's forests where there are two classes and up to 40,000
        rows that are no sparse matrix.
    time_budget : float or None, default=60
        Seconds for ``fit``; None leaves the end to ``n_trials``.
    n_trials : int or None, default=None
        Number of candidates; None leaves the end to ``time_budget``. The result depends on the
        speed of the machine unless ``n_trials`` decides.
    pos_label : label or None, default=None
        Of two labels, the positive one; None is the rarer one.
    checkpoint_path : str, path or None, default=None
        A folder in which ``fit`` keeps each candidate that is done, and goes on from. It needs a
        number for ``random_state``. The time budget begins anew.
    random_state : int, RandomState or None, default=None
    n_jobs : int or None, default=None
        Threads; None is all.
    verbose : int, default=0
        1 shows a progress bar on standard error.

    Attributes
    ----------
    classes_, pos_label_, threshold_, class_weights_, n_features_in_, feature_names_in_
        As in the boosting estimators. ``class_weights_`` are not used with costs.
    members_ : list of fitted estimators
        A forest is kept as a LightGBM model under :class:`~gbimb.losses.BrierLoss`.
    weights_ : float64 array of shape (number of members,)
        Of their probabilities; sum 1.
    leaderboard_ : DataFrame
        A row for each candidate, best first; ``score`` is higher for better.
    best_score_ : float
        That of the blend, on held-out rows.
    validation_ : str
        Which rows were held out, and why.
    feature_importances_ : float64 array of shape (n_features,)
        Weighted mean over the members.

    References
    ----------
    T. Akiba et al. Optuna: a next-generation hyperparameter optimization framework. KDD 2019.
    P. Geurts, D. Ernst, L. Wehenkel. Extremely randomized trees. 2006.
    R. Caruana et al. Ensemble selection from libraries of models. ICML 2004.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(1000, 4))
    >>> y = X[:, 0] + rng.normal(size=1000) > 2.2
    >>> clf = AutoImbalancedClassifier(time_budget=None, n_trials=2, random_state=0).fit(X, y)
    >>> len(clf.leaderboard_)
    2
    >>> clf.predict_proba(X).shape
    (1000, 2)
    """

    def __init__(
        self,
        metric: str | ArrayLike = "mcc",
        *,
        engine: str = "auto",
        time_budget: float | None = 60,
        n_trials: int | None = None,
        pos_label: object = None,
        checkpoint_path: str | os.PathLike[str] | None = None,
        random_state: Any = None,  # int or RandomState
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> None:
        self.metric = metric
        self.engine = engine
        self.time_budget = time_budget
        self.n_trials = n_trials
        self.pos_label = pos_label
        self.checkpoint_path = checkpoint_path
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose

    def fit(
        self,
        X: TableLike,
        y: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> AutoImbalancedClassifier:
        """Search, and blend what does best.

        An interrupt (Ctrl-C) ends the search; the candidates so far are blended. Of more than
        50,000 rows the best are trained on all rows first, which a second one ends.

        Parameters
        ----------
        X : array, sparse matrix or data frame of shape (n, n_features)
        y : array of shape (n,)
            Two labels or more, of any kind.
        sample_weight : array of shape (n,), optional
            Weights, >= 0. They count in the losses, the scores and the decision rule. A whole
            weight is as many rows; with a mean below 1 they are a scale, brought to a mean of 1.

        Returns
        -------
        self

        Raises
        ------
        GbimbError
            If an argument cannot be used; also a ValueError or a TypeError.
        """
        with all_or_nothing(self):
            self._check_parameters()
            if isinstance(X, ParquetSource):
                raise InvalidTypeError(STREAMED)
            clock = Clock(self.time_budget)
            rows = LabelledTable.read(self, X, y, sample_weight, self.pos_label)
            rows = rows.with_weight(self.pos_label)
            labels, weight = rows.labels, rows.weight
            labels.require_all_classes()
            classes = labels.classes
            objective = make_objective(self.metric, classes.size, swap=classes.swapped)
            seed = draw_seed(self.random_state)
            encoder, encoded = learn_columns(rows.table, labels.codes, weight)
            schema = Schema.of(self, encoder)
            copies = find_copies(encoded, labels.codes)
            groups = None if copies is None else copies.groups
            plan = make_plan("auto", labels.codes, seed, groups)
            if copies is not None:
                copies.warn_of_folds(classes.labels, plan.splits, (), encoded)
            checkpoint = open_checkpoint(self, encoded, labels.codes, weight)
            threads = resolve_jobs(self.n_jobs)
            with (
                thread_limit(threads),
                progress(self.time_budget, self.n_trials, self.verbose) as show,
            ):
                whole = CrossFitter(
                    {each.engine_name: each for each in BOOSTERS},
                    schema,
                    encoded,
                    labels,
                    weight,
                    plan,
                    seed,
                    threads,
                    checkpoint,
                    groups=groups,
                )
                compared = compare(whole, self.engine, objective, clock, self.n_trials, show)
                fitter, results = compared.fitter, compared.results
                model, shares = blend(fitter, results, objective)
            self._finish(model, results, shares, seed)
            on = "all rows" if fitter is whole else "a part"
            self.leaderboard_ = leaderboard(results, shares, compared.before, on)
            logger.info("automatic choice: %s %.4f", objective.name, self.best_score_)
        return self

    model_: AveragedModel

    saved_as = AUTO
    weights_ = shown("weights")
    best_score_ = shown("score")
    validation_ = shown("validation")

    def explain_choice(self) -> str:
        """Return in words what was chosen, and what helped on this table and what did not."""
        check_is_fitted(self)
        found = [Effect(*effect) for effect in self.effects_]
        return explain(self.metric, self.validation_, self.leaderboard_, self.best_score_, found)

    def _finish(
        self, model: AveragedModel, results: list[TrialResult], shares: FloatArray, seed: int
    ) -> None:
        """Set what was fitted."""
        self.model_, self.seed_ = model, seed
        fitted = [t.fitted for t in results if t.fitted]
        self.members_ = [
            with_model(fitted[i].candidate.estimator, fitted[i].model)
            for i in np.flatnonzero(shares)
        ]
        self.effects_ = [astuple(effect) for effect in effects(results)]
        if not self.feature_importances_.any():
            msg = (
                "The trees of no candidate have a split, so every row gets the same probability. "
                "There may be no signal in X."
            )
            warn(msg)

    def _check_parameters(self) -> None:
        check_constraints(self, self.saved_as.parameters)
        if self.time_budget is None and self.n_trials is None:
            msg = (
                "Give time_budget (seconds) or n_trials, got None for both: the search has no end."
            )
            raise InvalidParameterError(msg)


def blend(
    fitter: CrossFitter, results: list[TrialResult], objective: SearchObjective
) -> tuple[AveragedModel, FloatArray]:
    """Return the recalibrated mean of the candidates, with its rule, and their weights in it."""
    fitted = [t.fitted for t in results if t.fitted]
    classes = fitter.labels.classes
    task = averaged_task(classes.size, "mcc", "auto")
    rule: Rule = make_rule(task.undecided(), classes)
    correction, score = task.no_correction(), float("nan")
    y, weight = fitter.y, fitter.held_out_weight
    shares = np.full(len(fitted), 1.0 / len(fitted))
    if y.size:
        shares = mix(results, fitter)
        proba: Any = sum(w * f.proba for w, f in zip(shares, fitted, strict=True) if w)
        raw = to_raw(proba)
        correction = task.correct(y, raw, weight)
        corrected = task.link.probability(correction.apply(raw))
        if objective.name != "mcc" or not is_balanced(y, weight, classes.size):
            rule = make_rule(objective.decide(y, corrected, weight, fitter.seed), classes)
        score = objective.score(y, corrected, weight)
    if isinstance(objective, CostObjective) and classes.size > 2:
        rule = Costs(objective.costs)
    kept = np.flatnonzero(shares)
    members = tuple(fitted[i].model for i in kept)
    gains: Any = [member.importances for member in members]
    model = AveragedModel(
        schema=fitter.schema,
        classes=classes,
        link=task.link,
        calibrator=None,
        rule=rule,
        importances=np.average(gains, axis=0, weights=shares[kept]),
        validation=fitter.reason,
        score=score,
        members=members,
        weights=shares[kept],
        correction=correction,
    )
    return model, shares
