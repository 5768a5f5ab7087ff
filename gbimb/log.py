"""The package's logger, and who hears what it says."""

from __future__ import annotations

import logging
import sys
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

logger: Final = logging.getLogger("gbimb")


@contextmanager
def log_to(handler: logging.Handler) -> Iterator[None]:
    """Let ``handler`` have what fits say, and leave the logger as it was."""
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


def log_to_stderr(verbose: int) -> AbstractContextManager[None]:
    """Write to stderr what a fit says, unless the process has a handler of its own."""
    if not verbose or logger.hasHandlers():
        return nullcontext()
    return log_to(logging.StreamHandler(sys.stderr))
