"""What people read is in the field's words: a list of phrases that nobody should have to decode."""

from __future__ import annotations

import io
import json
import re
import tokenize
from pathlib import Path
from typing import Final

import pytest

import gbimb

PACKAGE = Path(gbimb.__file__).parent
ROOT = PACKAGE.parent

BANNED: Final = {
    r"nothing that shows": "no measurable gain",
    r"brings? nothing": "no measurable gain",
    r"brings? no measurable": "has no measurable gain",
    r"made tables?": "synthetic tables",
    r"gravest mistakes?": "worst mistakes",
    r"to do it again": "reproduce",
    r"turned down": "down-weighted",
    r"as far as these rows can tell": "95 % interval",
    r"for all that they can tell": "95 % interval",
    r"one that is none": "invalid, missing",
    r"and is none": "but is not one",
    r"kinds of trees": "members",
    r"tables of two kinds": "two members",
    r"learnt from": "trained on",
    r"learnt on": "fitted on, trained on",
    r"with what to use instead": "with a message that names the alternative",
    r"without a word": "silently",
    r"no word from": "no message from",
    r"rows? that it calls": "rows it flags",
    r"is the line to beat": "the baseline",
    r"cost and bring": "cost, and what is gained",
    r"beside other work": "while other work was running",
    r"we can believe it": "this is plausible",
    r"freed from (them|the weights)": "corrected for",
    r"fewer than [\d,]+ of the second class are cross-fitted": "five folds, because ...",
    r"earns? its keep": "is worth its cost",
    r"as good as equal": "not measurably different",
    r"knows better": "say what it does",
    r"never says so": "silently",
    r"cannot be told from": "does not differ measurably from",
    r"(script|scores|dates|files) wants?": "needs",
    r"(be|have|only) mend(ed|s)": "corrected, fixed",
    r"heeds? no": "ignores",
    r"its own affair": "it must handle ... itself",
    r"and its kin\b": "and similar methods",
    r"too sure of themselves": "overconfident",
    r"of a kind that training never saw": "that no training row had",
    r"(if|that|may) (they )?name the rows": "identifiers",
    r"taken as amounts": "taken as numbers",
    r"chance does not explain": "beyond chance",
    r"making them again": "reproducing them",
    r"mostly, do not": "usually there is no need to",
}
"""Patterns, and what to write instead."""


def texts() -> list[Path]:
    found = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *PACKAGE.rglob("*.md")]
    found += [*(ROOT / "benchmarks").rglob("*.md"), *(ROOT / "notebooks").glob("*.ipynb")]
    return [*found, *PACKAGE.rglob("*.j2"), *PACKAGE.rglob("*.py")]


def read(path: Path) -> str:
    """Return what people read: of notebooks text and code, of modules strings and comments."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        return "\n".join("".join(cell["source"]) for cell in json.loads(text)["cells"])
    if path.suffix != ".py":
        return text
    kinds = {tokenize.STRING, tokenize.COMMENT}
    kinds |= {getattr(tokenize, name, -1) for name in ("FSTRING_MIDDLE",)}
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return "\n".join(token.string for token in tokens if token.type in kinds)


@pytest.mark.parametrize("path", texts(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_phrase_needs_decoding(path: Path) -> None:
    text = " ".join(read(path).split())
    found = {
        match[0]: f"write {instead!r}"
        for pattern, instead in BANNED.items()
        for match in re.finditer(rf"\b{pattern}", text, re.IGNORECASE)
    }
    assert found == {}


def test_the_phrases_are_found_over_line_breaks_and_in_strings(tmp_path: Path) -> None:
    module = tmp_path / "m.py"
    module.write_text('"""Rows are\nturned\ndown."""\nturned = down = 1\n')
    assert re.search(r"turned down", " ".join(read(module).split()))
    module.write_text("turned = down = 1\n")
    assert not read(module)
