"""Whether an estimator has been fitted, as a whole."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from sklearn.exceptions import NotFittedError
from sklearn.utils import validation

from gbimb.exceptions import GbimbError

if TYPE_CHECKING:
    from collections.abc import Iterator


class NotFittedGbimbError(GbimbError, NotFittedError):  # type: ignore[misc]  # not annotated
    """``fit`` has not been called; also scikit-learn's ``NotFittedError``, a ValueError."""


def check_is_fitted(estimator: Any) -> None:  # any estimator
    """Raise unless ``fit`` has been called."""
    try:
        validation.check_is_fitted(estimator)
    except NotFittedError:
        name = type(estimator).__name__
        msg = f"This {name} instance is not fitted yet. Call fit with your table first."
        raise NotFittedGbimbError(msg) from None


def no_attribute(estimator: object, name: str) -> AttributeError:
    """Build the error for an attribute that an estimator does not have, or not before ``fit``."""
    return AttributeError(f"{type(estimator).__name__!r} object has no attribute {name!r}")


def shown(*path: str) -> Any:  # a property of any type
    """Return a property that shows a part of ``model_``, absent before ``fit``.

    Parameters
    ----------
    *path : str
        Names of attributes, one inside the other; a part that is None is absent if it is there
        for some models only.
    """

    def part(estimator: Any) -> Any:
        value = vars(estimator).get("model_")
        if value is None:
            raise no_attribute(estimator, path[-1])
        for name in path:
            value = getattr(value, name)
        if value is None and path[-1] in OPTIONAL:
            raise no_attribute(estimator, path[-1])
        return value

    return property(part)


OPTIONAL: Final = {"importances"}


@contextmanager
def all_or_nothing(estimator: Any) -> Iterator[None]:  # any estimator
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
