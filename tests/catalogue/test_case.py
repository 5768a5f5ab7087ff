"""What the catalogue takes for a sentence that says what is allowed, or what to do."""

from __future__ import annotations

import pytest

from tests.catalogue.case import ALLOWED


@pytest.mark.parametrize(
    "sentence",
    [
        "gamma must be a number in [0, 100], got -1.",
        "gamma=1.0 would be ignored: loss='logistic' has no such parameter; leave it at None.",
        "y holds one class, got 3. Give rows of both.",
    ],
)
def test_a_rule_or_a_remedy_is_found(sentence: str) -> None:
    assert ALLOWED.search(sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "gamma would be ignored, got -1.",
        "gamma cannot be -1, it is not useful.",
        "X has no name because of a given value, and do not ask.",
        "could not convert string to float: 'a'",
    ],
)
def test_a_complaint_alone_is_not_enough(sentence: str) -> None:
    assert not ALLOWED.search(sentence)
