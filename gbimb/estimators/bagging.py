"""Bags of undersampled rows, their probabilities averaged and made true."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sklearn.utils import get_tags

from gbimb.estimators.bag_checks import check_parameters
from gbimb.estimators.decision import DecidingClassifier
from gbimb.estimators.fitted import all_or_nothing, shown
from gbimb.model.states import BAGGING

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from numpy.typing import ArrayLike
    from sklearn.utils import Tags

    from gbimb.training.tasks import Task


class UnderBaggingClassifier(DecidingClassifier):
    """Classifiers trained on bags that keep the rare classes and draw from the common ones.

    Each bag holds all rows of the rarest class and as many of the others as ``sampling_strategy``
    says. Where a class is kept whole, a fifth, in turn, of each class of which a bag draws more
    than half is left out to judge the bag. The probabilities of the bags are freed from the shift
    that the drawing causes, averaged, and recalibrated on rows out of the bags; the threshold is
    chosen on those rows, too.

    Parameters
    ----------
    estimator : classifier or None, default=None
        One of gbimb's estimators (None: ``ImbalancedLGBMClassifier()``), for which the table is
        binned once and each bag is stopped early on rows out of it (``cv`` stays at "auto",
        ``random_state`` and ``n_jobs`` are those given here); or any scikit-learn classifier
        with ``predict_proba``.
    n_estimators : int, default=10
        Number of bags.
    sampling_strategy : float, "auto" or dict, default="auto"
        Up to 1, rows of the rarest class for each row of another (imbalanced-learn's meaning);
        above 1, rows of another class for each row of the rarest; "auto" is 1, but at least
        5,000 rows of a class that has them. A dict gives the number of rows of each label.
    replacement : bool, default=False
        Draw rows independently. Otherwise the bags together cover the common classes as evenly
        as can be.
    sampling : {"random", "self_paced"}, default="random"
        "self_paced" draws by how hard rows are for the bags so far (Liu et al. 2020), one bag
        after the other; undoing the shift is then an approximation that the recalibration mends.
    eval_metric : str or sequence of one str, default="mcc"
        What the threshold serves and ``oob_score_`` reports. Not several names as in the boosting
        estimators, for nothing is reported round by round.
    threshold : "auto", metric name, rule or float, default="auto"
    confidence : float or None, default=None
        As in the boosting estimators.
    calibration : {"platt", "isotonic", "beta"} or None, default="platt"
        How the probabilities are made to fit the rows out of the bags, as in the boosting
        estimators (there it stays "platt").
    warm_start : bool, default=False
        Keep the bags of the last fit and add those that ``n_estimators`` lacks, of the same rows.
        Random bags are then those of one longer fit.
    checkpoint_path : str, path or None, default=None
        A folder in which ``fit`` keeps each bag that is done, and goes on from. Needs one of
        gbimb's estimators in the bags, and a number for ``random_state``.
    random_state : int, RandomState or None, default=None
        Seed of the bags and of all that is in them; the result does not depend on ``n_jobs``.
    n_jobs : int or None, default=None
        Threads; None is all. Bags run side by side.
    verbose : int, default=0
        Passed on to joblib.

    Attributes
    ----------
    classes_, pos_label_, threshold_, guarantee_, class_weights_, n_features_in_, feature_names_in_
        As in the boosting estimators.
    estimators_ : list of fitted classifiers
        gbimb's own give the probabilities in the data, others those in their bag.
    estimators_samples_ : list of intp arrays
        Rows that trained each of them.
    oob_score_ : float
        ``eval_metric`` of the decision on rows out of the bags, with ``groups`` by thresholds that
        other groups chose; NaN where there were none.
    validation_ : str
        Which rows judged the bags.
    oob_proba_ : float64 array of shape (n, K)
        Probabilities of the training rows from every fifth bag, where it did not train on them:
        the mean over as many bags for rows of all classes. NaN for rows without one. Of larger
        tables 200,000 rows of the common classes are judged.
    feature_importances_ : array of shape (n_features,)
        Mean over the bags, where they have some.

    References
    ----------
    B. C. Wallace, K. Small, C. E. Brodley, T. A. Trikalinos. Class imbalance, redux. 2011.
    doi:10.1109/ICDM.2011.33.
    Z. Liu et al. Self-paced ensemble for highly imbalanced massive data classification. 2020.
    arXiv:1909.03500.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(3000, 4))
    >>> y = X[:, 0] + rng.normal(size=3000) > 2.8
    >>> clf = UnderBaggingClassifier(n_estimators=5, random_state=0).fit(X, y)
    >>> len(clf.estimators_)
    5
    >>> bool(abs(clf.predict_proba(X)[:, 1].mean() / y.mean() - 1) < 0.2)
    True
    """

    def __init__(
        self,
        estimator: Any = None,  # any classifier
        n_estimators: int = 10,
        *,
        sampling_strategy: float | str | dict[Any, int] = "auto",
        replacement: bool = False,
        sampling: str = "random",
        eval_metric: str | Sequence[str] = "mcc",
        threshold: float | str = "auto",
        confidence: float | None = None,
        calibration: str | None = "platt",
        warm_start: bool = False,
        checkpoint_path: str | os.PathLike[str] | None = None,
        random_state: Any = None,  # int or RandomState
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> None:
        self.estimator = estimator
        self.n_estimators = n_estimators
        self.sampling_strategy = sampling_strategy
        self.replacement = replacement
        self.sampling = sampling
        self.eval_metric = eval_metric
        self.threshold = threshold
        self.confidence = confidence
        self.calibration = calibration
        self.warm_start = warm_start
        self.checkpoint_path = checkpoint_path
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose

    def fit(
        self,
        X: Any,  # any table
        y: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        *,
        groups: ArrayLike | None = None,
        time: ArrayLike | None = None,
    ) -> UnderBaggingClassifier:
        """Draw the bags and train a classifier on each.

        Parameters
        ----------
        X : array, sparse matrix, data frame of shape (n, n_features) or ParquetSource
            Of a source, the labels and weights are columns of its own, and only rows that are
            in a bag or judged are kept in memory.
        y : array of shape (n,), optional
            Two labels or more, of any kind.
        sample_weight : array of shape (n,), optional
            Weights, >= 0. Rows are drawn without regard to them; they count in the training of
            each bag, the probabilities and the threshold. A whole weight is as many rows; with a
            mean below 1 they are a scale, and are brought to a mean of 1.
        groups : array of shape (n,), optional
            Equal for rows that belong together: no group judges a bag that trained on another of
            its rows. A row whose group is missing is a group of its own.
        time : array of shape (n,), optional
            Numbers or dates. The newest fifth of the rows judges the bags, trained on earlier
            rows; then each bag is trained again, as many rounds, on rows of all times.

        Returns
        -------
        self

        Raises
        ------
        GbimbError
            If an argument cannot be used; also a ValueError or a TypeError.
        """
        from gbimb.estimators.fits.bagging import fit

        with all_or_nothing(self):
            self._check_parameters()
            fit(self, X, y, sample_weight, groups=groups, time=time)
        return self

    saved_as = BAGGING
    oob_score_ = shown("score")
    validation_ = shown("validation")

    def __sklearn_tags__(self) -> Tags:
        """Say what the estimator in the bags accepts."""
        tags = super().__sklearn_tags__()
        if hasattr(self.estimator, "__sklearn_tags__"):
            accepted = get_tags(self.estimator).input_tags
            tags.input_tags.allow_nan = accepted.allow_nan
            tags.input_tags.sparse = accepted.sparse
        return tags

    def _decider(self) -> Task:
        from gbimb.estimators.fits.bagging import task_of

        return task_of(self, self.model_.classes.size)

    def _check_parameters(self) -> None:
        check_parameters(self)
