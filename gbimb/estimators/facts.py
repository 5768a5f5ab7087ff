"""What a fitted classifier is, in a few lines for a notebook."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from gbimb.json_text import percent

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_CLASSES = 6


def facts(classifier: Any) -> list[tuple[str, str]]:  # any of our estimators
    """Return names and sentences, in the order in which they are asked for; none before fit."""
    return list(_facts(classifier)) if hasattr(classifier, "classes_") else []


def facts_html(classifier: Any) -> str:  # any of our estimators
    """Return the facts as a table in HTML, empty before fit. Labels and names stay text."""
    rows = "".join(
        f'<tr><th style="text-align:left;font-weight:600;white-space:nowrap">{escape(name)}</th>'
        f'<td style="text-align:left">{escape(text)}</td></tr>'
        for name, text in facts(classifier)
    )
    return f'<table class="gbimb-facts" style="margin:0 0 .5em">{rows}</table>' if rows else ""


def _facts(classifier: Any) -> Iterator[tuple[str, str]]:  # attributes differ
    labels = classifier.classes_.tolist()
    if classifier.classes_.size == 2:
        positive = labels[0 if classifier.classes_[0] == classifier.pos_label_ else 1]
        yield "Positive", f"{positive!r} of {labels!r}"
    else:
        shown = ", ".join(repr(label) for label in labels[:MOST_CLASSES])
        yield "Classes", shown + (f", ... ({len(labels)})" if len(labels) > MOST_CLASSES else "")
    if hasattr(classifier, "threshold_"):
        yield "Threshold", f"{classifier.threshold_:.4g} on the probability of the positive"
        if (promise := getattr(classifier, "guarantee_", None)) is not None:
            yield "Promise", str(promise)
    elif hasattr(classifier, "class_weights_"):
        weights = np.array2string(classifier.class_weights_, precision=3, threshold=MOST_CLASSES)
        yield "Class weights", f"{weights} on the probabilities"
    if hasattr(classifier, "booster_"):
        yield "Trained with", repr(classifier.loss_)
        kept = getattr(classifier, "best_iterations_", {}).values() or [classifier.best_iteration_]
        yield "Rounds kept", f"{' and '.join(map(str, kept))} of at most {classifier.n_estimators}"
    for name, list_name in (("Bags", "estimators_"), ("Blended", "members_")):
        if hasattr(classifier, list_name):
            n = len(getattr(classifier, list_name))
            yield name, f"{n} fitted classifier{'s' if n != 1 else ''}"
    yield from _scores(classifier)
    if hasattr(classifier, "validation_"):
        yield "Held out", classifier.validation_
    if hasattr(classifier, "feature_importances_"):
        yield "Features", f"{classifier.n_features_in_}, most gain: {_most_gain(classifier)}"


def _scores(classifier: Any) -> Iterator[tuple[str, str]]:
    """Yield the score on held-out rows, under the name of what was watched."""
    score = getattr(classifier, "best_score_", getattr(classifier, "oob_score_", float("nan")))
    if not np.isfinite(score):
        return
    metric = getattr(classifier, "metric", getattr(classifier, "eval_metric", ""))
    metric = metric if isinstance(metric, str) or not len(metric) else metric[0]
    named = metric if isinstance(metric, str) else "cost"
    yield "Score", f"{named} {score:.4g} on held-out rows"


def _most_gain(classifier: Any) -> str:
    n = classifier.n_features_in_
    names = getattr(classifier, "feature_names_in_", [f"x{i}" for i in range(n)])
    order = np.argsort(-classifier.feature_importances_, kind="stable")[:3]
    gains = classifier.feature_importances_
    return ", ".join(f"{names[i]} ({percent(gains[i])})" for i in order if gains[i] > 0) or "none"
