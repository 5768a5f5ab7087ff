"""The ``gbimb`` command: it parses and prints, the work is elsewhere."""

from __future__ import annotations

import atexit
import gc
import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import typer

    app: typer.Typer

__all__ = ["app", "main"]

NEW_OBJECTS: Final = 10_000
"""After so many Python's collector looks for unused ones, instead of after 700."""

COMMANDS: Final = ("benchmark", "evaluate", "export", "fit", "inspect", "monitor", "predict")
"""Each is a module of its name, which adds itself to the application."""

TRAINING: Final = ("benchmark", "fit")


def main() -> None:
    """Run the command line; of the commands, only the one that was named is loaded."""
    # The libraries make more than 100,000 objects, which all stay. To look through them again and
    # again, and once more at the end, took a fifth of a run of gbimb monitor.
    gc.set_threshold(NEW_OBJECTS)
    atexit.register(gc.freeze)
    named = sys.argv[1] if len(sys.argv) > 1 else None
    if named not in TRAINING:
        # Threads of linear algebra begin with a wait for work, of which there is none here.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    _with((named,) if named in COMMANDS else COMMANDS)()


def _with(commands: tuple[str, ...]) -> typer.Typer:
    for name in commands:
        import_module(f"gbimb.cli._{name}")
    from gbimb.cli._app import app as application

    return application


def __getattr__(name: str) -> Any:  # the application
    if name != "app":
        msg = f"module 'gbimb.cli' has no attribute {name!r}"
        raise AttributeError(msg)
    return _with(COMMANDS)
