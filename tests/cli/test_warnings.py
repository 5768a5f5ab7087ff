"""Warnings of gbimb are notes on the command line; those of others are left as they are."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import NoReturn

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from gbimb import estimators
from gbimb.cli import app
from gbimb.exceptions import InvalidDataError, warn

PREDICT = ["predict", "m.gbimb", "new.csv", "--out", "s.csv"]


@pytest.fixture
def _warned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("m.gbimb").write_bytes(b"PK\3\4")
    Path("new.csv").write_text("x\n1\n")

    def load(_: object) -> NoReturn:
        warnings.warn("said by pandas", UserWarning, stacklevel=1)
        for text in ("Look\n at \x1b[2J.", "Look at \x1b[2J.", "And there."):
            warn(text)
        msg = "No model."
        raise InvalidDataError(msg)

    monkeypatch.setattr(estimators, "load", load)
    monkeypatch.setattr("gbimb.model.summary.read_summary", load)


@pytest.mark.usefixtures("_warned")
@pytest.mark.parametrize("arguments", [["inspect", "m.gbimb"], PREDICT], ids=lambda a: a[0])
def test_each_warning_is_a_note_once_and_those_of_others_are_left(arguments: list[str]) -> None:
    before = warnings.showwarning, list(warnings.filters)
    with pytest.warns(UserWarning, match="said by pandas") as caught:
        result = CliRunner().invoke(app, arguments)
    assert result.stderr.splitlines() == [
        r"Note: Look at \x1b[2J.",
        "Note: And there.",
        "gbimb: No model.",
    ]
    assert [str(warning.message) for warning in caught] == ["said by pandas"]
    assert (warnings.showwarning, list(warnings.filters)) == before


@pytest.mark.usefixtures("_warned")
def test_quiet_leaves_the_notes_out_and_the_errors_in() -> None:
    with pytest.warns(UserWarning, match="said by pandas"):
        result = CliRunner().invoke(app, [*PREDICT, "--quiet"])
    assert result.stderr == "gbimb: No model.\n"


def test_a_fit_on_few_positives_says_what_the_command_line_can_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    pd.DataFrame({"x": rng.normal(size=99), "y": np.arange(99) < 8}).to_csv("few.csv", index=False)
    arguments = ["fit", "few.csv", "--target", "y", "--out", "m.gbimb", "--jobs", "1"]
    result = CliRunner().invoke(app, [*arguments, "--loss", "focal"])
    assert result.exit_code == 0
    (line,) = result.stderr.splitlines()
    assert line.startswith("Note: The threshold stays at 0.5, ")
    assert line.endswith(". Give a number of folds with --validation.")
    assert Path("m.gbimb").exists()
