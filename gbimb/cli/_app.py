"""What the commands share: the application, exit codes, and where words go."""

from __future__ import annotations

import os
import shlex
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

import typer
from typer.core import TyperCommand

from gbimb.cli._notes import as_options, warnings_as_notes
from gbimb.exceptions import GbimbError, InvalidParameterError
from gbimb.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    import pandas as pd
    from rich.console import Console
    from rich.progress import Progress

DONE, FAILED, WRONG_INPUT, INTERRUPTED = 0, 1, 2, 130
PIPE_WIDTH: Final = 100
FILES: Final = {"baseline", "data", "files", "model", "train"}
"""Arguments and options of the commands that name a file."""
SHARED_OPTIONS: Final = {"n_jobs": "--jobs"}
"""Which option gives a parameter that all commands pass on."""

Function = TypeVar("Function", bound="Callable[..., Any]")


class _Command(TyperCommand):
    """A command that tells of gbimb's warnings as it does of other notes."""

    def invoke(self, ctx: Any) -> Any:  # of typer, or of click where typer is older
        with warnings_as_notes(quiet=bool(ctx.params.get("quiet"))):
            return super().invoke(ctx)


class _App(typer.Typer):
    def command(self, name: str | None = None, **options: Any) -> Callable[[Function], Function]:
        return super().command(name, **{"cls": _Command, **options})


app = _App(
    name="gbimb",
    help="Gradient boosting for imbalanced classes.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(value: bool) -> None:
    if value:
        typer.echo(f"gbimb {__version__}")
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Gradient boosting for imbalanced classes."""


@contextmanager
def exit_codes(spelled: Mapping[str, str] | None = None) -> Iterator[None]:
    """Turn errors into one sentence on stderr and an exit code.

    ``spelled`` says which option gives a parameter that a sentence may begin with, beside those
    that every command has.
    """
    try:
        yield
    except KeyboardInterrupt:
        typer.echo("gbimb: interrupted; nothing was written.", err=True)
        raise typer.Exit(INTERRUPTED) from None
    except (GbimbError, OSError) as error:
        typer.echo(f"gbimb: {_sentence(error, {**SHARED_OPTIONS, **(spelled or {})})}", err=True)
        not_written = isinstance(error, OSError) or isinstance(error.__cause__, OSError)
        default = FAILED if not_written else WRONG_INPUT
        raise typer.Exit(getattr(error, "exit_code", default)) from None


def check_not_read(option: str, written: Iterable[Path], *read: Path | None) -> None:
    """Raise if a file to be written is one of those that are read, or one of a folder of them."""
    from gbimb.tables.files.read import is_table

    for out in written:
        if out.exists() and any(
            out.samefile(file)
            for path in read
            if path is not None and path.exists()
            for file in (filter(is_table, path.rglob("*")) if path.is_dir() else [path])
            if file.exists()  # not a link that leads nowhere
        ):
            msg = f"{option} must not be a file that is read, got {str(out)!r}. Name another."
            raise InvalidParameterError(msg)


def _sentence(error: Exception, spelled: Mapping[str, str]) -> str:
    if isinstance(error, OSError) and error.filename and error.strerror:
        folder = Path(error.filename).absolute().parent
        return f"{str(folder)!r} cannot be written to: {error.strerror.lower()}."
    text = as_options(error)
    for name, option in spelled.items():
        if text.startswith(f"{name} "):
            return option + text.removeprefix(name)
    return text


def console(*, stderr: bool = False) -> Console:
    """Return where results, or with ``stderr`` progress, are printed."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else PIPE_WIDTH
    return Console(stderr=stderr, width=width, markup=False, emoji=False, highlight=False)


def shows_progress(*, quiet: bool) -> bool:
    """Whether somebody watches."""
    return not quiet and sys.stderr.isatty() and os.environ.get("GBIMB_PROGRESS") != "0"


def progress_bar() -> Progress:
    """Return a bar on stderr with words after it; it is gone when the work is done."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[words]}", markup=False),
        TimeElapsedColumn(),
        console=console(stderr=True),
        transient=True,
    )


def watched(
    pieces: Iterator[pd.DataFrame], doing: str, data: Path, *, quiet: bool
) -> Iterator[pd.DataFrame]:
    """Pass pieces of the table in ``data`` on, and show how many of its rows there were."""
    if not shows_progress(quiet=quiet):
        yield from pieces
        return
    from gbimb.tables.files.chunks import count_rows

    total, done = count_rows(data), 0
    with progress_bar() as bar:
        task = bar.add_task(doing, total=total, words="")
        for piece in pieces:
            yield piece
            done += len(piece)
            words = f"{done:,} rows" if total is None else f"{done:,} of {total:,} rows"
            bar.update(task, completed=done, words=words)


def command_line(ctx: typer.Context, *left_out: str) -> str:
    """Return what determines the results, spelled as a command without folders."""
    words = ["gbimb", str(ctx.info_name)]
    for option in ctx.command.params:
        value = ctx.params.get(str(option.name))
        if option.name in left_out or value is None or value is False:
            continue
        for item in value if isinstance(value, list | tuple) else [value]:
            words += option.opts[:1] if option.param_type_name == "option" else []
            shown = Path(item).name if option.name in FILES else str(item)
            words += [] if value is True else [shown]
    return shlex.join(words)


def print_json(value: dict[str, Any]) -> None:
    """Print one JSON object; what is not a number is null."""
    from gbimb.json_text import to_json

    typer.echo(to_json(value))
