"""Save and load fitted estimators in a file that runs no code; its format is in FORMAT.md."""

from __future__ import annotations

from gbimb.persistence._files import load, save

__all__ = ["load", "save"]
