"""Decision rules chosen on held-out rows: a threshold for two classes, class weights for many."""

from __future__ import annotations

from gbimb.decisions.class_weights import fit_class_weights
from gbimb.decisions.guarantees import Guarantee, guaranteed_threshold
from gbimb.decisions.threshold import choose_threshold

__all__ = ["Guarantee", "choose_threshold", "fit_class_weights", "guaranteed_threshold"]
