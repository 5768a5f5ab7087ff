"""Pictures of a classifier: scikit-learn Displays for rare classes.

Each has ``from_estimator`` or ``from_predictions``, ``plot(ax=None)``, the attributes ``ax_`` and
``figure_``, and ``frame()`` with the numbers drawn. Colours are those of the style in use.
"""

from __future__ import annotations

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
