"""A fitted model in another prevalence: probabilities, decision rule, and a test of rows."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
from scipy.stats import truncnorm

from gbimb.decisions.marginals import SHOWN
from gbimb.decisions.prevalence import estimate_prevalence
from gbimb.decisions.prior import correct_prior, read_prevalence
from gbimb.decisions.rules import Costs
from gbimb.estimators.fitted import check_is_fitted, no_attribute
from gbimb.exceptions import InvalidDataError, InvalidTypeError, warn
from gbimb.json_text import some_of
from gbimb.model.model import make_rule
from gbimb.tables.parquet.source import ParquetSource
from gbimb.tables.read import as_rows, read_table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import ArrayLike

    from gbimb.array_types import FloatArray
    from gbimb.decisions.prevalence import PrevalenceEstimate
    from gbimb.model.model import Model

HALF_ROW: Final = 0.5
NORMAL_WIDTH: Final = 3.92  # standard errors in an interval of 95 %
SMALLEST_SPREAD: Final = 1e-9


@dataclass(frozen=True, eq=False)
class NewRows:
    """What is asked of rows without labels.

    Attributes
    ----------
    proba : float64 array of shape (n,) or (n, K)
        In the prevalence of training.
    counts : float64 array of shape (c, 11), or None
        Of the values of columns; None where training kept none.
    """

    proba: FloatArray
    counts: FloatArray | None

    @classmethod
    def of(cls, classifier: Any, X: Any) -> NewRows:  # any table
        """Return what is asked of the rows of ``X``; a source is read twice."""
        model = classifier.model_
        proba = model.in_training(classifier.raw_score(X))
        marginals = model.schema.encoder.marginals
        if marginals is None:
            return cls(proba, None)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of values never seen: said with the scores
            table: Any = read_table(classifier, X, reset=False)
            parts = [table]
            if isinstance(X, ParquetSource):
                parts = [read_table(classifier, as_rows(classifier, p), reset=False) for p in table]
            encoded = (model.schema.encoder.transform(part) for part in parts)
            counts = sum(marginals.count(matrix) for matrix in encoded)
        return cls(proba, np.asarray(counts))

    @classmethod
    def merge(cls, parts: Iterable[NewRows]) -> NewRows:
        """Return what pieces of the rows say together."""
        pieces = list(parts)
        counts: Any = [part.counts for part in pieces]
        whole = None if not counts or counts[0] is None else np.sum(counts, axis=0)
        return cls(np.concatenate([part.proba for part in pieces]), whole)


def estimate(model: Model, rows: NewRows) -> PrevalenceEstimate:
    """Return the prevalence of the rows; of more classes in the order of ``classes_``."""
    own = model.trained_prevalence
    if model.held_out is None:
        return estimate_prevalence(rows.proba, own)
    return estimate_prevalence(
        rows.proba,
        own,
        y_held_out=model.held_out.codes,
        proba_held_out=model.held_out.proba,
        weight_held_out=model.held_out.weight,
    )


def read_shares(model: Model, prevalence: ArrayLike) -> FloatArray:
    """Return shares by target, from that of the positive class or those of ``classes_``."""
    shares = read_prevalence("prevalence", prevalence, model.classes.size)
    return shares if np.ndim(prevalence) == 0 else model.classes.in_other_order(shares)


def shares_of(found: PrevalenceEstimate) -> FloatArray:
    """Return the shares of an estimate by target, none of them below half a row."""
    share = np.atleast_1d(found.prevalence)
    share = np.array([1.0 - share[0], share[0]]) if share.size == 1 else share
    share = np.maximum(share, HALF_ROW / found.n)
    whole: FloatArray = share / share.sum()
    return whole


def expected_shares(found: PrevalenceEstimate) -> FloatArray:
    """Return the shares that ``adapt`` takes, by target: the mean of what the interval allows.

    That is of a normal distribution with the likeliest share as its mode and the spread of the
    interval, cut off at 0 and 1. Where few new rows leave 0 the likeliest share of a class, a
    decision for rows without it would be a wrong one; far from the ends the mean is the mode.
    """
    mode, low, high = (np.atleast_1d(e) for e in (found.prevalence, found.low, found.high))
    spread = np.maximum(2.0 * np.maximum(high - mode, mode - low) / NORMAL_WIDTH, SMALLEST_SPREAD)
    share = truncnorm.mean(-mode / spread, (1.0 - mode) / spread, mode, spread)
    share = np.array([1.0 - share[0], share[0]]) if share.size == 1 else share
    whole: FloatArray = share / share.sum()
    return whole


def standard_errors(found: PrevalenceEstimate) -> FloatArray:
    """Return the standard error of the share of each class."""
    error = np.atleast_1d((np.asarray(found.high) - np.asarray(found.low)) / NORMAL_WIDTH)
    return np.repeat(error, 2) if error.size == 1 else error


def adapted(model: Model, decider: Any, share: FloatArray) -> Model:  # a Task or an Objective
    """Return the model in the prevalence ``share``, its rule chosen anew on the held-out rows."""
    own = model.trained_prevalence
    rule = model.rule
    if model.held_out is not None and not isinstance(rule, Costs):
        y = model.held_out.codes.astype(np.float64)
        proba = model.held_out.proba.astype(np.float64)
        moved = correct_prior(proba, own, share)
        weight = model.held_out.under(share)
        rule = make_rule(decider.decide(y, moved, weight, 0), model.classes)
    return replace(model, rule=rule, adapted_to=share)


def warn_if_unlike(model: Model, rows: NewRows, found: PrevalenceEstimate) -> None:
    """Give a warning where the new rows are no mixture of the training classes."""
    marginals = model.schema.encoder.marginals
    if marginals is None or rows.counts is None:
        return
    share = model.classes.in_other_order(shares_of(found))
    unlike = marginals.unlike(rows.counts, share, standard_errors(found))
    if not unlike.size:
        return
    names = model.schema.shown_names()
    shown = some_of([repr(names[j]) for j in unlike], SHOWN)
    several = "s" if unlike.size > 1 else ""
    warn(
        "X_new does not look like a change of prevalence alone: no mixture of the training classes "
        f"has its values of the column{several} {shown}. The estimated prevalence may be "
        "far off: give prevalence if you know it, or train on rows like these."
    )


def check_one_given(X_new: object, prevalence: object) -> None:
    """Raise unless one of both is given."""
    if (X_new is None) == (prevalence is None):
        got = "neither" if X_new is None else "both"
        msg = f"Give either X_new, rows of the new prevalence, or prevalence itself, got {got}."
        raise InvalidTypeError(msg)


def check_rows(rows: int) -> None:
    """Raise if there is no row."""
    if not rows:
        msg = "X_new must have at least one row, got none."
        raise InvalidDataError(msg)


class AdaptingMixin:
    """The methods of a fitted classifier for another prevalence."""

    model_: Model
    prevalence_estimate_: PrevalenceEstimate

    def adapt(self, X_new: Any = None, *, prevalence: ArrayLike | None = None) -> Self:
        """Return a fitted copy for rows in which the classes have other shares than in training.

        Its probabilities are those of the new prevalence, and its threshold (of more classes its
        weights) is chosen anew on the held-out rows of training, weighted to that prevalence. The
        rows of a class must be as in training: a test of the columns of ``X_new`` says so if they
        are not.

        Parameters
        ----------
        X_new : array, sparse matrix, data frame of shape (n, n_features) or ParquetSource
            Rows without labels whose prevalence is estimated, at best thousands. Taken is the
            mean of a normal distribution with the likeliest share as its mode and the spread of
            the interval, cut off at 0 and 1: few rows do not say that a class is not there.
        prevalence : float, or array of shape (K,)
            Instead of ``X_new``, the share of ``pos_label_``, or of each of ``classes_``.

        Returns
        -------
        a copy of the estimator
            ``prevalence_`` is the new one; from ``X_new`` with ``prevalence_estimate_``, a
            ``PrevalenceEstimate`` with an interval. To adapt it again starts from training.

        Raises
        ------
        GbimbError
            If an argument cannot be used, or a model of version 0.1 does not know its prevalence.

        Warns
        -----
        GbimbWarning
            If ``X_new`` does not look like a change of prevalence alone.

        References
        ----------
        M. Saerens, P. Latinne, C. Decaestecker. Adjusting the outputs of a classifier to new a
        priori probabilities: a simple procedure. 2002. doi:10.1162/089976602753284446.
        """
        check_is_fitted(self)
        check_one_given(X_new, prevalence)
        found = None
        if prevalence is not None:
            share = read_shares(self.model_, prevalence)
        else:
            rows = X_new if isinstance(X_new, NewRows) else self._look_at(X_new)
            check_rows(len(rows.proba))
            found = estimate(self.model_, rows)
            warn_if_unlike(self.model_, rows, found)
            share = expected_shares(found)
        return self._in_prevalence(share, found)

    def _look_at(self, X_new: Any) -> NewRows:
        return NewRows.of(self, X_new)

    def _in_prevalence(self, share: FloatArray, found: PrevalenceEstimate | None) -> Self:
        """Return a copy for these shares of the targets."""
        model = adapted(self.model_, self._decider(), share)
        copy = type(self).__new__(type(self))
        copy.__dict__ |= {**vars(self), "model_": model}
        copy.__dict__.pop("prevalence_estimate_", None)
        if found is not None:
            copy.prevalence_estimate_ = found
        return copy

    @abstractmethod
    def _decider(self) -> Any:  # a Task or an Objective, whose ``decide`` chooses the rule
        """Return what chooses the decision rule on held-out rows."""

    @property
    def prevalence_(self) -> Any:
        """The share of ``pos_label_``, or of each class, for which probabilities are true."""
        model = vars(self).get("model_")
        if model is None:
            raise no_attribute(self, "prevalence_")
        share = model.trained_prevalence if model.adapted_to is None else model.adapted_to
        return float(share[1]) if share.size == 2 else share
