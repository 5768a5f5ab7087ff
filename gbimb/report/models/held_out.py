"""The rows that a model of gbimb held out in training, as a report sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gbimb.exceptions import InvalidParameterError
from gbimb.report._rows import EvaluatedRows

if TYPE_CHECKING:
    from gbimb.report.models.judged import JudgedClassifier

MOST_REPEATED: Final = 5_000_000
NAME: Final = "the rows held out in training"
CAUTION: Final = (
    "These rows were held out in training, but they chose the threshold and when to stop: "
    "expect slightly lower scores on new rows."
)


def held_out_rows(model: JudgedClassifier) -> EvaluatedRows:
    """Return labels and probabilities of the rows that the model held out.

    Raises
    ------
    InvalidParameterError
        If it kept none.
    """
    kept = getattr(getattr(model.model, "model_", None), "held_out", None)
    if kept is None:
        msg = (
            f"data must be a table with labels: the {type(model.model).__name__} kept no held-out "
            "rows."
        )
        raise InvalidParameterError(msg)
    fitted = model.model.model_
    adapted = fitted.adapted_to
    weight = np.asarray(kept.weight if adapted is None else kept.under(adapted), np.float64)
    proba, codes = np.asarray(kept.proba, np.float64), np.asarray(kept.codes, np.intp)
    if proba.ndim == 1:
        at = fitted.classes.positive_code
        codes = np.where(codes == 1, at, 1 - at)
        proba = fitted.classes.columns(proba)
    whole = bool((weight == np.rint(weight)).all()) and weight.sum() <= MOST_REPEATED
    if whole:  # rows that were put together are rows again, so that intervals are right
        times = weight.astype(np.intp)
        codes, proba = np.repeat(codes, times), np.repeat(proba, times, axis=0)
    predicted: Any = fitted.rule.decide(proba)
    return EvaluatedRows(
        model.names,
        codes=codes,
        predicted=np.asarray(predicted, np.intp),
        proba=proba,
        uncorrected=proba,
        weight=None if whole else weight,
        prints=np.zeros(0, np.uint64),
    )
