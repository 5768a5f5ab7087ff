"""The classifier to use first: a fixed portfolio of unlike members."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gbimb.estimators.blends.base import BlendedClassifier
from gbimb.exceptions import InvalidParameterError
from gbimb.model.states import PORTFOLIO

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from gbimb.tables.parquet.source import ParquetSource
    from gbimb.training.objectives.base import SearchObjective
    from gbimb.training.search.compare import Compared
    from gbimb.training.search.cross_fit import CrossFitter
    from gbimb.training.search.search import Clock, Report


class ImbalancedClassifier(BlendedClassifier):
    """For imbalanced classes, two or more: a fixed portfolio of unlike members, blended.

    Without search and without a clock, so that it is the same model on every machine. Of two
    classes, large and random trees of LightGBM, small ones that also see differences and ratios of
    the six strongest columns, trees of XGBoost and a forest of extremely randomised trees are
    cross-fitted on the same folds; of more, a booster of each engine and a forest. The blend
    minimises the log loss of the held-out rows over the members' weights, drawn towards equal ones;
    its probabilities are recalibrated, and one decision rule serves ``metric``, on the same rows.

    The size of the table decides: up to 50,000 rows all members, the forest up to 40,000 rows
    (20,000 of more than two classes) that are no sparse matrix; above that one booster of each
    engine, above two million rows and for a ParquetSource LightGBM alone, watched on one row in
    five.

    Parameters
    ----------
    metric : str or array of shape (K, K), default="mcc"
        What to serve: "mcc", "f1", "fbeta:2", "balanced_accuracy", "average_precision",
        "recall at precision >= 0.9", ...; "cost" with ``cost_fp`` and ``cost_fn`` of each row in
        ``fit``; or costs, where row i, column j holds the cost of predicting class j for a row of
        class i, in the order of ``classes_``.
    threshold : "auto", metric name, rule or float, default="auto"
        "auto" serves ``metric``; anything else is as in the boosting estimators, such as the rule
        "precision >= 0.9".
    confidence : float or None, default=None
        As in the boosting estimators.
    estimators : list of (str, classifier), optional
        Classifiers of other packages to add, such as ``[("catboost", CatBoostClassifier())]``.
        Each has ``predict_proba``; a clone is trained on every fold, on the table as given,
        and blended and recalibrated like the other members. A model file cannot hold them.
    pos_label : label or None, default=None
        Of two labels, the positive one; None is the rarer one.
    checkpoint_path : str, path or None, default=None
        A folder in which ``fit`` keeps each member that is done, and goes on from. It needs a
        number for ``random_state``.
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
        Those with a weight. A forest is kept as a LightGBM model under
        :class:`~gbimb.losses.BrierLoss` or :class:`~gbimb.losses.MulticlassBrierLoss`.
    weights_ : float64 array of shape (number of members,)
        Of their probabilities; sum 1.
    leaderboard_ : DataFrame
        A row for each member trained, best first; ``score`` is higher for better.
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
    P. Geurts, D. Ernst, L. Wehenkel. Extremely randomized trees. 2006.
    D. H. Wolpert. Stacked generalization. 1992.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(1000, 4))
    >>> y = X[:, 0] + rng.normal(size=1000) > 2.2
    >>> clf = ImbalancedClassifier(random_state=0).fit(X, y)
    >>> clf.predict_proba(X).shape
    (1000, 2)
    >>> len(clf.leaderboard_)
    5
    """

    def __init__(
        self,
        metric: str | ArrayLike = "mcc",
        *,
        threshold: float | str = "auto",
        confidence: float | None = None,
        estimators: Sequence[tuple[str, Any]] | None = None,
        pos_label: object = None,
        checkpoint_path: str | os.PathLike[str] | None = None,
        random_state: Any = None,  # int or RandomState
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> None:
        self.metric = metric
        self.threshold = threshold
        self.confidence = confidence
        self.estimators = estimators
        self.pos_label = pos_label
        self.checkpoint_path = checkpoint_path
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose

    saved_as = PORTFOLIO

    def _fit_streamed(self, X: ParquetSource, y: Any, sample_weight: Any) -> None:
        """Train LightGBM on a source that is read piece by piece."""
        if self.estimators:
            msg = (
                "estimators need a table in memory, got a ParquetSource as X. Leave them out, "
                "or read it with pandas.read_parquet."
            )
            raise InvalidParameterError(msg)
        from gbimb.estimators.fits.blends import fit_streamed

        fit_streamed(self, X, y, sample_weight)

    def _expected_end(self) -> tuple[float | None, int | None]:
        return None, None

    def _train(
        self, fitter: CrossFitter, objective: SearchObjective, clock: Clock, report: Report
    ) -> Compared:
        from gbimb.training.search.compare import train_portfolio

        return train_portfolio(fitter, objective, clock, report)
