"""Train for rows that come later: judged on later rows, in the end trained on the newest.

Boosters are trained on ever newer parts of the past and predict the blocks after it, which none of
them saw. How well they do says with what shares they are averaged (J. M. Bates, C. W. J. Granger,
The combination of forecasts, 1969), and the rest is chosen on those rows too. Then each is trained
again, as many rounds, on the newest rows of all.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from gbimb.log import logger
from gbimb.training.backtest import Backtest
from gbimb.training.cross_fit import finish, labels_of, member_file, raw_scores, watch_rows
from gbimb.training.rows import Fold
from gbimb.training.stages import boost_folds
from gbimb.training.trained import HeldOut, MemberSpec, Newest, Trained, TrainedMember

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gbimb.array_types import FloatArray, IntArray
    from gbimb.engines.interface import Engine
    from gbimb.training.held_out.time_plan import Window
    from gbimb.training.rows import EngineTable
    from gbimb.training.stages import Settings
    from gbimb.training.tasks import Task


def train_in_time(
    *,
    engine: Engine,
    bins: Any,  # the adapter's own
    task: Task,
    data: EngineTable,
    windows: Sequence[Window],
    settings: Settings,
    members: Sequence[Sequence[MemberSpec]],
) -> tuple[Trained, float]:
    """Train members on each window, and merge them by how well they predict later rows.

    ``members`` are those of each window.

    Returns
    -------
    Trained
    float
        The first metric as held-out rows drawn at random, from all times, would have promised it.
    """
    held_out = _held_out(data, windows[0])
    some = data.sample(settings.seed)
    start = task.start(data, [Fold(train, None) for train, _ in windows[0].folds])
    work = _Training(engine, bins, task, data, some, start, settings, windows[0].splits[-1][1])
    trained: list[TrainedMember] = []
    newest: dict[str, FloatArray] = {}
    for window, specs in zip(windows, members, strict=True):
        for spec in specs:
            name = spec.name if len(windows) == 1 else f"{spec.name}, newest {window.share:.1%}"
            logger.info("member %d: %s", len(trained) + 1, name)
            member, raw = work.member(MemberSpec(name, spec.params), window, len(trained))
            trained.append(member)
            newest[name] = raw
    weight = None if data.weight is None else data.weight[work.newest]
    share = np.bincount(held_out.y.astype(np.intp), held_out.weight, max(2, task.loss.n_outputs))
    found = finish(
        engine,
        task,
        trained,
        start,
        held_out=held_out,
        sample_weight=some.weight,
        correct=settings.correct,
        newest=Newest(newest, share / share.sum(), weight),
    )
    promised = trained[0].boosted
    name = task.metrics[0].name
    drawn = promised.history[name][promised.rounds - 1]
    return replace(found, folds=np.arange(len(windows[0].splits))), drawn


@dataclass(frozen=True, eq=False)
class _Training:
    engine: Engine
    bins: Any
    task: Task
    data: EngineTable
    sample: EngineTable
    start: FloatArray
    settings: Settings
    newest: IntArray

    def member(
        self, spec: MemberSpec, window: Window, place: int
    ) -> tuple[TrainedMember, FloatArray]:
        """Return the boosters of a window, and their raw scores of the newest block.

        What earlier boosters of as many rounds predicted stands beside them as ``raw``.
        """
        file = member_file(self.engine, self.settings.checkpoint, place, spec.params)
        grow = partial(
            boost_folds,
            self.engine,
            self.bins,
            self.task.loss,
            start=self.start,
            engine_params=dict(spec.params),
        )
        folds = [Fold(train, held_out) for train, held_out in window.folds]
        settings = replace(self.settings, checkpoint=file)
        y, weight = labels_of(self.data, folds)
        watch = watch_rows(self.task, settings.patience, y.size, y, weight)
        boosted, models = grow(folds=folds, watch=watch, settings=settings)
        past = replace(
            settings,
            n_rounds=boosted.rounds,
            rounds_known=True,
            checkpoint=file and file.beside("past"),
        )
        blocks = [Fold(train, held_out) for train, held_out in window.splits]
        earlier = [Fold(block.train, None) for block in blocks]
        _, before = grow(folds=earlier, watch=None, settings=past)
        raw = np.concatenate(
            [self._score(m, b.matrix(self.data)) for m, b in zip(before, blocks, strict=True)]
        )
        several = len(models) > 1
        sample = [self._score(model, self.sample.matrix) for model in models] if several else []
        return TrainedMember(spec, boosted, models, raw, sample), self._newest(models, folds)

    def _newest(self, models: Sequence[Any], folds: Sequence[Fold]) -> FloatArray:
        """Return scores of the newest block, of each row by a booster that it did not train.

        Of a single booster those of all rows: on the mean, which is what counts, it is right.
        """
        matrix = self.data.matrix[self.newest]
        raw = self._score(models[0], matrix)
        for model, fold in zip(models[1:], folds[1:], strict=True):
            assert isinstance(fold.held_out, np.ndarray)
            own = np.isin(self.newest, fold.held_out)
            raw[own] = self._score(model, matrix[own])
        return raw

    def _score(self, model: Any, matrix: Any) -> FloatArray:
        booster = self.engine.merge([model], 1.0, self.start)
        return raw_scores(self.engine, booster, matrix, self.settings.threads)


def _held_out(data: EngineTable, window: Window) -> HeldOut:
    """Return the rows of all blocks, of which the newest count most."""
    blocks = [held_out for _, held_out in window.splits]
    rows = np.concatenate(blocks)
    own = None if data.weight is None else data.weight[rows]
    ends = np.cumsum([block.size for block in blocks])
    test = Backtest.of(np.split(np.arange(rows.size), ends[:-1]), data.y[rows], own)
    return HeldOut(data.y[rows], test.weight, test)
