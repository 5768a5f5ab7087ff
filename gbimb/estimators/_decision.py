"""From raw scores to probabilities and labels, the same for every estimator."""

from __future__ import annotations

import os
from abc import abstractmethod
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from scipy.special import logit
from sklearn.base import BaseEstimator, ClassifierMixin

from gbimb.estimators._facts import facts_html
from gbimb.estimators._fitted import check_is_fitted
from gbimb.estimators._habits import (
    HABITS,
    OF_LOSS,
    loss_params,
    unknown_parameter,
    with_loss_params,
)
from gbimb.exceptions import InvalidParameterError, InvalidTypeError
from gbimb.parallel import expect_engine_threads
from gbimb.tables.encoder import as_rows, read_table
from gbimb.tables.parquet.source import ParquetSource
from gbimb.tables.typical import one_warning
from gbimb.validation import check_names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from sklearn.utils import Tags

    from gbimb.array_types import FloatArray, IntArray
    from gbimb.decisions.calibration import Calibrator
    from gbimb.losses import BinaryLoss, MulticlassLoss

SMALLEST, LARGEST = np.finfo(np.float64).tiny, 1.0 - np.finfo(np.float64).epsneg
NEAREST = np.finfo(np.float64).eps  # of a row on the threshold: single precision keeps its sign


class DecidingClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A classifier with raw scores, their link and a decision rule.

    Attributes
    ----------
    classes_ : array of shape (K,)
    pos_label_ : label, or None for K > 2
    loss_ : Loss
        Its link turns raw scores into probabilities.
    calibrator_ : Calibrator or None
        What is applied to them then, learnt on held-out rows.
    threshold_ : float, for two classes
    class_weights_ : float64 array of shape (K,), for more
    """

    loss: Any  # of those that have the parameter
    classes_: NDArray[Any]
    pos_label_: Any
    loss_: BinaryLoss | MulticlassLoss
    threshold_: float
    class_weights_: FloatArray
    calibrator_: Calibrator | None = None

    def __new__(cls, *args: Any, **parameters: Any) -> Self:  # noqa: ANN401
        """Refuse parameters by the names that other packages have, and say their name here."""
        del args
        if msg := unknown_parameter(cls, parameters):
            raise InvalidTypeError(msg)
        new: Self = super().__new__(cls)
        return new

    def get_params(self, deep: bool = True) -> dict[str, Any]:  # noqa: FBT001, FBT002  scikit-learn's
        """Return the parameters; with ``deep`` those inside, such as ``loss__gamma``, too."""
        params: dict[str, Any] = super().get_params(deep)
        return params | loss_params(params.get("loss")) if deep else params

    def set_params(self, **params: Any) -> Self:  # noqa: ANN401
        """Set parameters; ``loss__gamma`` and the like replace the loss, which is a value."""
        if msg := unknown_parameter(type(self), [name for name in params if name in HABITS]):
            raise InvalidParameterError(msg)
        inner = {k: v for k, v in params.items() if k.startswith(OF_LOSS) and hasattr(self, "loss")}
        super().set_params(**{k: v for k, v in params.items() if k not in inner})
        if inner:
            self.loss = with_loss_params(self.loss, inner)
        return self

    def __setstate__(self, state: dict[str, Any]) -> None:
        expect_engine_threads()  # a booster that is unpickled may start some
        super().__setstate__(state)

    def _set_rule(self, rule: Any) -> None:  # noqa: ANN401  a threshold or class weights
        """Keep a decision rule, and nothing of a fit with another number of classes."""
        names = ("threshold_", "class_weights_")
        name, other = names if self.classes_.size == 2 else names[::-1]
        setattr(self, name, rule)
        self.__dict__.pop(other, None)

    @abstractmethod
    def _raw_score(self, X: Any) -> FloatArray:  # noqa: ANN401  any table
        """Return raw scores of ``pos_label_``, shape (n,), or of each class, shape (n, K)."""

    def raw_score(self, X: Any) -> FloatArray:  # noqa: ANN401
        """Return the raw score of each row, float64: what ``loss_`` turns into a probability.

        Shape (n,) for two classes, higher for ``pos_label_``, and (n, K) for more. Of a boosting
        estimator it is what ``booster_`` itself gives, of bags and blends the log odds (of more
        classes the log probability) of their mean.
        """
        if not isinstance(X, ParquetSource):
            return self._raw_score(X)
        check_is_fitted(self)
        frame: Any = read_table(self, X, reset=False)
        n_numbers = len(frame) * (self.classes_.size + 2)
        X.budget.check(8 * n_numbers, "The result", "Write it to a file with predict_to.")
        with one_warning(len(frame)):
            return np.concatenate([self._raw_score(as_rows(self, part)) for part in frame])

    def decision_function(self, X: Any) -> FloatArray:  # noqa: ANN401
        """Return scores that decide as :meth:`predict` does, float64 and finite.

        For two classes shape (n,), the log odds less those of ``threshold_``: above 0 where
        ``classes_[1]`` is predicted, below 0 elsewhere, never 0. For more shape (n, K), the log of
        probability times class weight: the largest is predicted.
        """
        return self._margins(self.predict_proba(X))

    def predict_proba(self, X: Any) -> FloatArray:  # noqa: ANN401
        """Return P(class | x) in the data as given, shape (n, K), in the order of ``classes_``.

        True whatever gamma, alpha or ``scale_pos_weight`` did inside.
        """
        return self._columns(self._calibrated(self.raw_score(X)))

    def _calibrated(self, raw: FloatArray) -> FloatArray:
        """Return the probability of the positive class of two, shape (n,), or of each of many."""
        proba = self.loss_.probability(raw)
        return proba if self.calibrator_ is None else self.calibrator_(proba)

    def _columns(self, proba: FloatArray) -> FloatArray:
        """Return a column for each class, from the probability of the positive one of two."""
        if proba.ndim == 2:
            return proba
        pair = (proba, 1.0 - proba) if self._positive_is_first() else (1.0 - proba, proba)
        return np.column_stack(pair)

    def predict(self, X: Any) -> NDArray[Any]:  # noqa: ANN401
        """Return labels, shape (n,).

        For two classes ``pos_label_`` where its probability is >= ``threshold_``; for more the
        class with the largest product of probability and ``class_weights_``.
        """
        codes = self._codes(self.predict_proba(X))
        labels: NDArray[Any] = self.classes_[codes]
        return labels

    def predict_to(
        self,
        source: ParquetSource,
        path: str | os.PathLike[str],
        *,
        columns: Sequence[str] = (),
    ) -> None:
        """Write the predictions for a source to a Parquet file, some thousand rows at a time.

        Its columns are ``columns``, ``prediction`` and, for each label, ``proba_<label>``.

        Parameters
        ----------
        source : ParquetSource
        path : str or path-like
            Replaced if it exists, once the new file is complete.
        columns : list of str, default=()
            Columns of the source to keep beside the predictions, such as a key.

        Raises
        ------
        GbimbError
            If the source cannot be read, lacks a column, or the file cannot be written.
        """
        from gbimb.estimators._output import write_predictions

        if not isinstance(source, ParquetSource):
            msg = (
                f"source must be a ParquetSource, got {type(source).__name__}. For a table in "
                "memory call predict_proba."
            )
            raise InvalidTypeError(msg)
        if not isinstance(path, str | os.PathLike):
            msg = f"path must be a string or pathlib.Path, got {path!r:.80}."
            raise InvalidTypeError(msg)
        write_predictions(self, source, path, check_names("columns", columns, "columns"))

    def _codes(self, proba: FloatArray) -> IntArray:
        """Return the position of the class decided on, shape (n,)."""
        if self.classes_.size > 2:
            best: IntArray = np.argmax(self._class_scores(proba), axis=1)
            return best
        at = 0 if self._positive_is_first() else 1
        return np.where(proba[:, at] >= self.threshold_, at, 1 - at)

    def _class_scores(self, proba: FloatArray) -> FloatArray:
        """Return that of which the largest decides between more than two classes."""
        weighted: FloatArray = proba * self.class_weights_
        return weighted

    def _margins(self, proba: FloatArray) -> FloatArray:
        """Return what :meth:`decision_function` does; rounding never contradicts ``_codes``."""
        codes = self._codes(proba)
        if self.classes_.size > 2:
            return _with_largest(np.log(np.maximum(self._class_scores(proba), SMALLEST)), codes)
        first = self._positive_is_first()
        above = _log_odds(proba[:, 0 if first else 1]) - _log_odds(self.threshold_)
        margin = -above if first else above
        return np.where(codes == 1, np.maximum(margin, NEAREST), np.minimum(margin, -NEAREST))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the fitted estimator to a file that :func:`gbimb.load` reads, running no code.

        Parameters
        ----------
        path : str or path-like
            Replaced if it exists, once the new file is complete and has been read back.

        Raises
        ------
        GbimbError
            If the estimator holds what cannot be saved without code, such as a foreign
            classifier in bags, or the file cannot be written.
        """
        from gbimb.persistence import save

        save(self, path)

    def _repr_html_inner(self) -> str:
        return facts_html(self) + str(super()._repr_html_inner())

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:  # noqa: ANN401
        bundle: dict[str, Any] = super()._repr_mimebundle_(**kwargs)
        if "text/html" in bundle:
            bundle["text/html"] = facts_html(self) + bundle["text/html"]
        return bundle

    def _positive_is_first(self) -> bool:
        return bool(self.classes_.size == 2 and self.classes_[0] == self.pos_label_)

    def __sklearn_tags__(self) -> Tags:
        """Say what the estimator accepts."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = True
        return tags


def _log_odds(proba: FloatArray | float) -> FloatArray:
    """Return the logit, finite at 0 and 1."""
    odds: FloatArray = logit(np.clip(proba, SMALLEST, LARGEST))
    return odds


def _with_largest(scores: FloatArray, codes: IntArray) -> FloatArray:
    """Return ``scores``, changed where their first largest is not at ``codes``."""
    off = np.flatnonzero(np.argmax(scores, axis=1) != codes)
    scores[off, codes[off]] = np.nextafter(scores[off].max(axis=1), np.inf)
    return scores
