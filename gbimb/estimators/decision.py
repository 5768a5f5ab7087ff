"""scikit-learn's methods over a fitted model, the same for every estimator."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

from gbimb.decisions.rules import ClassWeights, Costs, Threshold
from gbimb.estimators.adapting import AdaptingMixin
from gbimb.estimators.facts import facts_html
from gbimb.estimators.fitted import check_is_fitted, no_attribute, shown
from gbimb.estimators.habits import (
    HABITS,
    OF_LOSS,
    loss_params,
    unknown_parameter,
    with_loss_params,
)
from gbimb.estimators.row_costs import row_costs
from gbimb.exceptions import InvalidParameterError, InvalidTypeError
from gbimb.model.files import save
from gbimb.parallel import resolve_jobs, thread_count
from gbimb.tables.parquet.source import ParquetSource
from gbimb.tables.read import as_rows, read_table
from gbimb.tables.typical import one_warning
from gbimb.validation import check_names, check_number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from sklearn.utils import Tags

    from gbimb.array_types import FloatArray
    from gbimb.decisions.guarantees import Guarantee
    from gbimb.estimators.row_costs import RowCost
    from gbimb.model.model import Model


class DecidingClassifier(AdaptingMixin, ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A scikit-learn classifier over a :class:`~gbimb.model.model.Model`.

    Attributes
    ----------
    model_ : Model
        What was fitted; the other attributes show its parts.
    classes_ : array of shape (K,)
    pos_label_ : label, or None for K > 2
    loss_ : Loss
        Its link turns raw scores into probabilities.
    calibrator_ : Calibrator or None
        What is applied to them then, fitted on held-out rows.
    threshold_ : float, for two classes
        May be set.
    guarantee_ : Guarantee or None
        What the threshold promises, with ``confidence``; None once ``threshold_`` was set.
    class_weights_ : float64 array of shape (K,), for more
        May be set.
    prevalence_ : float, or float64 array of shape (K,)
        The share of ``pos_label_``, or of each class, for which probabilities are true: that of
        training, or the one given to ``adapt``.
    feature_importances_ : float64 array of shape (n_features,)
    """

    loss: Any  # of those that have the parameter
    model_: Model

    classes_ = shown("classes", "labels")
    pos_label_ = shown("classes", "positive")
    loss_ = shown("link")
    calibrator_ = shown("calibrator")
    feature_importances_ = shown("importances")

    def __new__(cls, *args: Any, **parameters: Any) -> Self:
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

    def set_params(self, **params: Any) -> Self:
        """Set parameters; ``loss__gamma`` and the like replace the loss, which is a value."""
        if msg := unknown_parameter(type(self), [name for name in params if name in HABITS]):
            raise InvalidParameterError(msg)
        inner = {k: v for k, v in params.items() if k.startswith(OF_LOSS) and hasattr(self, "loss")}
        super().set_params(**{k: v for k, v in params.items() if k not in inner})
        if inner:
            self.loss = with_loss_params(self.loss, inner)
        return self

    @property
    def threshold_(self) -> float:
        """The threshold on the probability of the positive class."""
        if isinstance(self.model_.rule, Threshold):
            return self.model_.rule.value
        raise no_attribute(self, "threshold_")

    @threshold_.setter
    def threshold_(self, value: float) -> None:
        check_number("threshold_", value, low=0, high=1)
        rule = self._rule_of(Threshold, "threshold_")
        rule = replace(rule, value=float(value), guarantee=None)
        self.model_ = replace(self.model_, rule=rule)

    @property
    def guarantee_(self) -> Guarantee | None:
        """What the threshold promises of new rows; None without ``confidence``."""
        model = vars(self).get("model_")
        if model is None:
            raise no_attribute(self, "guarantee_")
        return getattr(model.rule, "guarantee", None)

    @property
    def class_weights_(self) -> FloatArray:
        """The weights of the classes' probabilities."""
        if isinstance(self.model_.rule, ClassWeights):
            return self.model_.rule.weights
        if isinstance(self.model_.rule, Costs):
            return np.ones(self.model_.classes.size)
        raise no_attribute(self, "class_weights_")

    @class_weights_.setter
    def class_weights_(self, weights: FloatArray) -> None:
        rule = self._rule_of(ClassWeights, "class_weights_")
        self.model_ = replace(self.model_, rule=replace(rule, weights=np.asarray(weights, float)))

    def _rule_of(self, kind: type[Any], name: str) -> Any:
        if not isinstance(self.model_.rule, kind):
            raise no_attribute(self, name)
        return self.model_.rule

    def raw_score(self, X: Any) -> FloatArray:
        """Return the raw score of each row, float64: what ``loss_`` turns into a probability.

        Shape (n,) for two classes, higher for ``pos_label_``, and (n, K) for more. Of a boosting
        estimator it is what ``booster_`` itself gives, of bags and blends the log odds (of more
        classes the log probability) of their mean.
        """
        check_is_fitted(self)
        threads = min(resolve_jobs(self.n_jobs), thread_count())
        if not isinstance(X, ParquetSource):
            return self.model_.raw_score(read_table(self, X, reset=False), threads)
        frame: Any = read_table(self, X, reset=False)
        n_numbers = len(frame) * (self.model_.classes.size + 2)
        X.budget.check(8 * n_numbers, "The result", "Write it to a file with predict_to.")
        parts = (read_table(self, as_rows(self, part), reset=False) for part in frame)
        with one_warning(len(frame)):
            return np.concatenate([self.model_.raw_score(part, threads) for part in parts])

    def decision_function(self, X: Any) -> FloatArray:
        """Return scores that decide as :meth:`predict` does, float64 and finite.

        For two classes shape (n,), the log odds less those of ``threshold_``: above 0 where
        ``classes_[1]`` is predicted, below 0 elsewhere, never 0. For more shape (n, K), the log of
        probability times class weight: the largest is predicted.
        """
        proba = self.predict_proba(X)
        return self.model_.rule.margins(proba)

    def predict_proba(self, X: Any) -> FloatArray:
        """Return P(class | x) in the data as given, shape (n, K), in the order of ``classes_``.

        True whatever gamma, alpha or ``scale_pos_weight`` did inside.
        """
        raw = self.raw_score(X)
        return self.model_.probability(raw)

    def predict(
        self, X: Any, *, cost_fp: RowCost | None = None, cost_fn: RowCost | None = None
    ) -> NDArray[Any]:
        """Return labels, shape (n,).

        For two classes ``pos_label_`` where its probability is >= ``threshold_``; for more the
        class with the largest product of probability and ``class_weights_``. With costs the class
        with the least expected cost, row by row: ``pos_label_`` where
        ``p * cost_fn > (1 - p) * cost_fp``, the other one where both are equal.

        Parameters
        ----------
        X : array, sparse matrix, data frame of shape (n, n_features) or ParquetSource
        cost_fp, cost_fn : float, array of shape (n,), or name of a column of a source; optional
            Two classes, both or neither: what it costs to predict ``pos_label_`` for a row of
            the other class, and the other class for a row of ``pos_label_``; finite, >= 0. A
            right prediction costs 0.

        Raises
        ------
        GbimbError
            If an argument cannot be used; also a ValueError or a TypeError.

        References
        ----------
        C. Elkan. The foundations of cost-sensitive learning. 2001.
        """
        check_is_fitted(self)
        proba = self.predict_proba(X)
        rule = self.model_.rule
        if cost_fp is not None or cost_fn is not None:
            rule = row_costs(self.model_.classes, X, len(proba), cost_fp, cost_fn)
        labels: NDArray[Any] = self.classes_[rule.decide(proba)]
        return labels

    def predict_to(
        self,
        source: ParquetSource,
        path: str | os.PathLike[str],
        *,
        columns: Sequence[str] = (),
        cost_fp: RowCost | None = None,
        cost_fn: RowCost | None = None,
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
        cost_fp, cost_fn : float, array of shape (n,) or name of a column; optional
            As in :meth:`predict`.

        Raises
        ------
        GbimbError
            If the source cannot be read, lacks a column, or the file cannot be written.
        """
        from gbimb.estimators.output import write_predictions

        if not isinstance(source, ParquetSource):
            msg = (
                f"source must be a ParquetSource, got {type(source).__name__}. For a table in "
                "memory call predict_proba."
            )
            raise InvalidTypeError(msg)
        if not isinstance(path, str | os.PathLike):
            msg = f"path must be a string or pathlib.Path, got {path!r:.80}."
            raise InvalidTypeError(msg)
        check_is_fitted(self)
        costs = None
        if cost_fp is not None or cost_fn is not None:
            costs = row_costs(self.model_.classes, source, source.n_rows, cost_fp, cost_fn)
        write_predictions(self, source, path, check_names("columns", columns, "columns"), costs)

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
        from gbimb.estimators.inspection import summarise

        check_is_fitted(self)
        save(self, path, summarise)

    def to_onnx(self, path: str | os.PathLike[str], *, columns: bool = False) -> None:
        """Write the fitted estimator as an ONNX file, which scores without Python.

        Link, calibration and decision are inside: the outputs are ``label``, ``probability`` of
        shape (n, K) in the order of ``classes_``, float64, and ``raw_score``. What the file
        predicts is compared with :meth:`predict` and :meth:`predict_proba` before it takes its
        place, on rows at each split and at the next numbers below and above, with missing and
        unknown values: labels must be the same, and probabilities within 1e-12 (XGBoost: 1e-6).

        Parameters
        ----------
        path : str or path-like
            Replaced if it exists, once the new file is complete and has been compared.
        columns : bool, default=False
            False: one input ``X`` of shape (n, n_features), double, where categories are their
            places in the lists that the metadata of the file hold. True: an input of shape (n,)
            for each column, double, or strings for categories.

        Raises
        ------
        GbimbError
            If ``onnx`` is not installed, the estimator holds members of other packages or linear
            trees, or the file cannot be written.

        Examples
        --------
        >>> import tempfile
        >>> from pathlib import Path
        >>> import numpy as np
        >>> import onnxruntime
        >>> import gbimb
        >>> rng = np.random.default_rng(0)
        >>> X = rng.normal(size=(300, 3))
        >>> y = X[:, 0] > 1
        >>> clf = gbimb.ImbalancedLGBMClassifier(n_estimators=5, random_state=0).fit(X, y)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "model.onnx"
        ...     clf.to_onnx(path)
        ...     session = onnxruntime.InferenceSession(path)
        >>> label, probability, raw_score = session.run(None, {"X": X})
        >>> bool((label == clf.predict(X)).all())
        True
        """
        from gbimb.onnx.files import export

        check_is_fitted(self)
        export(self, path, columns=columns)

    def _repr_html_inner(self) -> str:
        return facts_html(self) + str(super()._repr_html_inner())

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        bundle: dict[str, Any] = super()._repr_mimebundle_(**kwargs)
        if "text/html" in bundle:
            bundle["text/html"] = facts_html(self) + bundle["text/html"]
        return bundle

    def __sklearn_tags__(self) -> Tags:
        """Say what the estimator accepts."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = True
        return tags
