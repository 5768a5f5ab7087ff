"""Classifiers of other packages among the candidates: a clone is trained on every fold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from sklearn.base import clone
from sklearn.utils.validation import has_fit_parameter

from gbimb.exceptions import InvalidDataError, InvalidParameterError, InvalidTypeError
from gbimb.tables.read import take
from gbimb.training.seed import LARGEST_SEED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from gbimb.array_types import FloatArray
    from gbimb.training.held_out.folds import Splits

OWN_NAMES: Final = ("lightgbm", "xgboost", "scikit-learn")
"""Those of the engines and of the forests in leaderboards."""


def check_estimators(estimators: Any) -> None:
    """Raise unless it is None or pairs of a name and an unfitted classifier."""
    if estimators is None:
        return
    if not isinstance(estimators, list | tuple):
        msg = (
            "estimators must be a list of pairs (name, classifier) or None, got "
            f"{type(estimators).__name__}."
        )
        raise InvalidTypeError(msg)
    names: set[str] = set()
    for pair in estimators:
        if not (isinstance(pair, list | tuple) and len(pair) == 2 and isinstance(pair[0], str)):
            msg = (
                "estimators must be a list of pairs such as ('catboost', CatBoostClassifier()), "
                f"got {pair!r:.80}."
            )
            raise InvalidTypeError(msg)
        name, classifier = pair
        if name in OWN_NAMES or name in names or not name.isprintable() or not name:
            msg = (
                f"estimators must have different names, none of {list(OWN_NAMES)}, got "
                f"{name!r:.80}."
            )
            raise InvalidParameterError(msg)
        names.add(name)
        lacks = [n for n in ("fit", "get_params", "predict_proba") if not hasattr(classifier, n)]
        if isinstance(classifier, type) or lacks:
            what = "a class" if isinstance(classifier, type) else f"no {lacks[0]}"
            msg = (
                f"estimators must hold classifiers with fit, get_params and predict_proba, got "
                f"{what} for {name!r}."
            )
            raise InvalidTypeError(msg)


@dataclass(frozen=True, eq=False)
class CrossFittedClassifier:
    """The mean of clones of one classifier, each trained on another part of the rows.

    Attributes
    ----------
    classifiers : tuple of fitted classifiers
    classes_ : array of shape (K,)
    """

    classifiers: tuple[Any, ...]
    classes_: NDArray[Any]

    def predict_proba(self, X: Any) -> FloatArray:  # any table
        """Return the mean probabilities, shape (n, K)."""
        columns = [probabilities(each, X, self.classes_) for each in self.classifiers]
        mean: FloatArray = np.mean(columns, axis=0)
        return mean


def cross_fit_foreign(
    prototype: Any,  # any classifier
    table: Any,
    *,
    labels: NDArray[Any],
    classes: NDArray[Any],
    weight: NDArray[Any] | None,
    splits: Splits,
    seed: int,
) -> tuple[CrossFittedClassifier, FloatArray]:
    """Return the mean of the clones, and the probabilities of the held-out rows, fold by fold.

    Parameters
    ----------
    prototype : classifier with ``predict_proba``
    table : data frame, array or CSR matrix of shape (n, n_features)
    labels : array of shape (n,)
        As the user gave them.
    classes : array of shape (K,)
    weight : array of shape (n,) or None
    splits : Splits
        Empty: one clone is trained on all rows.
    seed : int
        Of every ``random_state`` inside.
    """
    if weight is not None:
        require_weights(prototype, "Leave it out, or leave the classifier out of estimators.")
    fitted, held_out = [], []
    for i, (train, test) in enumerate(splits or ((np.arange(labels.size), None),)):
        one = seeded(clone(prototype), seed, i)
        options = {} if weight is None else {"sample_weight": weight[train]}
        one.fit(take(table, train), labels[train], **options)
        fitted.append(one)
        if test is not None:
            held_out.append(probabilities(one, take(table, test), classes))
    proba = np.concatenate(held_out) if held_out else np.empty((0, classes.size))
    return CrossFittedClassifier(tuple(fitted), classes), proba


def probabilities(classifier: Any, table: Any, classes: NDArray[Any]) -> FloatArray:
    """Return a column for each of ``classes``; a class that was not in training has zeros."""
    found = np.asarray(classifier.predict_proba(table), dtype=np.float64)
    known = _plain(classifier.classes_)
    if found.shape != (_rows(table), len(known)) or not np.isfinite(found).all():
        msg = (
            f"predict_proba of {type(classifier).__name__} must return a finite probability for "
            f"each row and class, got shape {found.shape}."
        )
        raise InvalidDataError(msg)
    places = {label: k for k, label in enumerate(_plain(classes))}
    columns = np.zeros((found.shape[0], len(classes)))
    columns[:, [places[label] for label in known]] = found
    return columns


def _rows(table: Any) -> int:
    return int(table.shape[0])


def _plain(labels: Sequence[Any] | NDArray[Any]) -> list[Any]:
    return list(np.asarray(labels).tolist())


def seeded(classifier: Any, *seed: int, every: bool = False) -> Any:
    """Give ``random_state``, where it is open or ``every`` one, numbers that follow from a seed."""
    params = classifier.get_params()
    names = [name for name in sorted(params) if name.split("__")[-1] == "random_state"]
    seeds = np.random.default_rng(seed)
    return classifier.set_params(
        **{n: int(seeds.integers(LARGEST_SEED)) for n in names if every or params[n] is None}
    )


def require_weights(classifier: Any, remedy: str) -> None:
    """Raise unless a classifier can be trained on rows with weights."""
    if not has_fit_parameter(classifier, "sample_weight"):
        msg = f"sample_weight was given, but {type(classifier).__name__}.fit takes none. {remedy}"
        raise InvalidTypeError(msg)
