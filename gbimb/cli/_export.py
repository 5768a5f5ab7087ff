"""``gbimb export``: a model file in, an ONNX file out."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from gbimb.cli._app import app, check_not_read, exit_codes, print_json
from gbimb.cli._notes import notes
from gbimb.cli._options import Model
from gbimb.cli._paths import check_model, check_new, replaced

_EPILOG = """\b
Examples:
  gbimb export churn.gbimb --onnx churn.onnx
  gbimb export churn.gbimb --onnx churn.onnx --columns

\b
Exit codes:
  0    done
  1    the file could not be written
  2    the model cannot be read, or has no form in ONNX; nothing was written
"""


@app.command(epilog=_EPILOG, short_help="Write a model as an ONNX file, to score without Python.")
def export(
    model: Model,
    onnx: Annotated[Path, typer.Option(help="The file to write.")],
    columns: Annotated[
        bool,
        typer.Option(
            "--columns", help="One input per column, categories as texts, instead of a matrix."
        ),
    ] = False,
    overwrite: Annotated[
        bool,
        typer.Option("--overwrite", help="Replace the file that --onnx names, whatever it is."),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print what was written as JSON.")
    ] = False,
) -> None:
    """Write a model as an ONNX file, which any ONNX runtime scores: Java, C#, JavaScript, C++.

    Trees, link, calibration and decision are inside. The file is compared with the model before
    it takes its place.
    """
    with exit_codes({"path": "--onnx"}):
        check_model(model)
        check_not_read("--onnx", [onnx], model)
        check_new(onnx, "--onnx", lambda path: path.suffix == ".onnx", overwrite=overwrite)
        notes(replaced(onnx), quiet=False)
        from gbimb.estimators import load

        estimator = load(model)
        estimator.to_onnx(onnx, columns=columns)
        name, size = type(estimator).__name__, onnx.stat().st_size
        inputs = estimator.n_features_in_ if columns else 1
        following = shlex.join(["gbimb", "inspect", str(model)])
        if as_json:
            facts = {"model": name, "out": str(onnx), "bytes": size, "inputs": inputs}
            print_json({**facts, "next": following})
        else:
            typer.echo(
                f"{name} was written to {onnx} ({size / 1024:,.0f} KiB). It "
                "gives the same labels and probabilities on rows at each of its splits.\n"
                f"Next, for the names and kinds of its inputs: {following}"
            )
