from __future__ import annotations

import pandas as pd
import pytest

from gbimb.exceptions import InvalidDataError, InvalidParameterError
from gbimb.tables.files.match import match_label, require_labels


@pytest.mark.parametrize(
    ("positive", "labels", "label"),
    [
        ("yes", ["no", "yes"], "yes"),
        ("1", [0, 1], 1),
        ("1", [0.0, 1.0], 1.0),
        ("1.0", ["0", "1"], "1"),
        ("true", [False, True], True),
        ("TRUE", ["False", "True"], "True"),
    ],
)
def test_a_positive_label_is_found_by_text_number_or_truth_value(
    positive: str, labels: list[object], label: object
) -> None:
    assert match_label(positive, labels) == label


@pytest.mark.parametrize("positive", ["Yes", "2", "true"])
def test_another_spelling_is_another_label(positive: str) -> None:
    with pytest.raises(InvalidParameterError, match="positive must be one of"):
        match_label(positive, ["yes", "no", "1"])


def test_missing_labels_are_counted() -> None:
    require_labels(pd.Series(["a", "b"]), "t")
    with pytest.raises(InvalidDataError, match="'t' must have a label in every row, got 2 missing"):
        require_labels(pd.Series(["a", None, float("nan")]), "t")
