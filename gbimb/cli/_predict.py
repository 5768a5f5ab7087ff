"""``gbimb predict``: a model and a file in, probabilities and labels out."""

from __future__ import annotations

import shlex
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import typer

from gbimb.cli._app import app, check_not_read, exit_codes, print_json, watched
from gbimb.cli._notes import notes
from gbimb.cli._options import (
    Adapt,
    AsJson,
    Jobs,
    Model,
    NewRows,
    NewThreshold,
    Overwrite,
    PassedThrough,
    Prevalence,
    Quiet,
    RowCost,
    ScoresOut,
)
from gbimb.cli._paths import check_both, check_columns, check_new, has_scores, replaced
from gbimb.cli._reading import reads_files
from gbimb.cli._row_costs import CostOption
from gbimb.exceptions import InvalidParameterError
from gbimb.validation import check_number

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from gbimb.tables.files.options import ReadOptions

SHOWN: Final = 10
"""Labels of many whose predictions are counted on the screen."""

_EPILOG = """\b
Examples:
  gbimb predict churn.gbimb new.csv --out scores.csv
  gbimb predict churn.gbimb new.parquet --out scores.parquet --id customer
  gbimb predict churn.gbimb folder/ --out scores.parquet
  gbimb predict churn.gbimb new.csv --out scores.csv --threshold 0.21
  gbimb predict fraud.gbimb new.csv --out scores.csv --cost fp=5,fn=amount --adapt

\b
Exit codes:
  0    done
  1    the file could not be written
  2    wrong input; nothing was written
  130  interrupted; nothing was written
"""


@app.command(epilog=_EPILOG, short_help="Write the probability and the label of each row.")
@reads_files("labels")
def predict(
    model: Model,
    data: NewRows,
    out: ScoresOut,
    identifier: PassedThrough = None,
    threshold: NewThreshold = None,
    cost: RowCost = None,
    adapt: Adapt = False,
    prevalence: Prevalence = None,
    jobs: Jobs = None,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
    *,
    known: ReadOptions,
) -> None:
    """Write the probability and the label of each row, in the order of the rows.

    The rows are read piece by piece. Columns are matched by name; those that the model does not
    know are left out. "probability" is that of the positive label in the data as they come; with
    more than two classes there is a column for each.

    --adapt and --prevalence are for rows among which the classes have other shares than in
    training, but look the same otherwise; a note says so if they do not.
    """
    with exit_codes():
        check_both(model, data, "predict")
        _check_names(identifier or [])
        check_not_read("--out", [out], data, model)
        check_new(out, "--out", has_scores, overwrite=overwrite)
        costs = _checked_decision(threshold, cost, adapt=adapt, prevalence=prevalence)
        from gbimb.tables.files.read import check_ending

        check_ending(out, "--out")
        ids = identifier or []
        check_columns(data, known, {"--id": ids, "--cost": costs.columns if costs else []})
        from gbimb.estimators import load
        from gbimb.tables.files.chunks import chunks_with_ids
        from gbimb.tables.files.match import text_columns
        from gbimb.tables.files.write import write_table

        fitted = load(model).set_params(n_jobs=jobs)
        fitted, found = _adapted(fitted, data, known, adapt=adapt, prevalence=prevalence)
        if threshold is not None:
            _decide_at(fitted, threshold)
        notes(replaced(out), quiet=quiet)
        with write_table(out, "--out") as writer:
            pieces = chunks_with_ids(data, "DATA", ids, text_columns(fitted), known=known)
            scores = (
                _scores(fitted, *piece, data.name, ids, known=known, costs=costs)
                for piece in pieces
            )
            predicted: Counter[str] = Counter()
            for piece in watched(scores, "Predicting", data, quiet=quiet or as_json):
                writer.write(piece)
                predicted.update(map(str, piece["label"]))
        facts: dict[str, Any] = {"out": str(out), "rows": writer.rows, **found}
        facts["predicted"] = {label: predicted[label] for label in map(str, fitted.classes_)}
        facts["positive"] = None if fitted.pos_label_ is None else str(fitted.pos_label_)
        facts["next"] = shlex.join(["gbimb", "monitor", str(model), str(data)])
        if as_json:
            print_json(facts)
        else:
            typer.echo(_in_words(facts))


def _checked_decision(
    threshold: float | None, cost: str | None, *, adapt: bool, prevalence: float | None
) -> CostOption | None:
    """Return the costs; raise where options contradict each other or cannot be used."""
    if threshold is not None and cost is not None:
        msg = f"Give either --threshold or --cost, got --threshold {threshold:g} and --cost {cost}."
        raise InvalidParameterError(msg)
    if threshold is not None:
        check_number("--threshold", threshold, low=0, high=1)
    if adapt and prevalence is not None:
        msg = "Give either --adapt or --prevalence, got both."
        raise InvalidParameterError(msg)
    if prevalence is not None:
        check_number("--prevalence", prevalence, low=0, high=1, low_open=True, high_open=True)
    return CostOption.parse(cost)


def _decide_at(fitted: Any, threshold: float) -> None:
    """Replace the threshold of the model."""
    if len(fitted.classes_) > 2:
        msg = f"--threshold is for two labels, got a model of {len(fitted.classes_)}. Leave it out."
        raise InvalidParameterError(msg)
    fitted.threshold_ = threshold


def _adapted(
    fitted: Any, data: Path, known: ReadOptions, *, adapt: bool, prevalence: float | None
) -> tuple[Any, dict[str, Any]]:
    """Return the model for the prevalence of the rows, and what is known of it."""
    if prevalence is not None:
        return fitted.adapt(prevalence=prevalence), {"prevalence": prevalence}
    if not adapt:
        return fitted, {}
    from gbimb.estimators.adapting import NewRows as Seen
    from gbimb.tables.files.chunks import chunks
    from gbimb.tables.files.match import match_columns, text_columns

    pieces = chunks(data, "DATA", text_columns(fitted), known=known)
    rows = Seen.merge(Seen.of(fitted, match_columns(fitted, p, data.name, known)) for p in pieces)
    copy = fitted.adapt(rows)
    ends = copy.prevalence_estimate_
    return copy, {"prevalence": copy.prevalence_, "low": ends.low, "high": ends.high}


def _in_words(facts: dict[str, Any]) -> str:
    counts = facts["predicted"]
    shown = [facts["positive"]] if facts["positive"] is not None else [*counts][:SHOWN]
    listing = ", ".join(f"{counts[label]:,} are predicted {label!r}" for label in shown)
    more = ", ..." if facts["positive"] is None and len(counts) > SHOWN else ""
    lines = [f"{facts['rows']:,} rows written to {facts['out']}; {listing}{more}."]
    if "low" in facts and isinstance(facts["low"], float):
        lines.append(
            f"Adapted to a prevalence of {facts['prevalence']:.3g} (95 % interval "
            f"{facts['low']:.3g} to {facts['high']:.3g})."
        )
    lines.append(f"Next, to see whether the rows are like those of training: {facts['next']}")
    return "\n".join(lines)


def _check_names(identifier: list[str]) -> None:
    for name in identifier:
        if name == "label" or name.startswith("probability"):
            msg = f"--id must not have the name of a column of the scores, got {name!r}."
            raise InvalidParameterError(msg)


def _scores(
    model: Any,
    frame: pd.DataFrame,
    ids: pd.DataFrame,
    file: str,
    identifier: list[str],
    *,
    known: ReadOptions,
    costs: CostOption | None,
) -> pd.DataFrame:
    from gbimb.tables.files.match import match_columns
    from gbimb.tables.files.read import require_columns

    named = [] if costs is None else costs.columns
    require_columns(frame.columns, file, {"--id": identifier, "--cost": named})
    proba = model.predict_proba(match_columns(model, frame, file, known))
    classes = model.classes_.tolist()
    if len(classes) == 2:
        columns = {"probability": proba[:, classes.index(model.pos_label_)]}
    else:
        columns = {f"probability_{label}": proba[:, k] for k, label in enumerate(classes)}
    rule = model.model_.rule if costs is None else costs.rule(model, frame)
    columns["label"] = model.classes_[rule.decide(proba)]
    return ids.assign(**columns)
