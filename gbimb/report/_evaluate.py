"""From a model and a table to the numbers of a report."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from gbimb.estimators.inspection import describe_model
from gbimb.exceptions import InvalidDataError, InvalidParameterError, InvalidTypeError
from gbimb.report._binary import binary_facts
from gbimb.report._cost import check_costs, cost_columns
from gbimb.report._model import environment, importances, model_facts, promised
from gbimb.report._multiclass import many_facts
from gbimb.report._over_time import changes_with_time, over_time
from gbimb.report._rows import EvaluatedRows, EvaluationRequest, positive_code, score_rows
from gbimb.report._training_rows import compare_with_training, text_to_read
from gbimb.tables.files.chunks import chunks
from gbimb.tables.files.match import label_options
from gbimb.tables.files.options import AS_FOUND, ReadOptions
from gbimb.tables.files.read import file_errors, list_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from gbimb.plots import Display

    Watch = Callable[[Iterator[pd.DataFrame]], Iterator[pd.DataFrame]]

FORMAT: Final = 1


@dataclass(frozen=True, repr=False)
class Evaluation:
    """The quality of a model on a table.

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

    def __repr__(self) -> str:
        """Return score and checks, short enough for a prompt."""
        score = self.facts["scores"][0]
        found = [check["severity"] for check in self.facts["checks"]]
        return (
            f"<Evaluation of {self.facts['rows']:,} rows of {self.facts['data']['file']}: "
            f"{score['label']} {score['value']:z.3f}, {score['low']:z.3f} to {score['high']:z.3f}; "
            f"problems {found.count('problem')}, warnings {found.count('warning')}; "
            "see .facts, .table, .save(path)>"
        )

    def save(self, path: str | Path) -> list[str]:
        """Write the report, and its numbers beside it.

        Parameters
        ----------
        path : str or Path
            Ends in .html; the numbers are ``<name>_numbers.json`` and ``<name>_numbers.csv``.

        Returns
        -------
        list of str
            The names of the files.

        Raises
        ------
        GbimbError
            If jinja2 or matplotlib is not installed, or the path cannot hold a report.
        """
        from gbimb.report._render import check_path, evaluation_page, write_report

        page = evaluation_page(self.facts, self.displays, self.table)
        return write_report(check_path(path), page, self.facts, self.table)


def evaluate(
    model: Any,  # any of our estimators
    data: pd.DataFrame | str | Path,
    target: str,
    *,
    weight: str | None = None,
    identifier: Sequence[str] = (),
    costs: Mapping[str, float | str] | None = None,
    train: str | Path | None = None,
    group: str | None = None,
    time: str | None = None,
    model_file: Path | None = None,
    command: str = "",
    known: ReadOptions = AS_FOUND,
    watch: Watch = iter,
) -> Evaluation:
    """Evaluate a fitted model on rows that it was not trained on.

    Parameters
    ----------
    model : fitted estimator of gbimb
    data : DataFrame, str or Path
        The rows with their labels; a file or a folder of files is read piece by piece.
    target, weight : str
        Columns with the label and, optionally, the weight of a row.
    identifier : sequence of str
        Columns that name the rows, shown with the mistakes.
    costs : dict, optional
        For two classes, the cost of a row by outcome ("tp", "fp", "fn", "tn"), such as
        ``{"fp": 5, "fn": 100}``, or the name of a column with that of each row; a negative number
        is a profit.
    train : str or Path, optional
        The training file, to look for rows, and with ``group`` for groups, that are in both.
    group : str, optional
        A column that is equal for rows that belong together: intervals are those of whole groups
        drawn at random (a Bayesian bootstrap of clusters).
    time : str, optional
        A column of dates or numbers: scores are also given block by block in time.
    model_file, command : Path and str, optional
        The model's file and the command line, shown to reproduce the report.
    known : ReadOptions, optional
        How files are read where their cells leave a choice, and what is done to labels; by default
        as at fit.
    watch : callable, optional
        Passes the pieces on and shows progress.

    Examples
    --------
    >>> import gbimb
    >>> table = gbimb.datasets.load("yeast_me2")
    >>> clf = gbimb.ImbalancedLGBMClassifier(random_state=0).fit(table.X[::2], table.y[::2])
    >>> test = table.X.assign(label=table.y)[1::2]
    >>> facts = evaluate(clf, test, "label", costs={"fp": 1, "fn": 20}).facts
    >>> bool(facts["cost"]["chosen"] < facts["cost"]["nobody"])
    True
    """
    name = "the data frame" if isinstance(data, pd.DataFrame) else Path(data).name
    request = EvaluationRequest(name, target, weight, identifier, group, time, known)
    every = _check_arguments(model, request, costs)
    known_labels = label_options(model, target, known)
    request = replace(request, known=known_labels, costs=cost_columns(every))
    pieces, digest = _open(data, [*text_to_read(model, request), *identifier], known)
    rows = score_rows(model, watch(pieces), request)
    _require_two_classes(rows, request)
    about, two = describe_model(model), len(rows.names) == 2
    in_time = over_time(rows, positive_code(model) if two else None)
    more = compare_with_training(model, rows, train, request)
    more += [] if in_time is None else [changes_with_time(in_time)]
    facts, displays, table = (
        binary_facts(about, rows, every, more) if two else many_facts(about, rows, more)
    )
    facts |= {"title": name, "command": command, **_provenance(about, rows, request)}
    facts |= {"over_time": in_time, "groups": _number_of_groups(rows)}
    facts["verdict"] += promised(about)
    facts["data"]["sha256"] = digest
    facts["model"]["sha256"] = None if model_file is None else _hash([model_file])
    return Evaluation(facts, displays, table)


def _provenance(
    model: dict[str, Any], rows: EvaluatedRows, request: EvaluationRequest
) -> dict[str, Any]:
    """Return what the numbers were made from."""
    return {
        "format": FORMAT,
        "model": model_facts(model),
        "importances": importances(model),
        "mistakes": {kind: _records(frame) for kind, frame in rows.mistakes.items()},
        "data": {
            "file": request.file,
            "target": request.target,
            "weight": request.weight,
            "group": request.group,
            "time": request.time,
        },
        "versions": environment(),
    }


def _check_arguments(
    model: Any,
    request: EvaluationRequest,
    costs: Mapping[str, float | str] | None,
) -> dict[str, float | str] | None:
    """Return the cost of every outcome; raise if columns or costs cannot be used."""
    columns = (
        ("target", request.target, "label"),
        ("weight", request.weight, "weight"),
        ("group", request.group, "group"),
        ("time", request.time, "time"),
    )
    for name, given, what in columns:
        if not pd.api.types.is_hashable(given):  # labels or weights instead of their column
            msg = (
                f"{name} must be the name of the column with the {what} in data, got a "
                f"{type(given).__name__}. Put it into data, with data.assign({what}={name}), and "
                f"give {what!r}."
            )
            raise InvalidTypeError(msg)
    if costs is not None and len(model.classes_) > 2:
        msg = f"costs must be None for more than two classes, got a model of {len(model.classes_)}."
        raise InvalidParameterError(msg)
    return None if costs is None else check_costs(costs)


def _require_two_classes(rows: EvaluatedRows, request: EvaluationRequest) -> None:
    counts = np.bincount(rows.codes, rows.weight, len(rows.names))
    if np.count_nonzero(counts) < 2:
        only = rows.names[int(np.argmax(counts))]
        weighted = "" if request.weight is None else " with weight"
        msg = (
            f"{request.file!r} must have rows{weighted} of two classes or more, got only {only!r}."
        )
        raise InvalidDataError(msg)


def _open(
    data: pd.DataFrame | str | Path, text: Sequence[str], known: ReadOptions
) -> tuple[Iterator[pd.DataFrame], str | None]:
    """Return the pieces of the rows, and a hash of files.

    ``text`` names columns to read as text, such as an identifier 007.
    """
    if isinstance(data, pd.DataFrame):
        return iter([data]), None
    return chunks(Path(data), "data", text, known=known), _hash(list_files(Path(data), "data"))


def _number_of_groups(rows: EvaluatedRows) -> int | None:
    return None if rows.groups is None else int(rows.groups.max()) + 1


def _records(frame: pd.DataFrame) -> dict[str, Any]:
    cells = [[_cell(value) for value in row] for row in frame.to_numpy(object).tolist()]
    return {"columns": [str(name) for name in frame.columns], "rows": cells}


def _cell(value: Any) -> Any:
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return None
    return value if isinstance(value, bool | int | float | str) else str(value)


def _hash(files: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        with file_errors(file), file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()
