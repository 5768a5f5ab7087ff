"""Decision rules chosen on held-out rows: a threshold for two classes, class weights for many."""

from __future__ import annotations

from gbimb.thresholds._binary import choose_threshold
from gbimb.thresholds._multiclass import fit_class_weights

__all__ = ["choose_threshold", "fit_class_weights"]
