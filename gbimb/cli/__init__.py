"""The ``gbimb`` command: it parses and prints, the work is elsewhere."""

from __future__ import annotations

from gbimb.cli import (  # noqa: F401  they add their commands
    _benchmark,
    _evaluate,
    _fit,
    _inspect,
    _predict,
)
from gbimb.cli._app import app

__all__ = ["app", "main"]


def main() -> None:
    """Run the command line."""
    app()
