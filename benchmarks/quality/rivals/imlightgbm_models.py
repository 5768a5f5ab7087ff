"""imlightgbm's focal loss."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imlightgbm import ImbalancedLGBMClassifier

if TYPE_CHECKING:
    from benchmarks.quality.rivals.task import Classifier, Task


def focal(task: Task) -> Classifier:
    """Imlightgbm's focal loss with its own gamma, threshold 0.5."""
    params = {} if task.binary else {"num_class": task.n_classes}
    return ImbalancedLGBMClassifier(
        objective="binary_focal" if task.binary else "multiclass_focal",
        random_state=task.seed,
        n_jobs=1,
        verbosity=-1,
        **params,
    )
