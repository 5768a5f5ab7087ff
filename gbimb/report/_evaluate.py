"""From a model and a table to the numbers of a report."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from gbimb.exceptions import InvalidDataError, InvalidParameterError
from gbimb.report._binary import binary_facts
from gbimb.report._cost import check_costs, cost_columns
from gbimb.report._model import environment, importances, model_facts, promised
from gbimb.report._multiclass import many_facts
from gbimb.report._over_time import changes_with_time, over_time
from gbimb.report._rows import EvaluatedRows, EvaluationRequest, score_rows
from gbimb.report._training_rows import compare_with_training
from gbimb.report.models.compare import compare, sentences
from gbimb.report.models.held_out import CAUTION, held_out_rows
from gbimb.report.models.held_out import NAME as HELD_OUT
from gbimb.report.models.judged import JudgedClassifier, check_model
from gbimb.report.models.notebook import fragment
from gbimb.report.models.opening import baseline_of, open_rows, request_of
from gbimb.report.models.permutation import permutation_importances
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

    def _repr_html_(self) -> str:
        """Return what a notebook shows: verdict, scores, warnings, the report to unfold."""
        from gbimb.report._render import evaluation_page

        try:
            page = evaluation_page(self.facts, self.displays, self.table)
        except ImportError:  # jinja2 or matplotlib
            page = None
        return fragment(self.facts, page)

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
    model: Any,  # any fitted classifier
    data: Any = None,  # any table
    target: Any = None,  # a name or labels
    *,
    weight: str | None = None,
    identifier: Sequence[str] = (),
    costs: Mapping[str, float | str] | None = None,
    train: str | Path | None = None,
    group: str | None = None,
    time: str | None = None,
    against: Mapping[str, Any] | None = None,
    baseline: str | None = None,
    name: str | None = None,
    permutation: bool | None = None,
    model_file: Path | None = None,
    command: str = "",
    known: ReadOptions = AS_FOUND,
    watch: Watch = iter,
) -> Evaluation:
    """Evaluate a fitted classifier on rows that it was not trained on.

    Parameters
    ----------
    model : fitted classifier
        One of gbimb, or any other with ``predict_proba``, such as a scikit-learn pipeline or a
        plain ``LGBMClassifier``: of two labels the rarer is then positive, and the threshold is
        the one that its ``predict`` uses.
    data : DataFrame, str, Path, or any table ``X`` that the model predicts; optional
        The rows; for gbimb's models a file or a folder of files is read piece by piece. None is
        the rows that a model of gbimb held out in training.
    target : str or array of shape (n,)
        The column with the label, or the labels ``y`` of the rows of ``X``.
    weight : str, optional
        A column with the weight of a row.
    identifier : sequence of str
        Columns that identify the rows, shown with the mistakes.
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
    against : mapping of str to fitted classifier, optional
        Other models for the same rows, by name: scores and paired differences are given.
    baseline : str, optional
        The one of them, or ``name``, that the others are compared with; by default the last.
    name : str, optional
        What to call the model; by default its class.
    permutation : bool, optional
        Whether to shuffle one column after the other, to see how much average precision falls,
        which takes its time; by default for models that are not gbimb's, which have importances.
    model_file, command : Path and str, optional
        The model's file and the command line, shown to reproduce the report.
    known : ReadOptions, optional
        How files are read where their cells leave a choice, and what is done to labels; by default
        as at fit.
    watch : callable, optional
        Passes the pieces on and shows progress.

    Raises
    ------
    GbimbError
        If the model is not a fitted classifier with probabilities, or an argument cannot be used.

    Examples
    --------
    >>> import gbimb
    >>> from sklearn.linear_model import LogisticRegression
    >>> table = gbimb.datasets.load("yeast_me2")
    >>> clf = gbimb.ImbalancedLGBMClassifier(random_state=0).fit(table.X[::2], table.y[::2])
    >>> test = table.X.assign(label=table.y)[1::2]
    >>> facts = evaluate(clf, test, "label", costs={"fp": 1, "fn": 20}).facts
    >>> bool(facts["cost"]["chosen"] < facts["cost"]["nobody"])
    True
    >>> linear = LogisticRegression().fit(table.X[::2], table.y[::2])
    >>> found = evaluate(clf, table.X[1::2], table.y[1::2], against={"linear": linear})
    >>> found.facts["comparison"]["models"][0]["differences"]["mcc"]["value"] > 0
    True
    """
    every = check_costs_of(model, costs)
    asked = {"weight": weight, "identifier": identifier, "group": group, "time": time}
    request = request_of(data, target, known, costs=cost_columns(every), **asked)
    if data is None:
        judged = JudgedClassifier.of(model)
        rows, request = held_out_rows(judged), replace(request, file=HELD_OUT)
    else:
        judged, pieces, request = open_rows(model, data, target, request)
        rows = score_rows(judged, watch(pieces), request)
    _require_two_classes(rows, request)
    about, two = judged.describe(), len(rows.names) == 2
    in_time = over_time(rows, judged.positive_code)
    more = compare_with_training(judged, rows, train, request)
    more += [] if in_time is None else [changes_with_time(in_time)]
    facts, displays, table = (
        binary_facts(about, rows, every, more) if two else many_facts(about, rows, more)
    )
    facts |= {"title": request.file, "command": command, **_provenance(about, rows, request)}
    groups = None if rows.groups is None else int(rows.groups.max()) + 1
    facts |= {"over_time": in_time, "groups": groups}
    facts["verdict"] += [CAUTION] if data is None else promised(about)
    wanted = not judged.own if permutation is None else permutation
    facts["permutation"] = _permutation(judged, rows) if wanted else None
    facts["comparison"] = None
    if against:
        own = name or about["class"]
        base = baseline_of(against, own, baseline)
        others = {k: _score(each, data, target, request) for k, each in against.items()}
        facts["comparison"] = compare({own: rows} | others, base, judged.positive_code, every)
        facts["verdict"] += sentences(facts["comparison"])
    facts["data"]["sha256"] = _hash_of(data)
    facts["model"]["sha256"] = None if model_file is None else _hash([model_file])
    return Evaluation(facts, displays, table)


def _score(model: Any, data: Any, target: Any, request: EvaluationRequest) -> EvaluatedRows:
    if data is None:
        msg = "against needs data: two models held out rows of their own."
        raise InvalidParameterError(msg)
    judged, pieces, own = open_rows(model, data, target, replace(request, identifier=()))
    return score_rows(judged, pieces, own)


def _permutation(model: JudgedClassifier, rows: EvaluatedRows) -> dict[str, Any] | None:
    if rows.sample.empty:
        return None
    totals = np.bincount(rows.codes, rows.weight, len(rows.names)).astype(np.float64)
    return permutation_importances(model, rows.sample, rows.sample_codes, totals)


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


def check_costs_of(
    model: Any, costs: Mapping[str, float | str] | None
) -> dict[str, float | str] | None:
    """Return the cost of every outcome; raise if they cannot be used."""
    check_model(model)
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


def _hash_of(data: Any) -> str | None:
    """Return a hash of files; None of tables in memory."""
    return _hash(list_files(Path(data), "data")) if isinstance(data, str | Path) else None


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
