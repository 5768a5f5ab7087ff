"""What bags have in common once they are trained: one probability, one rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import logit

from gbimb.decisions.calibration import fit_calibrator
from gbimb.decisions.prior import correct_prior
from gbimb.estimators._bag_checks import is_own
from gbimb.estimators._bag_training import keep_from_certainty
from gbimb.estimators._decision import DecidingClassifier
from gbimb.estimators._fitted import check_is_fitted
from gbimb.losses import LogisticLoss, SoftmaxLoss
from gbimb.parallel import resolve_jobs, thread_limit
from gbimb.tables.encoder import read_table
from gbimb.training.tasks import BinaryTask, Correction, MulticlassTask, Task

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from gbimb.array_types import FloatArray, IntArray
    from gbimb.training.bags import OutOfBag, Population

SMALLEST_PROBABILITY = 1e-12


class AveragedBags(DecidingClassifier):
    """The mean of bags, made true and given a decision rule on the rows out of them.

    A subclass trains ``estimators_`` and gathers what is judged in ``_population`` and ``_oob``.
    """

    estimators_: list[Any]
    _population: Population
    _oob: OutOfBag | None
    _seed: int
    _shares: list[FloatArray]
    _limits: list[float]

    def _decide(self, kept: IntArray, n_rows: int) -> None:
        """Recalibrate on rows out of the bags, and choose the decision rule there."""
        assert self._oob is not None
        population = self._population
        del self._population
        self._share = population.data_share
        task = self._make_task()
        there = self._oob.in_turn_count > 0
        self._correction, self.calibrator_ = task.no_correction(), None
        rule = task.undecided()
        self.oob_score_ = float("nan")
        proba = np.full((n_rows, self.classes_.size), np.nan)
        if there.any():
            rows = population.judged[there]
            raw = self._to_raw(self._oob.in_turn())
            y = self._target(population.codes[rows])
            weight = population.natural_weight(rows)
            if self.calibration is not None:
                self._correction = self._correct(task, population, task.correct(y, raw, weight))
            raw = self._correction.slope * raw + self._correction.intercept
            corrected = self.loss_.probability(raw)
            self.calibrator_ = fit_calibrator(self.calibration, y, corrected, weight)
            corrected = self._calibrated(raw)
            rule = task.decide(y, corrected, weight, self._seed)
            proba[kept[rows]] = self._columns(corrected)
        self._set_rule(rule)
        self.oob_proba_ = proba
        if there.any():
            codes = self._codes(proba[kept[rows]])
            self.oob_score_ = task.score(y, self._target(codes), weight)
        self.__dict__.pop("feature_importances_", None)  # of a fit with another estimator
        if all(hasattr(c, "feature_importances_") for c in self.estimators_):
            gains = [c.feature_importances_ for c in self.estimators_]
            self.feature_importances_ = np.mean(gains, axis=0)

    def _correct(self, task: Task, population: Population, line: Correction) -> Correction:
        """Return ``line`` with the intercept that suits the mean over all bags."""
        assert self._oob is not None
        seen = self._oob.count > 0
        raw = line.slope * self._to_raw(self._oob.mean()) + line.intercept
        weight = population.natural_weight(population.judged[seen])
        share = self._share[::-1] if self._positive_is_first() else self._share
        shift = task.recentre(raw, share, weight)
        return line._replace(intercept=line.intercept + shift)

    def _make_task(self) -> Task:
        if isinstance(self.loss_, SoftmaxLoss):
            return MulticlassTask(self.loss_, (self.eval_metric,), self.threshold)
        assert isinstance(self.loss_, LogisticLoss)
        return BinaryTask(self.loss_, (self.eval_metric,), self.threshold)

    def _target(self, codes: IntArray) -> NDArray[Any]:
        if self.classes_.size > 2:
            return codes.astype(np.float32)
        positive: NDArray[Any] = codes != self._positive_is_first()
        return positive.astype(np.float32)

    def _to_raw(self, proba: FloatArray) -> FloatArray:
        """Return log odds of the positive class, or log probabilities of many."""
        if self.classes_.size > 2:
            logs: FloatArray = np.log(np.maximum(proba, SMALLEST_PROBABILITY))
            return logs
        positive = proba[:, 0 if self._positive_is_first() else 1]
        odds: FloatArray = logit(np.clip(positive, SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY))
        return odds

    def _raw_score(self, X: Any) -> FloatArray:  # noqa: ANN401  any table
        check_is_fitted(self)
        table: Any = read_table(self, X, reset=False)
        with thread_limit(resolve_jobs(self.n_jobs)):
            proba: FloatArray = np.zeros((table.shape[0], self.classes_.size))
            for part in self._each(table):
                proba += part
        raw = self._to_raw(proba / len(self.estimators_))
        corrected: FloatArray = self._correction.slope * raw + self._correction.intercept
        return corrected

    def _each(self, table: Any) -> Iterator[FloatArray]:  # noqa: ANN401
        """Yield the corrected probabilities of each bag."""
        own = is_own(self.estimators_[0])
        if own:
            matrix = self._prototype._matrix(self._prototype._encoder.transform(table))  # noqa: SLF001
        for i, classifier in enumerate(self.estimators_):
            if own:
                yield classifier._probability_of(matrix)  # noqa: SLF001
            else:
                proba = keep_from_certainty(classifier.predict_proba(table), self._limits[i])
                yield correct_prior(proba, self._shares[i], self._share)
