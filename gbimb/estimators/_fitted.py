"""Whether an estimator has been fitted, as a whole."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sklearn.exceptions import NotFittedError
from sklearn.utils import validation

from gbimb.exceptions import GbimbError

if TYPE_CHECKING:
    from collections.abc import Iterator


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


@contextmanager
def all_or_nothing(estimator: Any) -> Iterator[None]:  # noqa: ANN401  any estimator
    """Give an estimator back what it was before, where its fit ends in an error or an interrupt.

    What its attributes hold must be replaced rather than changed.
    """
    before = dict(vars(estimator))
    try:
        yield
    except BaseException:
        vars(estimator).clear()
        vars(estimator).update(before)
        raise
