"""Boosters in the engines' own form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from gbimb.engines.lightgbm.text_check import check_lightgbm
from gbimb.engines.xgboost.json_check import check_xgboost
from gbimb.exceptions import InvalidDataError
from gbimb.json_text import shown

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType


class LightGBM:
    """LightGBM's text."""

    name = "lightgbm"
    suffix = "txt"

    @property
    def _module(self) -> ModuleType:
        from gbimb.engines.lightgbm import boosters as _boosters

        engine: ModuleType = _boosters
        return engine

    def version(self) -> str:
        """Return the version of LightGBM."""
        return str(self._module.lgb.__version__)

    def dump(self, booster: Any) -> bytes:  # noqa: ANN401
        """Return the text of all trees."""
        text: str = booster.model_to_string(num_iteration=-1)
        return text.encode("utf-8")

    def load(self, data: bytes, n_outputs: int, categories: Sequence[int | None]) -> Any:  # noqa: ANN401
        """Return the booster in the text ``data``."""
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as error:
            msg = f"The LightGBM model must be UTF-8 text, got another byte at {error.start}."
            raise InvalidDataError(msg) from None
        check_lightgbm(text, n_outputs, categories)
        lgb = self._module.lgb
        try:
            return lgb.Booster(model_str=text)
        except (lgb.basic.LightGBMError, ValueError, RecursionError) as error:
            msg = f"LightGBM refuses the model: {shown(str(error))}."
            raise InvalidDataError(msg) from None


class XGBoost:
    """XGBoost's JSON."""

    name = "xgboost"
    suffix = "json"

    @property
    def _module(self) -> ModuleType:
        from gbimb.engines.xgboost import boosters as _boosters

        engine: ModuleType = _boosters
        return engine

    def version(self) -> str:
        """Return the version of XGBoost."""
        return str(self._module.xgb.__version__)

    def dump(self, booster: Any) -> bytes:  # noqa: ANN401
        """Return the JSON of all trees."""
        return bytes(booster.save_raw("json"))

    def load(self, data: bytes, n_outputs: int, categories: Sequence[int | None]) -> Any:  # noqa: ANN401
        """Return the booster in the JSON ``data``."""
        check_xgboost(data, n_outputs, categories)
        xgb = self._module.xgb
        booster = xgb.Booster()
        try:
            booster.load_model(bytearray(data))
        except (xgb.core.XGBoostError, ValueError) as error:
            msg = f"XGBoost refuses the model: {shown(str(error))}."
            raise InvalidDataError(msg) from None
        return booster


Engine: TypeAlias = LightGBM | XGBoost
