"""Train for rows that come later: judged on later rows, in the end trained on the newest.

Boosters are trained on ever newer parts of the past and predict the blocks after it, which none of
them saw. How well they do says with what shares they are averaged (J. M. Bates, C. W. J. Granger,
The combination of forecasts, 1969), and the rest is chosen on those rows too. Then each is trained
again, as many rounds, on the newest rows of all.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gbimb.log import logger
from gbimb.training.cross_fit import (
    HeldOut,
    MemberSpec,
    Trained,
    TrainedMember,
    finish,
    make_watch,
    member_file,
    raw_scores,
)
from gbimb.training.rows import Fold
from gbimb.training.stages import boost_folds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gbimb.array_types import FloatArray, IntArray
    from gbimb.engines.interface import Engine
    from gbimb.training.boosting import Watch
    from gbimb.training.rows import EngineTable
    from gbimb.training.stages import Settings
    from gbimb.training.tasks import Task
    from gbimb.training.time_plan import Window

FADING: Final = float(os.environ.get("FADING", "0.2"))
"""Weight of a held-out block by that of the one after it: the newest says most of what follows."""

REFITS: Final = int(os.environ.get("REFITS", "3"))


def train_in_time(
    *,
    engine: Engine,
    bins: Any,  # the adapter's own
    task: Task,
    data: EngineTable,
    windows: Sequence[Window],
    settings: Settings,
    members: Sequence[MemberSpec],
) -> Trained:
    """Train each member on each window, and merge them by how well they predict later rows."""
    folds = [Fold(train, held_out) for train, held_out in windows[0].splits]
    held_out = _held_out(data, windows[0])
    y, weight = held_out.y, held_out.weight
    counts = np.bincount(y.astype(np.intp), weights=weight)
    watch = make_watch(
        task, lambda raw: task.evaluate(y, raw, weight), settings.patience, data.y.size, counts
    )
    some = data.sample(settings.seed)
    start = task.start(data, folds)
    work = _Training(engine, bins, task, data, some, start, settings, watch)
    trained: list[TrainedMember] = []
    for window in windows:
        for spec in members:
            name = spec.name if len(windows) == 1 else f"{spec.name}, newest {window.share:.1%}"
            logger.info("member %d: %s", len(trained) + 1, name)
            trained.append(work.member(MemberSpec(name, spec.params), window, len(trained)))
    return finish(
        engine,
        task,
        trained,
        start,
        held_out=held_out,
        sample_weight=some.weight,
        correct=settings.correct,
    )


@dataclass(frozen=True, eq=False)
class _Training:
    engine: Engine
    bins: Any
    task: Task
    data: EngineTable
    sample: EngineTable
    start: FloatArray
    settings: Settings
    watch: Watch

    def member(self, spec: MemberSpec, window: Window, place: int) -> TrainedMember:
        """Return the boosters of the newest rows, with what their forerunners predicted."""
        file = member_file(self.engine, self.settings.checkpoint, place, spec.params)
        grow = partial(
            boost_folds,
            self.engine,
            self.bins,
            self.task.loss,
            start=self.start,
            engine_params=dict(spec.params),
        )
        folds = [Fold(train, held_out) for train, held_out in window.splits]
        settings = replace(self.settings, checkpoint=file)
        boosted, models = grow(folds=folds, watch=self.watch, settings=settings)
        raw = np.concatenate(
            [self._score(m, f.matrix(self.data)) for m, f in zip(models, folds, strict=True)]
        )
        again = replace(
            settings,
            n_rounds=boosted.rounds,
            rounds_known=True,
            checkpoint=file and file.beside("newest"),
        )
        parts = _leaving_out(window.rows, self.settings.seed)
        _, last = grow(folds=[Fold(part, None) for part in parts], watch=None, settings=again)
        sample = [self._score(model, self.sample.matrix) for model in last]
        return TrainedMember(spec, boosted, last, raw, sample)

    def _score(self, model: Any, matrix: Any) -> FloatArray:
        booster = self.engine.merge([model], 1.0, self.start)
        return raw_scores(self.engine, booster, matrix, self.settings.threads)


def _leaving_out(rows: IntArray, seed: int) -> list[IntArray]:
    """Return the rows several times, each time without another part: their mean is steadier."""
    if REFITS == 1:
        return [rows]
    part = np.random.default_rng([seed, rows.size]).permutation(np.arange(rows.size) % REFITS)
    return [rows[part != k] for k in range(REFITS)]


def _held_out(data: EngineTable, window: Window) -> HeldOut:
    """Return the rows of all blocks, of which the newest count most."""
    blocks = [held_out for _, held_out in window.splits]
    fade = FADING ** np.arange(len(blocks) - 1, -1, -1)
    rows = np.concatenate(blocks)
    weight = np.repeat(fade, [block.size for block in blocks])
    weight *= rows.size / weight.sum()
    return HeldOut(data.y[rows], weight if data.weight is None else weight * data.weight[rows])
