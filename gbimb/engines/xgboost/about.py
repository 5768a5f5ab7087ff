"""What people call XGBoost; this is imported first, and raises where it is not installed."""

from __future__ import annotations

from gbimb.engines.registry import require_library

NAME = require_library("xgboost")
