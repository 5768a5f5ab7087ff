"""What groups of rows take from the certainty of a comparison.

Twenty rows of one customer say little more than one. A model that was fitted with ``groups`` knows
by how much the variance of a mean grows; new rows are expected to come in groups alike.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from gbimb.decisions.held_out import ALONE

if TYPE_CHECKING:
    from gbimb.decisions.held_out import GroupEffects
    from gbimb.decisions.prevalence import PrevalenceEstimate


def trained_effects(model: Any) -> GroupEffects:
    """Return the effects of groups among held-out rows; those of none where there are none."""
    held_out = model.held_out
    return ALONE if held_out is None or held_out.effects is None else held_out.effects


def widened(found: PrevalenceEstimate, effects: GroupEffects) -> PrevalenceEstimate:
    """Return an estimate with the interval that rows in groups leave open."""
    wider = np.sqrt(effects.score)
    low = np.maximum(found.prevalence - wider * (found.prevalence - found.low), 0.0)
    high = np.minimum(found.prevalence + wider * (found.high - found.prevalence), 1.0)
    return replace(found, low=low, high=high)
