"""gbimb's own estimators, with no argument but seed and threads unless one is varied."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gbimb

if TYPE_CHECKING:
    from benchmarks.quality.rivals.task import Classifier, Task


def estimator(task: Task, name: str, **params: Any) -> Classifier:
    """Return an estimator of gbimb by its name."""
    classifier: Classifier = getattr(gbimb, name)(random_state=task.seed, n_jobs=1, **params)
    return classifier


def bagging(task: Task, inner: str, params: dict[str, Any], **bags: Any) -> Classifier:
    """Return UnderBaggingClassifier over another of gbimb's estimators."""
    return estimator(
        task, "UnderBaggingClassifier", estimator=getattr(gbimb, inner)(**params), **bags
    )
