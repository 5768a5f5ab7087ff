"""LightGBM's boosters as text in a model file, checked before LightGBM reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import lightgbm as lgb

from gbimb.engines.lightgbm.text_check import check_lightgbm
from gbimb.exceptions import InvalidDataError
from gbimb.json_text import shown

if TYPE_CHECKING:
    from collections.abc import Sequence

SUFFIX: Final = "txt"


def version() -> str:
    """Return the version of LightGBM."""
    return str(lgb.__version__)


def dump(booster: lgb.Booster) -> bytes:
    """Return the text of all trees."""
    text: str = booster.model_to_string(num_iteration=-1)
    return text.encode("utf-8")


def load(data: bytes, n_outputs: int, categories: Sequence[int | None]) -> lgb.Booster:
    """Return the booster in the text ``data``.

    Parameters
    ----------
    data : bytes
    n_outputs : int
        Raw scores a row.
    categories : sequence of int or None
        Number of categories of each column; None for a number.

    Raises
    ------
    InvalidDataError
        If the text is not a model of this form.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        msg = f"The LightGBM model must be UTF-8 text, got another byte at {error.start}."
        raise InvalidDataError(msg) from None
    check_lightgbm(text, n_outputs, categories)
    try:
        return lgb.Booster(model_str=text)
    except (lgb.basic.LightGBMError, ValueError, RecursionError) as error:
        msg = f"LightGBM refuses the model: {shown(str(error))}."
        raise InvalidDataError(msg) from None
