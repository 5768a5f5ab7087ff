"""Errors and warnings of gbimb.

::

    GbimbError
    ├── InvalidParameterError (ValueError)   a parameter's value is not allowed
    ├── InvalidDataError      (ValueError)   a table, labels or weights cannot be used
    ├── InvalidTypeError      (TypeError)    an argument is of the wrong kind
    ├── MissingDependencyError (ImportError) an optional package is not installed
    └── ClusterError          (RuntimeError) a worker, the scheduler or a task on a cluster failed
    GbimbWarning (UserWarning)               the fit went through, but its result wants a look

Each sentence says the rule, what came, what is allowed and what to do next.
"""

from __future__ import annotations

import inspect
import warnings
from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "ClusterError",
    "ColumnWarning",
    "GbimbError",
    "GbimbWarning",
    "InvalidDataError",
    "InvalidParameterError",
    "InvalidTypeError",
    "MissingDependencyError",
]

LONGEST_SENTENCE = 600
KEPT_AT_END = 200  # what to do stands there


class GbimbError(Exception):
    """Base of every error that gbimb raises on purpose.

    A sentence that shows something very long is cut in the middle, and can be printed.
    """

    def __init__(self, sentence: str = "") -> None:
        sentence = sentence.encode("utf-8", "backslashreplace").decode("utf-8")
        if len(sentence) > LONGEST_SENTENCE:
            start = sentence[: LONGEST_SENTENCE - KEPT_AT_END]
            sentence = f"{start} ... {sentence[-KEPT_AT_END:]}"
        super().__init__(sentence)


class InvalidParameterError(GbimbError, ValueError):
    """A parameter's value is not allowed."""


class InvalidDataError(GbimbError, ValueError):
    """A table, labels or weights cannot be used."""


class InvalidTypeError(GbimbError, TypeError):
    """An argument is of the wrong kind."""


class MissingDependencyError(GbimbError, ImportError):
    """An optional package is not installed."""


class ClusterError(GbimbError, RuntimeError):
    """A worker, the scheduler or a task on a cluster failed."""


class GbimbWarning(UserWarning):
    """The work went through, but its result wants a look."""


class ColumnWarning(GbimbWarning):
    """A column may not be what it looks like: an identifier, numbers or dates as text, ..."""


def warn(message: str, category: type[Warning] = GbimbWarning) -> None:
    """Give a warning at the line that called into gbimb, however deep this is."""
    level, frame = 1, inspect.currentframe()
    while frame is not None and frame.f_globals.get("__name__", "").startswith("gbimb."):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)


def unknown_name(
    argument: str, got: object, allowed: Iterable[str], *, usual: str | None = None
) -> InvalidParameterError:
    """Build the error for a name that is not in a list, with the nearest right one.

    ``usual`` is the right one where ``got`` is its name elsewhere, if it is in the list.

    >>> print(unknown_name("loss", "fokal", ["focal", "logistic"]))
    loss must be one of ['focal', 'logistic'], got 'fokal'. Did you mean 'focal'?
    """
    names = sorted(allowed)
    lower = {name.lower(): name for name in names}
    near = [usual] if usual in lower else get_close_matches(str(got).lower(), lower, n=1)
    hint = f" Did you mean {lower[near[0]]!r}?" if near else ""
    return InvalidParameterError(f"{argument} must be one of {names}, got {got!r}.{hint}")
