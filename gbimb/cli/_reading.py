"""The options that say how a file is read, the same for every command that reads one."""

from __future__ import annotations

import inspect
from functools import wraps
from typing import TYPE_CHECKING, Any, Final, TypeVar, get_type_hints

from gbimb.cli._app import exit_codes
from gbimb.cli._options import DateOrder, DecimalMark, Encoding, LabelSteps, MissingMark

if TYPE_CHECKING:
    from collections.abc import Callable

    from gbimb.tables.files.options import ReadOptions

Command = TypeVar("Command", bound="Callable[..., Any]")

OPTIONS: Final[dict[str, Any]] = {
    "missing": MissingMark,
    "decimal": DecimalMark,
    "dates": DateOrder,
    "labels": LabelSteps,
    "encoding": Encoding,
}
SPELLED: Final = {name: f"--{name}" for name in OPTIONS}


def reads_files(*left_out: str) -> Callable[[Command], Command]:
    """Give a command the options of reading, which it gets as one argument ``known``.

    Those of ``left_out`` say nothing to it.
    """
    options = {name: hint for name, hint in OPTIONS.items() if name not in left_out}

    def give(command: Command) -> Command:
        @wraps(command)
        def with_options(*args: Any, **kwargs: Any) -> Any:
            with exit_codes(SPELLED):
                known = read_options(**{name: kwargs.pop(name) for name in options})
            return command(*args, known=known, **kwargs)

        # Typer takes annotations as they are; that of ``known`` is there for type checkers only.
        found = get_type_hints(command, localns={"ReadOptions": object}, include_extras=True)
        own = {
            name: parameter.replace(annotation=found[name])
            for name, parameter in inspect.signature(command).parameters.items()
            if name != "known"
        }
        more = {
            name: inspect.Parameter(
                name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=hint
            )
            for name, hint in options.items()
        }
        made: Any = with_options  # typer looks for these two; type checkers know but one of them
        made.__signature__ = inspect.Signature([*own.values(), *more.values()])
        made.__annotations__ = {name: p.annotation for name, p in own.items()} | options
        given: Command = made
        return given

    return give


def read_options(
    missing: list[str] | None = None,
    decimal: str | None = None,
    dates: str | None = None,
    labels: str | None = None,
    encoding: str | None = None,
) -> ReadOptions:
    """Return the options of a command as one value."""
    from gbimb.tables.files.options import ReadOptions

    steps = [step.strip() for step in (labels or "").split(",")]
    return ReadOptions(
        missing=tuple(missing or ()),
        decimal=decimal,
        dates=dates,
        labels=tuple(step for step in steps if step),
        encoding=encoding,
    )
