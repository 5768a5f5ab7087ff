"""What ``gbimb inspect`` prints of a file that somebody else wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from typer.testing import CliRunner

import gbimb
from gbimb.cli import app
from gbimb.cli._inspect import _in_words

if TYPE_CHECKING:
    from pathlib import Path

CLEAR = "\x1b[2J"


def test_control_characters_of_a_model_file_do_not_reach_the_terminal(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    X = pd.DataFrame({f"score{CLEAR}": rng.normal(size=300), "two\nlines": rng.normal(size=300)})
    y = np.where(X.iloc[:, 0] > 1, f"yes{CLEAR}", "no")
    clf = gbimb.ImbalancedXGBClassifier(n_estimators=5, learning_rate=0.3, random_state=0)
    clf.fit(X, y)
    clf.validation_ = f"somewhere{CLEAR}"
    clf.save(tmp_path / "m.gbimb")
    out = CliRunner().invoke(app, ["inspect", str(tmp_path / "m.gbimb")]).stdout
    assert out.replace("\n", "").isprintable()
    for words in (r"score\x1b[2J", r"two\nlines", r"yes\x1b[2J", r"somewhere\x1b[2J"):
        assert words in out


def test_the_words_of_an_automatic_choice_keep_their_lines() -> None:
    facts: dict[str, Any] = {
        "model": "AutoImbalancedClassifier",
        "bytes": 1024,
        "classes": ["no", "yes"],
        "choice": f"Focal loss{CLEAR}.\nIt won.",
        "columns": [],
    }
    assert "\nFocal loss\\x1b[2J.\nIt won.\n" in _in_words(facts)
