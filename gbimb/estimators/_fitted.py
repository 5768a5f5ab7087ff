"""Whether an estimator has been fitted."""

from __future__ import annotations

from typing import Any

from sklearn.exceptions import NotFittedError
from sklearn.utils import validation

from gbimb.exceptions import GbimbError


class NotFittedGbimbError(GbimbError, NotFittedError):  # type: ignore[misc]  # not annotated
    """``fit`` has not been called; also scikit-learn's ``NotFittedError``, a ValueError."""


def check_is_fitted(estimator: Any) -> None:  # noqa: ANN401  any estimator
    """Raise unless ``fit`` has been called."""
    try:
        validation.check_is_fitted(estimator)
    except NotFittedError:
        name = type(estimator).__name__
        msg = f"This {name} instance is not fitted yet. Call fit with your table first."
        raise NotFittedGbimbError(msg) from None
