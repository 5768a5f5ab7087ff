"""XGBoost's boosters as JSON in a model file, checked before XGBoost reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import xgboost as xgb

from gbimb.engines.xgboost.json_check import check_xgboost
from gbimb.exceptions import InvalidDataError
from gbimb.json_text import shown

if TYPE_CHECKING:
    from collections.abc import Sequence

SUFFIX: Final = "json"


def version() -> str:
    """Return the version of XGBoost."""
    return str(xgb.__version__)


def dump(booster: xgb.Booster) -> bytes:
    """Return the JSON of all trees."""
    return bytes(booster.save_raw("json"))


def load(data: bytes, n_outputs: int, categories: Sequence[int | None]) -> xgb.Booster:
    """Return the booster in the JSON ``data``; parameters as LightGBM's ``load``.

    Raises
    ------
    InvalidDataError
        If the JSON is not a model of this form.
    """
    check_xgboost(data, n_outputs, categories)
    booster = xgb.Booster()
    try:
        booster.load_model(bytearray(data))
    except (xgb.core.XGBoostError, ValueError) as error:
        msg = f"XGBoost refuses the model: {shown(str(error))}."
        raise InvalidDataError(msg) from None
    return booster
