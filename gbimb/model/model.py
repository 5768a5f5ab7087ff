"""A fitted model as one frozen value: columns, classes, members, calibration and decision rule.

Training returns it, estimators show its parts as attributes, and the model file holds it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy import sparse
from scipy.special import logit

from gbimb.decisions.guarantees import Guarantee
from gbimb.decisions.prior import correct_prior, keep_from_certainty
from gbimb.decisions.rules import ClassWeights, Threshold
from gbimb.engines.registry import get_engine
from gbimb.exceptions import InvalidDataError
from gbimb.model.pairs import with_pairs
from gbimb.parallel import expect_engine_threads, thread_limit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gbimb.array_types import FloatArray
    from gbimb.decisions.calibration import Calibrator, Correction
    from gbimb.decisions.held_out import HeldOutScores
    from gbimb.decisions.rules import Rule
    from gbimb.engines.interface import Engine
    from gbimb.losses import BinaryLoss, MulticlassBrierLoss, MulticlassLoss
    from gbimb.model.pairs import Pairs
    from gbimb.tables.encoder import TableEncoder
    from gbimb.tables.schema import Classes, Schema

SMALLEST_PROBABILITY: Final = 1e-12
PAIRED_ROWS: Final = 1 << 16
"""Rows at a time that get columns of pairs in prediction."""


@dataclass(frozen=True, eq=False)
class Model(ABC):
    """What predicts: raw scores, probabilities and classes of a table.

    Attributes
    ----------
    schema : Schema
    classes : Classes
    link : a loss
        Its ``probability`` turns raw scores into probabilities.
    calibrator : Calibrator or None
        Applied to them then; fitted on held-out rows.
    rule : Rule
        From probabilities to classes.
    importances : float64 array of shape (n_features,), or None
        Share of the total gain.
    validation : str
        Which rows were held out, and why.
    score : float
        On those rows; NaN where there are none.
    held_out : HeldOutScores or None
        Calibrated probabilities of those rows, in the prevalence of training.
    adapted_to : float64 array of shape (K,), or None
        The prevalence of the classes for which probabilities are true, in the order of targets;
        None is that of training.
    """

    schema: Schema
    classes: Classes
    link: BinaryLoss | MulticlassLoss | MulticlassBrierLoss
    calibrator: Calibrator | None
    rule: Rule
    importances: FloatArray | None
    validation: str
    score: float
    held_out: HeldOutScores | None = field(default=None, kw_only=True)
    adapted_to: FloatArray | None = field(default=None, kw_only=True)

    @abstractmethod
    def raw_score(self, table: Any, threads: int) -> FloatArray:
        """Return the raw scores of a table in memory, shape (n,) or (n, K).

        Parameters
        ----------
        table : data frame, array or CSR matrix of shape (n, n_features)
            Read by ``read_table``.
        threads : int
        """

    def calibrated(self, raw: FloatArray) -> FloatArray:
        """Return the probability of the positive class of two, (n,), or of each of more, (n, K)."""
        return self.adapted(self.in_training(raw))

    def in_training(self, raw: FloatArray) -> FloatArray:
        """Return the same probabilities in the prevalence of training."""
        proba = self.link.probability(raw)
        return proba if self.calibrator is None else self.calibrator(proba)

    def adapted(self, proba: FloatArray) -> FloatArray:
        """Return probabilities in the prevalence of training as those in that adapted to."""
        if self.adapted_to is None:
            return proba
        return correct_prior(proba, self.trained_prevalence, self.adapted_to)

    @property
    def trained_prevalence(self) -> FloatArray:
        """The share of each class in training, shape (K,), in the order of targets.

        Raises
        ------
        InvalidDataError
            If the model was saved by version 0.1, which did not keep it.
        """
        if self.held_out is not None:
            return self.held_out.prevalence
        marginals = self.schema.encoder.marginals
        if marginals is None:
            msg = (
                "This model does not know the share of each class in training, for version 0.1 "
                "did not keep it. Fit it again."
            )
            raise InvalidDataError(msg)
        return self.classes.in_other_order(marginals.prevalence)

    def probability(self, raw: FloatArray) -> FloatArray:
        """Return a column of probabilities for each class, shape (n, K)."""
        return self.classes.columns(self.calibrated(raw))


@dataclass(frozen=True, eq=False)
class BoosterModel(Model):
    """One booster, perhaps merged from many.

    Attributes
    ----------
    engine : str
        Its name in the registry.
    booster : the engine's booster
        Its raw score is that of the positive class of two, or of each class of more.
    rounds : dict
        Rounds kept by the name of a history; empty where no row was held out.
    n_rounds : int
        Rounds kept, of the first member.
    history : dict
        ``{"valid": {metric: [value of each round]}}``.
    blend : dict
        Share of each member of a blend; empty where there is one.
    zero_is_missing : bool
        Whether zeros of a sparse matrix were missing values in training.
    pairs : tuple of pairs of int
        Columns whose differences and ratios the booster sees, too.
    """

    engine: str
    booster: Any
    n_rounds: int
    rounds: Mapping[str, int] = field(default_factory=dict)
    history: Mapping[str, Mapping[str, list[float]]] = field(default_factory=dict)
    blend: Mapping[str, float] = field(default_factory=dict)
    zero_is_missing: bool = False
    pairs: Pairs = ()

    def matrix(self, table: Any) -> Any:
        """Return a table as the booster takes it, an ndarray or a CSR matrix."""
        return with_pairs(self.layout(self.schema.encoder.transform(table)), self.pairs)

    def layout(self, encoded: Any) -> Any:
        """Return numbers with or without their zeros, as the booster takes them beside pairs."""
        return as_layout(get_engine(self.engine), encoded, zero_is_missing=self.zero_is_missing)

    def raw_score(self, table: Any, threads: int) -> FloatArray:
        """Return the raw scores of a table, shape (n,) or (n, K)."""
        return self.raw_score_of(self.layout(self.schema.encoder.transform(table)), threads)

    def raw_score_of(self, layout: Any, threads: int) -> FloatArray:
        """Return the raw scores of what :meth:`layout` returned."""
        engine = get_engine(self.engine)
        if not self.pairs:
            return engine.raw_score(self.booster, layout, threads)
        parts = (layout[i : i + PAIRED_ROWS] for i in range(0, layout.shape[0], PAIRED_ROWS))
        return np.concatenate(
            [engine.raw_score(self.booster, with_pairs(p, self.pairs), threads) for p in parts]
        )

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Expect that a booster which is unpickled starts threads."""
        expect_engine_threads()
        self.__dict__.update(state)


@dataclass(frozen=True, eq=False)
class ForeignMember:
    """A classifier of another package, trained on a bag or cross-fitted.

    Attributes
    ----------
    classifier : fitted classifier with ``predict_proba``
    limit : float
        How near to 0 and 1 its probabilities may come.
    share : float64 array of shape (K,)
        Of the classes in its bag.
    calibrator : Calibrator or None
        Of two classes: applied to the probability of the positive one.
    """

    classifier: Any
    limit: float
    share: FloatArray
    calibrator: Calibrator | None = None

    def probability(self, table: Any, natural_share: FloatArray) -> FloatArray:
        """Return the probabilities in the data, shape (n, K)."""
        return self.in_data(self.classifier.predict_proba(table), natural_share)

    def in_data(self, proba: FloatArray, natural_share: FloatArray) -> FloatArray:
        """Return the probabilities in the data from those in the bag, shape (n, K)."""
        return correct_prior(keep_from_certainty(proba, self.limit), self.share, natural_share)


@dataclass(frozen=True, eq=False)
class AveragedModel(Model):
    """The mean of the probabilities of several members, recalibrated.

    Attributes
    ----------
    members : tuple of BoosterModel or of ForeignMember
    weights : float64 array of shape (number of members,), or None
        Of the members in the mean, with sum 1; None for equal ones.
    correction : Correction
        Of the log odds of the mean (of more classes, of its logs).
    natural_share : float64 array of shape (K,), or None
        Of the classes in the data, for members of other packages.
    """

    members: tuple[BoosterModel | ForeignMember, ...]
    weights: FloatArray | None
    correction: Correction
    natural_share: FloatArray | None = None

    def raw_score(self, table: Any, threads: int) -> FloatArray:
        """Return corrected log odds of the mean, (n,), or of more classes logs, (n, K)."""
        mean: Any = 0.0
        encoded = EncodedTable(self.schema.encoder, table)
        with thread_limit(threads):
            for i, member in enumerate(self.members):
                if isinstance(member, ForeignMember):
                    assert self.natural_share is not None
                    columns = member.probability(table, self.natural_share)
                    proba = self.classes.positive_of(columns)
                    proba = proba if member.calibrator is None else member.calibrator(proba)
                else:
                    raw = member.raw_score_of(encoded.layout(member), threads)
                    proba = member.calibrated(raw)
                mean = mean + (proba if self.weights is None else self.weights[i] * proba)
        if self.weights is None:
            mean = mean / len(self.members)
        return self.correction.apply(to_raw(mean))


class EncodedTable:
    """A table as each kind of booster takes it, made once for all members."""

    def __init__(self, encoder: TableEncoder, table: Any) -> None:
        self._encoder = encoder
        self._table = table
        self._numbers: Any = None
        self._layouts: dict[tuple[str, bool], Any] = {}

    def layout(self, member: BoosterModel) -> Any:
        """Return the matrix for a member."""
        key = (member.engine, member.zero_is_missing)
        if key not in self._layouts:
            if self._numbers is None:
                self._numbers = self._encoder.transform(self._table)
            self._layouts[key] = member.layout(self._numbers)
        return self._layouts[key]


def as_layout(engine: Engine, encoded: Any, *, zero_is_missing: bool) -> Any:
    """Return numbers as an engine takes them, for training and for prediction."""
    if not engine.DROPS_ZEROS:
        return encoded
    if not zero_is_missing:
        return encoded.toarray() if sparse.issparse(encoded) else encoded
    rows = sparse.csr_matrix(encoded, copy=True)
    rows.eliminate_zeros()
    return rows


def to_raw(proba: FloatArray) -> FloatArray:
    """Return log odds of the positive class, shape (n,), or logs of more, shape (n, K)."""
    inside = np.clip(proba, SMALLEST_PROBABILITY, 1.0 - SMALLEST_PROBABILITY)
    return logit(inside) if proba.ndim == 1 else np.log(inside)


def make_rule(rule: Any, classes: Classes) -> Rule:  # a threshold, guaranteed or not, or weights
    """Return the rule of a threshold in [0, 1] for two classes, or of the weights of more."""
    if isinstance(rule, Guarantee):
        return Threshold(rule.threshold, classes.positive_code, rule)
    if classes.size == 2:
        return Threshold(float(rule), classes.positive_code)
    return ClassWeights(np.asarray(rule, np.float64))
