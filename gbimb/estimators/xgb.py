"""The estimator over XGBoost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gbimb.estimators.base import BaseImbalancedClassifier
from gbimb.model.states import XGBOOST

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from gbimb.losses import BinaryLoss


class ImbalancedXGBClassifier(BaseImbalancedClassifier):
    """XGBoost for imbalanced classes, two or more.

    Trains with a loss made for rare classes, watches MCC and F1 on rows that are held out,
    stops on the first of them, gives probabilities that are true for the data as given, and
    picks the decision threshold on the rows held out.

    Parameters
    ----------
    loss : {"focal", "logistic", "soft_mcc", "soft_f1"} or a loss, default="focal"
        What the trees minimise. The soft ones, for two classes, are one minus a smooth MCC
        or F1 of the whole training set. They start warm: the log loss is trained
        until the first of ``eval_metric`` no longer rises, for at most half of the rounds, and
        they go on from its best round. Where they do not help on the held-out rows, their
        rounds are dropped.
    gamma : float or None, default=None
        Of the focal loss: how much well-classified rows are down-weighted, in [0, 100]; None is 2.
    alpha : float or None, default=None
        Of the focal loss: weight of positives, in (0, 1), against 1 - alpha of negatives.
    scale_pos_weight : float, "balanced", dict or None, default=None
        Weight of positives in the loss; "balanced" gives all classes the same total weight; a
        dict gives the weight of each label. The probabilities stay true.
    pos_label : label or None, default=None
        Of two labels, the positive one; None is the rarer one.
    eval_metric : str or sequence of str, default=("mcc", "f1")
        Reported each round on the held-out rows; the first one stops training. Without a fixed
        threshold (``"mcc@0.5"``), the best value over all thresholds.
    early_stopping_rounds : int or None, default=50
        Rounds without a better moving average (over half as many rounds) before training stops.
        Of the rounds within a standard error of the best, the one with the least log loss is
        kept. A tenth of them is kept at least, on 100 rows or more. The default of
        ``ImbalancedLGBMClassifier`` is 30, where 50 was no better; 30 was not measured here.
    threshold : "auto", metric name, rule or float, default="auto"
        Threshold on the probability of ``pos_label_``. "auto" serves the first of
        ``eval_metric`` (MCC where that is no score from counts; 0.5 where the classes are about
        equally common), a name such as "f1" that score, a rule such as "precision >= 0.9",
        "recall >= 0.8", "fpr <= 0.01" or "alerts <= 0.005" the best recall under it (the best
        precision, if it bounds the recall); a number in [0, 1] is taken as it is.
        For more than two classes, "auto" or the name of the score that the class weights serve.
    confidence : float or None, default=None
        With a rule as ``threshold``, such as "precision >= 0.9": the confidence with which it is
        to hold on new rows (``guarantee_``). None leaves it to hold on average.
    calibration : {"platt", "isotonic", "beta"} or None, default="platt"
        How the probabilities are made to fit the held-out rows, beyond what the loss's own link
        undoes. "platt" is a straight line of the raw score (of more than two classes a shift of
        each), kept in the booster; "isotonic" (for thousands of positives) and "beta" are curves
        of the probability after it.
    cv : "auto", int, "holdout", splitter, iterable of splits or None, default="auto"
        Which rows are held out. An integer k trains k boosters, each without one fold, and
        averages their raw scores in one booster. "auto" cross-fits five folds up to 20,000 rows,
        and up to 200,000 while a second class has fewer than 7,000; it holds out one row in five
        of larger tables, and none below 100 rows or 10 of the second class. Without held-out rows
        the threshold is 0.5, and probabilities are not recalibrated. Copies of the rows of an
        oversampled class are held out together. Of given splits that train on unlike numbers of
        rows, or on the past only (``TimeSeriesSplit``), each booster has the share in the average
        with which it predicts the rows that none trained on; ``validation_`` says how many.
    n_estimators : int, default=1000
        The largest number of rounds; at most 100 where no row is held out. With eight classes or
        more 1,000 stands for 1,500 trees, 83 rounds of 18 classes.
    learning_rate : float or None, default=None
        Shrinkage of each tree. None is 0.1 up to 20,000 rows and 0.2 above under the log loss
        (0.15 for the second member of a blend), and less for a loss whose log odds are steeper:
        0.037 and 0.074 under the focal loss with gamma 2. With eight classes or more it is as
        many times higher as there are fewer rounds, up to 0.3.
    max_depth : int or None, default=None
        Largest depth of a tree. None, up to 20,000 rows of two classes, is a blend of two members:
        small ones of depth 4, and deeper ones of depth 6 that each see 0.6 of the rows and, at
        each node, 0.4 of their columns, averaged with shares fitted on the held-out rows
        (``blend_``); up to 20,000 rows of more classes it is 6, elsewhere, and in bags, 4.
    max_leaves : int, default=0
        Largest number of leaves of a tree; 0 is no limit.
    min_child_weight : float or None, default=None
        Smallest sum of curvature in a leaf. None is 1e-3 (XGBoost's own default of 1 forbids
        leaves of a few rare rows), and 1 for the deeper member of a blend.
    gamma_split : float, default=0.0
        Smallest gain of a split (XGBoost's ``gamma``, which here is the focal loss's).
    subsample : float or None, default=None
        Share of rows that each tree sees. None is 0.8 (0.6 for the deeper member of a blend), and
        1 below 1,000 rows and, where ``max_depth`` is left open, up to 20,000 rows of more than
        two classes.
    colsample_bytree : float or None, default=None
        Share of features that each tree sees. None is 0.5, and 1 where ``max_depth`` is left
        open up to 20,000 rows of more than two classes.
    reg_alpha, reg_lambda : float, default=0.0 and 1.0
        L1 and L2 penalty of leaf values.
    engine_params : dict or None, default=None
        Further XGBoost parameters by their XGBoost names.
        Directions of ``monotone_constraints`` are those of the raw score of ``pos_label_``; of
        more than two classes of every raw score, not of the probabilities.
    checkpoint_path : str, path or None, default=None
        A folder in which ``fit`` keeps what it has trained. Called again after a crash with the
        same rows and parameters, it goes on there, to the same model; ``random_state`` must be a
        number.
    checkpoint_every : int, default=50
        Rounds between two writes to it.
    keep_on_interrupt : bool, default=False
        Whether an interrupt (Ctrl-C) ends training early and keeps the rounds so far.
    random_state : int, RandomState or None, default=None
        Seed of folds, features, rows and the threshold.
    n_jobs : int or None, default=None
        Threads; None is all.
    verbose : int, default=0
        Log the metrics every so many rounds.

    Attributes
    ----------
    classes_ : array of shape (K,)
        The labels, sorted.
    pos_label_ : label or None
        The positive label; None for more than two classes.
    booster_ : xgboost.Booster
        ``booster_.predict`` gives raw scores, of ``pos_label_``, and no probabilities.
    loss_ : FocalLoss, LogisticLoss, ...
    best_iteration_ : int
        Rounds kept, of each booster that was merged (of a blend, of the first member).
    best_score_ : float
        Value of the first metric on the held-out rows, over thresholds the best one; with
        ``groups`` that of decisions by thresholds chosen on other groups, with ``time`` that of
        later blocks, whose decisions come from the blocks before them. NaN where there are none.
    evals_result_ : dict
        ``{"valid": {metric: [value of each round]}}``; further members of a blend have
        keys of their own.
    best_iterations_ : dict
        Rounds kept, by the keys of ``evals_result_``.
    blend_ : dict
        Share of each member of a blend; empty where there is one.
    threshold_ : float
        For two classes: in [0, 1], on the probability of ``pos_label_``.
    guarantee_ : Guarantee or None
        What ``threshold_`` promises of new rows, with ``confidence``.
    class_weights_ : array of shape (K,)
        For more: the class with the largest weighted probability is predicted.
    validation_ : str
        Which rows were held out, and why.
    feature_importances_ : array of shape (n_features,)
        Total gain, scaled to sum 1.
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Notes
    -----
    XGBoost takes the absent entries of a sparse matrix as missing, not as zero. An estimator
    that was fitted on a sparse matrix reads the zeros of a dense one alike.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(2000, 5))
    >>> y = X[:, 0] + rng.normal(size=2000) > 2.8
    >>> clf = ImbalancedXGBClassifier(random_state=0).fit(X, y)
    >>> clf.predict(X).dtype
    dtype('bool')
    """

    saved_as = XGBOOST
    engine_name = "xgboost"

    def __init__(
        self,
        *,
        loss: str | BinaryLoss = "focal",
        gamma: float | None = None,
        alpha: float | None = None,
        scale_pos_weight: float | str | None = None,
        pos_label: object = None,
        eval_metric: str | Sequence[str] = ("mcc", "f1"),
        early_stopping_rounds: int | None = 50,
        threshold: float | str = "auto",
        confidence: float | None = None,
        calibration: str | None = "platt",
        cv: Any = "auto",  # any scikit-learn splitter
        n_estimators: int = 1000,
        learning_rate: float | None = None,
        max_depth: int | None = None,
        max_leaves: int = 0,
        min_child_weight: float | None = None,
        gamma_split: float = 0.0,
        subsample: float | None = None,
        colsample_bytree: float | None = None,
        reg_alpha: float = 0.0,
        reg_lambda: float = 1.0,
        engine_params: dict[str, Any] | None = None,
        checkpoint_path: str | os.PathLike[str] | None = None,
        checkpoint_every: int = 50,
        keep_on_interrupt: bool = False,
        random_state: Any = None,  # int or RandomState
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> None:
        self.loss = loss
        self.gamma = gamma
        self.alpha = alpha
        self.scale_pos_weight = scale_pos_weight
        self.pos_label = pos_label
        self.eval_metric = eval_metric
        self.early_stopping_rounds = early_stopping_rounds
        self.threshold = threshold
        self.confidence = confidence
        self.calibration = calibration
        self.cv = cv
        self.n_estimators = n_estimators
        self.learning_rate = learning_rate
        self.max_depth = max_depth
        self.max_leaves = max_leaves
        self.min_child_weight = min_child_weight
        self.gamma_split = gamma_split
        self.subsample = subsample
        self.colsample_bytree = colsample_bytree
        self.reg_alpha = reg_alpha
        self.reg_lambda = reg_lambda
        self.engine_params = engine_params
        self.checkpoint_path = checkpoint_path
        self.checkpoint_every = checkpoint_every
        self.keep_on_interrupt = keep_on_interrupt
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose
