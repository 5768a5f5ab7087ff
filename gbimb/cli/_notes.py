"""What the commands say beside their results, on standard error, and words that they share."""

from __future__ import annotations

import re
import shlex
import sys
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from gbimb.exceptions import ColumnWarning, GbimbWarning

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

SHOWN: Final = 10
"""Classes whose weights are shown."""

AS_OPTIONS: Final = {
    "n_jobs must be None or": "--jobs must be",
    "Leave n_jobs at None": "Leave --jobs out",
    "Give a threshold, X_val and y_val, or a number of folds for cv": (
        "Give a number of folds with --validation"
    ),
    "Use cv=None, or X_val and y_val": "Use more rows of that class",
    "cv=None, or X_val and y_val": "or more rows of that class",
    "give X_val and y_val with rows as they are, use gbimb.correct_prior, or leave the sampling "
    "to scale_pos_weight or UnderBaggingClassifier": (
        "train on the rows as they were before the sampling"
    ),
    "Give fewer columns, a ParquetSource or float32, or undersample with UnderBaggingClassifier": (
        "Leave columns out with --drop, or give a folder of Parquet files, which is read in pieces"
    ),
    "Leave them out of features; dates can be read as numbers with dates='days'": (
        "Leave them out with --drop"
    ),
    "Name the columns to read with features": "Write them all with the same columns",
    "target, weight, group, time and features must name": (
        "--target, --weight, --id and --drop must name"
    ),
    "Write them alike if they are one": "Give --labels trim,lower if they are one",
    "ive its encoding": "ive --encoding",
    "leave it out with drop": "leave it out with --drop",
    "Use folds=": "Use --folds ",
    "against the others, give positive": "against the others, give --positive LABEL",
    "so give fit groups": "so give --group",
    "so give fit time": "so give --time",
    "with fewer jobs": "with fewer --jobs",
    "give the training file as train": "give the training file with --train",
    ", a numpy RandomState or None": "",
    "(as eval_metric also": "(with one loss also",
}
"""What sentences say of parameters, and what a user of the command line can do."""

HOW_FILES_ARE_READ: Final = re.compile(r"ive (missing|decimal|dates)='([^']+)'")
"""A value of :class:`gbimb.tables.files.options.ReadOptions` in a sentence."""


def as_options(sentence: Exception | str) -> str:
    """Return a sentence on one line, in the words of the command line."""
    text = " ".join(str(sentence).split())
    for words, option in AS_OPTIONS.items():
        text = text.replace(words, option)
    return HOW_FILES_ARE_READ.sub(r'ive --\1 "\2"', text)


def notes(lines: Sequence[str], *, quiet: bool) -> None:
    """Print notes, without the control characters that names in them may have."""
    from gbimb.json_text import printable

    for line in () if quiet else lines:
        sys.stderr.write(
            f"Note: {printable(as_options(line))}\n"
        )  # typer.echo would write into a bar


@contextmanager
def warnings_as_notes(*, quiet: bool) -> Iterator[None]:
    """Print each GbimbWarning once, as a note; other warnings are treated as before."""
    others = warnings.showwarning
    said: set[str] = set()

    def show(message: Warning | str, category: type[Warning], *args: Any, **kwargs: Any) -> None:
        if not issubclass(category, GbimbWarning):
            others(message, category, *args, **kwargs)
        elif issubclass(category, ColumnWarning):
            return  # notes on the file say it
        elif (text := as_options(message)) not in said:
            said.add(text)
            notes([text], quiet=quiet)

    with warnings.catch_warnings():
        warnings.simplefilter("always", GbimbWarning)
        warnings.showwarning = show
        yield


def evaluate_command(model: Path, target: str, *, held_out: bool) -> str:
    """Return the command that says how good a model is, on the rows held out if it kept some."""
    rows = [] if held_out else ["TEST.csv", "--target", target]
    report = ["--report", str(model.with_suffix(".html"))]
    return shlex.join(["gbimb", "evaluate", str(model), *rows, *report])


def weights_in_words(weights: dict[str, float]) -> str:
    """Return what decides between three classes or more."""
    shown = [f"{weight:.4g} for {label!r}" for label, weight in list(weights.items())[:SHOWN]]
    more = f" and {len(weights) - SHOWN} more (--json shows all)" if len(weights) > SHOWN else ""
    return f"the label whose probability times its weight is highest: {', '.join(shown)}{more}"
