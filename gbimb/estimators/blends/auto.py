"""The automatic choice: candidates are searched for a given time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gbimb.estimators.blends.base import BlendedClassifier
from gbimb.exceptions import InvalidParameterError
from gbimb.model.states import AUTO

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from gbimb.training.objectives.base import SearchObjective
    from gbimb.training.search.compare import Compared
    from gbimb.training.search.cross_fit import CrossFitter
    from gbimb.training.search.search import Clock, Report


class AutoImbalancedClassifier(BlendedClassifier):
    """Searches losses, weights, sampling, trees, engines and forests, and blends what does best.

    Every candidate is cross-fitted on the same folds. First come the guesses that pay most
    often, then what Optuna proposes from the results; candidates that lag behind are given up
    early. The blend minimises the log loss of the held-out rows over weights of the candidates;
    its decision rule serves ``metric`` on the same rows. The cross-fitted models are the final
    ones: nothing is trained again, except on tables of more than 50,000 rows, where the search
    is on a part, and the best three are then trained on all rows; so are the next best, and further
    candidates, until the time is up, unless ``n_trials`` decides.

    Parameters
    ----------
    metric : str or array of shape (K, K), default="mcc"
        What to serve: "mcc", "f1", "fbeta:2", "balanced_accuracy", "average_precision",
        "recall at precision >= 0.9", ...; "cost" with ``cost_fp`` and ``cost_fn`` of each row in
        ``fit``; or costs, where row i, column j holds the cost of predicting class j for a row of
        class i, in the order of ``classes_``.
    engine : "auto", "lightgbm" or "xgboost", default="auto"
        "auto" is both, and scikit-learn's forests where there are up to 40,000 rows (20,000 of
        more than two classes) that are no sparse matrix.
    threshold : "auto", metric name, rule or float, default="auto"
        "auto" serves ``metric``; anything else is as in the boosting estimators, such as the rule
        "precision >= 0.9".
    confidence : float or None, default=None
        As in the boosting estimators.
    time_budget : float or None, default=60
        Seconds for ``fit``; None leaves the end to ``n_trials``.
    n_trials : int or None, default=None
        Number of candidates; None leaves the end to ``time_budget``. The result depends on the
        speed of the machine unless ``n_trials`` decides.
    estimators : list of (str, classifier), optional
        Classifiers of other packages, with ``predict_proba``, which are candidates beside those of
        ``n_trials``; see :class:`ImbalancedClassifier`.
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
    classes_, pos_label_, threshold_, guarantee_, class_weights_, n_features_in_, feature_names_in_
        As in the boosting estimators. ``class_weights_`` are not used with costs.
    members_ : list of fitted estimators
        A forest is kept as a LightGBM model under :class:`~gbimb.losses.BrierLoss` or
        :class:`~gbimb.losses.MulticlassBrierLoss`.
    weights_ : float64 array of shape (number of members,)
        Of their probabilities; sum 1.
    leaderboard_ : DataFrame
        A row for each candidate, best first; ``score`` is higher for better.
    best_score_ : float
        That of the blend, on held-out rows; with ``groups`` by thresholds chosen on other groups,
        with ``time`` on later blocks, for each of which weights and decision come from the blocks
        before it.
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
        threshold: float | str = "auto",
        confidence: float | None = None,
        time_budget: float | None = 60,
        n_trials: int | None = None,
        estimators: Sequence[tuple[str, Any]] | None = None,
        pos_label: object = None,
        checkpoint_path: str | os.PathLike[str] | None = None,
        random_state: Any = None,  # int or RandomState
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> None:
        self.metric = metric
        self.engine = engine
        self.threshold = threshold
        self.confidence = confidence
        self.time_budget = time_budget
        self.n_trials = n_trials
        self.estimators = estimators
        self.pos_label = pos_label
        self.checkpoint_path = checkpoint_path
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose

    saved_as = AUTO
    _searches = True

    def _expected_end(self) -> tuple[float | None, int | None]:
        return self.time_budget, self.n_trials

    def _train(
        self, fitter: CrossFitter, objective: SearchObjective, clock: Clock, report: Report
    ) -> Compared:
        from gbimb.training.search.compare import compare

        return compare(fitter, objective, clock, report, engine=self.engine, n_trials=self.n_trials)

    def _check_parameters(self) -> None:
        super()._check_parameters()
        if self.time_budget is None and self.n_trials is None:
            msg = (
                "Give time_budget (seconds) or n_trials, got None for both: the search has no end."
            )
            raise InvalidParameterError(msg)
