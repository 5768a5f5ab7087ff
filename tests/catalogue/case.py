"""One row of the catalogue, and what every refusal has to be."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from gbimb.exceptions import GbimbError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# A rule ("must be a number"), or a clause that begins with what to do ("Use ...").
ALLOWED = re.compile(
    r"\b(must|may|needs?) \w+|that end in \.|"
    r"(^|[.:;,] |\()(?i:use|give|name|leave|lower|call|convert|encode|take|drop|set|pass|replace|"
    r"fill|fit|write)\b"
)


@dataclass(frozen=True)
class Case:
    """What comes in wrong, and what the sentence about it has to say.

    Attributes
    ----------
    name : str
        What is wrong.
    argument : str
        The argument, column or file that the sentence names.
    got : str
        What came, as the sentence shows it.
    act : callable
        Does it.
    """

    name: str
    argument: str
    got: str
    act: Callable[..., Any]


def each(cases: Sequence[Case]) -> pytest.MarkDecorator:
    """Run a test for each case, under its name."""
    names = [case.name for case in cases]
    assert len(set(names)) == len(names)
    return pytest.mark.parametrize("case", cases, ids=names)


def check_refused(case: Case, *given: object) -> None:
    """Fail unless the case is refused with a sentence that says all that it has to."""
    with pytest.raises(GbimbError) as caught:
        case.act(*given)
    error, sentence = caught.value, str(caught.value)
    assert isinstance(error, ValueError | TypeError)
    assert case.argument in sentence, sentence
    assert case.got in sentence, sentence
    assert ALLOWED.search(sentence), sentence
    assert sentence.endswith((".", "?")), sentence
    assert len(sentence) < 700, sentence


def no_training(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the first round of any booster fail the test: refusals come before any work."""

    def boost(*_: object, **__: object) -> None:
        pytest.fail("a booster was trained on bad input")

    monkeypatch.setattr("gbimb.training.stages.boost", boost)


def rows(n: int = 240) -> tuple[np.ndarray, np.ndarray]:
    """A small table of numbers, with about one positive in eight."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 4))
    return X, (X[:, 0] + rng.normal(size=n) > 1.6).astype(int)
