"""Errors of a benchmark that is under way."""

from __future__ import annotations

from gbimb.exceptions import GbimbError


class CellError(GbimbError, RuntimeError):
    """A method failed on one fold of one table."""

    exit_code = 1


class InterruptedRunError(GbimbError, RuntimeError):
    """The user stopped the run; the finished cells are kept."""

    exit_code = 130
