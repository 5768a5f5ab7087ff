"""LightGBM and XGBoost behind one interface: a folder each, the only places that import them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gbimb.engines import lightgbm, xgboost
    from gbimb.engines.interface import Engine

    # That each module is an engine is for the type checker to say.
    _engines: tuple[Engine, ...] = (lightgbm, xgboost)
