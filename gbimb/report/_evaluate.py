"""From a model and a table to the numbers of a report."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from gbimb.exceptions import InvalidDataError, InvalidParameterError
from gbimb.files import chunks, list_files, match_columns, require_columns, text_columns
from gbimb.report._binary import binary_facts
from gbimb.report._checks import repeated
from gbimb.report._model import environment, importances, model_facts
from gbimb.report._multiclass import many_facts
from gbimb.report._rows import Asked, fingerprints, judge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from gbimb.plots._base import Display

    Watch = Callable[[Iterator[pd.DataFrame]], Iterator[pd.DataFrame]]

FORMAT: Final = 1


@dataclass(frozen=True)
class Evaluation:
    """How good a model is on a table.

    Attributes
    ----------
    facts : dict
        All numbers and sentences, plain values and arrays.
    displays : dict of Display
        The pictures, not drawn yet.
    table : DataFrame
        A row for each threshold, or with more than two classes for each class.
    """

    facts: dict[str, Any]
    displays: dict[str, Display]
    table: pd.DataFrame


def evaluate(
    model: Any,  # noqa: ANN401  any of our estimators
    data: Path,
    target: str,
    *,
    weight: str | None = None,
    identifier: Sequence[str] = (),
    costs: dict[str, float] | None = None,
    train: Path | None = None,
    model_file: Path | None = None,
    command: str = "",
    watch: Watch = iter,
) -> Evaluation:
    """Judge a fitted model on a file or a folder of files, which are read piece by piece.

    Parameters
    ----------
    model : fitted estimator of gbimb
    data : Path
    target : str
        Column with the label.
    weight : str, optional
        Column with weights of the rows.
    identifier : sequence of str
        Columns that name the rows, shown beside the mistakes.
    costs : dict, optional
        Of "tp", "fp", "fn", "tn"; for two classes.
    train : Path, optional
        The file that the model was fitted on, to look for rows that are in both.
    model_file : Path, optional
        Where the model comes from, to tell it from others.
    command : str, optional
        What was asked for, to ask for it again.
    watch : callable, optional
        Passes the pieces on, and shows how far they are.

    Raises
    ------
    GbimbError
        In one sentence, if a file, a column or a label cannot be used.
    """
    many = len(model.classes_) > 2
    if many and costs is not None:
        msg = f"--cost goes with two classes, got a model of {len(model.classes_)}."
        raise InvalidParameterError(msg)
    asked = Asked(data.name, target, weight, identifier)
    # An identifier such as 007 is text.
    text = [*text_columns(model), *identifier]
    rows = judge(model, watch(chunks(data, "DATA", text)), asked)
    counts = np.bincount(rows.codes, minlength=len(rows.names))
    if np.count_nonzero(counts) < 2:
        only = rows.names[int(np.argmax(counts))]
        msg = f"{data.name!r} must have rows of two classes or more, got {only!r} only."
        raise InvalidDataError(msg)
    in_training = (
        repeated(rows.prints, None, "")
        if train is None
        else repeated(rows.prints, _prints(model, train, target), train.name)
    )
    if many:
        facts, displays, table = many_facts(model, rows, in_training)
    else:
        facts, displays, table = binary_facts(model, rows, costs, in_training)
    facts |= {
        "format": FORMAT,
        "title": data.name,
        "command": command,
        "model": model_facts(model)
        | {"sha256": None if model_file is None else _hash([model_file])},
        "importances": importances(model),
        "mistakes": {kind: _records(frame) for kind, frame in rows.mistakes.items()},
        "data": {
            "file": data.name,
            "target": target,
            "weight": weight,
            "sha256": _hash(list_files(data, "DATA")),
        },
        "versions": environment(),
    }
    return Evaluation(facts, displays, table)


def _prints(model: Any, train: Path, target: str) -> NDArray[np.uint64]:  # noqa: ANN401
    parts = []
    for frame in chunks(train, "--train", text_columns(model)):
        require_columns(frame.columns, train.name, {"--target": [target]})
        parts.append(fingerprints(match_columns(model, frame, train.name), frame[target]))
    return np.unique(np.concatenate(parts))


def _records(frame: pd.DataFrame) -> dict[str, Any]:
    cells = [[_cell(value) for value in row] for row in frame.to_numpy(object).tolist()]
    return {"columns": [str(name) for name in frame.columns], "rows": cells}


def _cell(value: Any) -> Any:  # noqa: ANN401
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return None
    return value if isinstance(value, bool | int | float | str) else str(value)


def _hash(files: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()
