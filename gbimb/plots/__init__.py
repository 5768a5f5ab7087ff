"""Pictures of a classifier: scikit-learn Displays for rare classes.

Each has ``from_estimator`` or ``from_predictions``, ``plot(ax=None)``, the attributes ``ax_`` and
``figure_``, and ``frame()`` with the numbers drawn. Colours are those of the style in use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gbimb.lazy import first_used

if TYPE_CHECKING:
    from gbimb.plots._base import Display
    from gbimb.plots._confusion import ConfusionDisplay
    from gbimb.plots._precision_recall import PrecisionRecallDisplay
    from gbimb.plots._ranks import CriticalDifferenceDisplay
    from gbimb.plots._reliability import ReliabilityDisplay
    from gbimb.plots._scores import ScoreDisplay
    from gbimb.plots._threshold import ThresholdDisplay
    from gbimb.plots._training import TrainingDisplay

__all__ = [
    "ConfusionDisplay",
    "CriticalDifferenceDisplay",
    "Display",
    "PrecisionRecallDisplay",
    "ReliabilityDisplay",
    "ScoreDisplay",
    "ThresholdDisplay",
    "TrainingDisplay",
]

# Imported when first used: reports without pictures need only what is computed for them.
_HOME = {
    "ConfusionDisplay": "_confusion",
    "CriticalDifferenceDisplay": "_ranks",
    "Display": "_base",
    "PrecisionRecallDisplay": "_precision_recall",
    "ReliabilityDisplay": "_reliability",
    "ScoreDisplay": "_scores",
    "ThresholdDisplay": "_threshold",
    "TrainingDisplay": "_training",
}


__getattr__ = first_used(__name__, {name: f"{__name__}.{home}" for name, home in _HOME.items()})


def __dir__() -> list[str]:
    return sorted(__all__)
