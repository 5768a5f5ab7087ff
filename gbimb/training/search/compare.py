"""What is compared on which rows: all of them, or a part first where there are many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gbimb.exceptions import warn
from gbimb.training.loss import resolve_class_weight
from gbimb.training.search.blend import mix
from gbimb.training.search.forest import MOST_ROWS, MOST_ROWS_OF_MANY
from gbimb.training.search.search import Search
from gbimb.training.search.space import ENGINES, FOREST, Space

if TYPE_CHECKING:
    from gbimb.array_types import IntArray
    from gbimb.tables.labels import LabelCodes
    from gbimb.training.objectives.base import SearchObjective
    from gbimb.training.search.cross_fit import CrossFitter
    from gbimb.training.search.search import Clock, Report, TrialResult
    from gbimb.training.search.space import Choice

SEARCH_ROWS: Final = 50_000
SEARCH_SHARE: Final = 0.4
FINALISTS: Final = 3


@dataclass(frozen=True, eq=False)
class Compared:
    """Candidates on the same rows.

    Attributes
    ----------
    fitter : CrossFitter
        The rows.
    results : list of TrialResult
        At least one is fitted.
    before : list of TrialResult
        Those of the search on a part of the rows before.
    """

    fitter: CrossFitter
    results: list[TrialResult]
    before: list[TrialResult]


def compare(
    whole: CrossFitter,
    objective: SearchObjective,
    clock: Clock,
    report: Report,
    *,
    engine: str,
    n_trials: int | None,
) -> Compared:
    """Search on all rows; on many rows search on a part, and train the best on all."""

    def search(fitter: CrossFitter, share: float) -> Search:
        space = _space(fitter, _engines(engine, fitter), objective)
        return Search(fitter, space, objective, clock, share, n_trials, report)

    final = search(whole, 1.0)
    if not whole.splits:
        choices = without_comparison(final.space, whole.plan.reason)
        return Compared(whole, final.run_all(choices), [])
    codes = whole.labels.codes
    if codes.size <= SEARCH_ROWS:
        return Compared(whole, final.run(), [])
    rows = _sample(codes, SEARCH_ROWS, whole.seed)
    part = whole.part(rows)
    on_part = search(part, SEARCH_SHARE)
    results = on_part.run()
    clock.reserve *= max(1.0, whole.judged.y.size / part.judged.y.size)
    ranked = _ranked(results, part)
    finalists = final.repeat(ranked, FINALISTS)
    if not finalists:  # interrupted
        return Compared(part, results, [])
    if clock.ticks and n_trials is None and len(finalists) == len(ranked):
        finalists = final.run(on_part, finalists)
    return Compared(whole, finalists, results)


def train_portfolio(
    whole: CrossFitter, objective: SearchObjective, clock: Clock, report: Report
) -> Compared:
    """Train the members that suit the size of the table, all of them on all rows."""
    space = _space(whole, _engines("auto", whole), objective)
    search = Search(whole, space, objective, clock, 1.0, None, report)
    if whole.splits:
        choices = space.portfolio() + space.foreign_choices()
    else:
        choices = without_comparison(space, whole.plan.reason)
    return Compared(whole, search.run_all(choices), [])


def _engines(engine: str, fitter: CrossFitter) -> tuple[str, ...]:
    if engine != "auto":
        return (engine,)
    most = MOST_ROWS if fitter.labels.classes.size == 2 else MOST_ROWS_OF_MANY
    forests = (
        isinstance(fitter.encoded, np.ndarray)
        and len(fitter.encoded) <= most
        and bool(fitter.splits)
    )
    return (*ENGINES, FOREST) if forests else ENGINES


def _space(fitter: CrossFitter, engines: tuple[str, ...], objective: SearchObjective) -> Space:
    labels = fitter.labels
    return Space(
        engines=engines,
        rows=labels.codes.size,
        classes=labels.classes.size,
        class_weights=_class_weights(labels, fitter.weight),
        has_categories=bool(fitter.schema.encoder.categorical),
        has_pairs=isinstance(fitter.encoded, np.ndarray)
        and len(fitter.schema.encoder.numbers(fitter.schema.n_features)) > 1,
        fixed=shared_parameters(objective.watched, labels.classes.size, fitter.threads),
        make=fitter.make,
        foreign=fitter.foreign,
    )


def shared_parameters(watched: str, n_classes: int, n_jobs: int | None) -> dict[str, Any]:
    """Return the constructor parameters that all candidates have: the blend decides, not they."""
    threshold = 0.5 if n_classes == 2 else "auto"
    return {"eval_metric": (watched,), "threshold": threshold, "n_jobs": n_jobs}


def _class_weights(labels: LabelCodes, weight: Any) -> dict[str, Any]:
    """Return no weights, the balancing ones, and what is halfway on the scale of log odds."""
    balanced = resolve_class_weight("balanced", labels, weight)
    if labels.classes.size == 2:
        positive = labels.classes.positive_code
        root: Any = (balanced[positive] / balanced[1 - positive]) ** 0.5
    else:
        roots = (w**0.5 for w in balanced)
        root = dict(zip(labels.classes.labels.tolist(), roots, strict=True))
    return {"none": None, "root": root, "balanced": "balanced"}


def _sample(codes: IntArray, size: int, seed: int) -> IntArray:
    """Return about so many rows, of each class its share, and a hundred at least."""
    rng = np.random.default_rng(seed)
    parts = []
    for k, count in enumerate(np.bincount(codes)):
        wanted = min(count, max(100, round(size * count / codes.size)))
        parts.append(rng.choice(np.flatnonzero(codes == k), wanted, replace=False))
    return np.sort(np.concatenate(parts))


def without_comparison(space: Space, reason: str) -> list[Choice]:
    """Return one candidate of each engine, and those of other packages, with a warning."""
    warn(
        f"Too few rows to compare candidates: {reason}. One member of each engine is trained, they "
        "are averaged with equal weights, and the threshold is 0.5, which rare labels seldom reach."
    )
    firsts = {choice["engine"]: choice for choice in reversed(space.first())}
    return [*firsts.values(), *space.foreign_choices()]


def _ranked(results: list[TrialResult], fitter: CrossFitter) -> list[TrialResult]:
    """Return those that are fitted: by their weights in the blend, then by their scores."""
    fitted = [t for t in results if t.fitted]
    shares = mix(results, fitter.judged)
    order = np.lexsort((np.array([-t.score for t in fitted]), -shares))
    return [fitted[i] for i in order]
