"""Arguments and options of the commands, each with its help in one place."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, TypeAlias

import typer

TABLES: Final = (
    ".csv, .csv.gz (or .bz2, .xz, .zip, .zst), .tsv, .parquet, or a folder of such files"
)
ENGINES: Final = "lightgbm, xgboost, auto"

# Of several commands.
Model: TypeAlias = Annotated[
    Path, typer.Argument(help="A file that gbimb fit, or .save, has written.")
]
NewRows: TypeAlias = Annotated[Path, typer.Argument(help=f"New rows: {TABLES}.")]
Weight: TypeAlias = Annotated[str | None, typer.Option(help="Column with weights of the rows.")]
Group: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="Column that is equal for rows that belong together, such as those of a customer: "
        "they are held out together. Not trained on."
    ),
]
Time: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="Column of dates or numbers: later rows are held out from earlier ones, and the "
        "model serves the newest. Not trained on."
    ),
]
Jobs: TypeAlias = Annotated[int | None, typer.Option(help="Threads. Default: one per processor.")]
Report: TypeAlias = Annotated[
    Path | None,
    typer.Option(help="File for the report, .html; its numbers go beside it, as JSON and CSV."),
]
Quiet: TypeAlias = Annotated[bool, typer.Option("--quiet", "-q", help="No bar, no notes.")]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]

# Of how files are read.
MissingMark: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--missing",
        metavar="<str>",
        help="A cell that is a missing value in every column, such as ? or -999; repeatable.",
    ),
]
DecimalMark: TypeAlias = Annotated[
    str | None,
    typer.Option(help="The decimal mark, . or a comma, where numbers could have either."),
]
DateOrder: TypeAlias = Annotated[
    str | None,
    typer.Option(help="dayfirst or monthfirst, where dates could be either, such as 03/04/2025."),
]
LabelSteps: TypeAlias = Annotated[
    str | None,
    typer.Option(help="What to do to labels that are text: trim (blanks), lower, or trim,lower."),
]
Encoding: TypeAlias = Annotated[
    str | None,
    typer.Option(help="Of CSV files, such as latin-1. Default: utf-8, or a guess that is said."),
]

# Of gbimb fit.
TrainingFile: TypeAlias = Annotated[
    Path,
    typer.Argument(
        help=f"Your table: {TABLES}. A folder of Parquet files is read piece by piece, "
        "except with --loss auto."
    ),
]
Target: TypeAlias = Annotated[
    str, typer.Option(help="Column with the label, of two classes or more.")
]
ModelOut: TypeAlias = Annotated[Path, typer.Option(help="File for the model.")]
Positive: TypeAlias = Annotated[
    str | None, typer.Option(help="Of two labels, the positive one. Default: the rarer.")
]
EngineName: TypeAlias = Annotated[
    str | None,
    typer.Option(help=f"One of {ENGINES}. Default: lightgbm, with --loss auto both."),
]
MetricName: TypeAlias = Annotated[
    str,
    typer.Option(
        help="What to stop on and to choose the threshold for: mcc, f1, balanced_accuracy, ..."
    ),
]
ThresholdRule: TypeAlias = Annotated[
    str,
    typer.Option(
        help='A rule such as "precision >= 0.9", "recall >= 0.8", "fpr <= 0.01" or "alerts <= '
        '0.005", the name of a metric, a number in [0, 1], or auto: what --metric asks for.'
    ),
]
Confidence: TypeAlias = Annotated[
    float | None,
    typer.Option(
        help="With which a rule is to hold on new rows, such as 0.95. Default: on average."
    ),
]
TimeBudget: TypeAlias = Annotated[
    float | None, typer.Option(help="Seconds to search, with --loss auto. Default: 60.")
]
Validation: TypeAlias = Annotated[
    str, typer.Option(help="One of auto, holdout, or a number of folds >= 2.")
]
Identifier: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--id",
        metavar="<str>",
        help="A column that identifies the rows, not trained on; repeatable.",
    ),
]
Drop: TypeAlias = Annotated[
    list[str] | None, typer.Option(metavar="<str>", help="A column to leave out; repeatable.")
]
ClassCost: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="What a wrong prediction costs, such as fp=5,fn=100: gives the threshold, "
        "5 / (5 + 100), which costs least where probabilities are true. With a column, such as "
        "fp=5,fn=amount, held-out rows are judged by their own costs instead of --metric, and the "
        "threshold is the cheapest one; give the costs to predict and evaluate again."
    ),
]
Overwrite: TypeAlias = Annotated[
    bool, typer.Option("--overwrite", help="Replace the file that --out names, whatever it is.")
]
Seed: TypeAlias = Annotated[int, typer.Option(help="Seed of folds, trees and threshold.")]
Dask: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="Train on a Dask cluster: the address of its scheduler, or local for workers "
        "on this machine."
    ),
]

# Of gbimb predict and gbimb evaluate.
ScoresOut: TypeAlias = Annotated[
    Path, typer.Option(help="File for the scores: .csv, .csv.gz or .parquet.")
]
NewThreshold: TypeAlias = Annotated[
    float | None,
    typer.Option(
        help="Flag rows from this probability on, such as the threshold that a report recommends. "
        "Default: that of the model."
    ),
]
PassedThrough: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--id", metavar="<str>", help="A column to pass through; repeatable."),
]
ModelsAndRows: TypeAlias = Annotated[
    list[Path],
    typer.Argument(
        metavar="MODEL... [DATA]",
        help="Files that gbimb fit has written, then rows with labels that the models have not "
        f"seen: {TABLES}.",
    ),
]
Baseline: TypeAlias = Annotated[
    Path | None,
    typer.Option(help="The model that others are compared with. Default: the last MODEL."),
]
Permutation: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--permutation",
        help="Shuffle one column after the other, to see how much the model needs it; takes a "
        "while.",
    ),
]
TestTarget: TypeAlias = Annotated[str | None, typer.Option(help="Column with the label, of DATA.")]
Cost: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="What a row costs when it is flagged or not, numbers or columns, such as "
        "fp=5,fn=amount; a negative number is a gain, as in tp=-20."
    ),
]
RowCost: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="What a wrong prediction costs, numbers or columns, such as fp=5,fn=amount: the least "
        "expected cost decides each row instead of the threshold."
    ),
]
Adapt: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--adapt",
        help="Estimate how many rows are positive, and adapt probabilities and threshold; the "
        "rows are read twice.",
    ),
]
Prevalence: TypeAlias = Annotated[
    float | None,
    typer.Option(help="The share of positive rows to adapt to, instead of --adapt."),
]
NamesMistakes: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--id",
        metavar="<str>",
        help="A column that identifies the rows among the mistakes; repeatable.",
    ),
]
FittedOn: TypeAlias = Annotated[
    Path | None,
    typer.Option(help="What the model was fitted on, to look for rows that are in both."),
]
TestGroup: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="Column that is equal for rows that belong together: the intervals are those of whole "
        "groups."
    ),
]
TestTime: TypeAlias = Annotated[
    str | None,
    typer.Option(help="Column of dates or numbers: scores are also given block by block in time."),
]

# Of gbimb benchmark.
OwnTable: TypeAlias = Annotated[
    Path | None, typer.Option(help=f"Your table: {TABLES}. Without it: built-in tables.")
]
OwnTarget: TypeAlias = Annotated[
    str | None, typer.Option(help="Column of your table with the label, of two classes or more.")
]
OwnPositive: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="Label of the positive class, predicted against all others. Default: the rarer of "
        "two; with more labels each is a class of its own."
    ),
]
OwnDrop: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(metavar="<str>", help="A column of your table to leave out; repeatable."),
]
OwnGroup: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="Column that is equal for rows that belong together: methods are compared on new "
        "groups. Not trained on."
    ),
]
OwnTime: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="Column of dates or numbers: methods are compared on later rows. Not trained on."
    ),
]
BuiltIn: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="Built-in tables, by comma. Default: the five with two classes; with more there "
        "are yeast_10class and page_blocks_5class."
    ),
]
Methods: TypeAlias = Annotated[
    str | None,
    typer.Option(help="Some of the methods below, by comma. Default: all but soft-mcc."),
]
QuickRun: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--quick",
        help="One fold of weighted-logloss, focal and portfolio: within a minute on the "
        "built-in tables.",
    ),
]
BenchmarkSeed: TypeAlias = Annotated[int, typer.Option(help="Seed of folds and classifiers.")]
Fits: TypeAlias = Annotated[
    int | None,
    typer.Option(help="Fits at a time, each on one thread. Default: one per processor."),
]
ResultsFolder: TypeAlias = Annotated[Path, typer.Option(help="Folder for results.")]
