"""What later rows would have given: each block of them decided by what the blocks before it tell.

A decision that is judged on the rows it was chosen on looks better than it is, and the more so the
less tomorrow is like yesterday. So it is chosen anew before each block, as it would have been then
(L. J. Tashman, Out-of-sample tests of forecasting accuracy, 2000,
doi:10.1016/S0169-2070(00)00065-0).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from gbimb.array_types import FloatArray, IntArray
    from gbimb.training.objectives.base import SearchObjective

FADING: Final = 0.5
"""Weight of a held-out block by that of the one after it: the newest says most of what follows."""


@dataclass(frozen=True, eq=False)
class Step:
    """A block of held-out rows, and what was known before it.

    Attributes
    ----------
    past : int array of shape (p,)
        Numbers of the held-out rows of earlier blocks.
    weight : float64 array of shape (p,)
        What they counted then.
    block : int array
        Numbers of the rows of the block.
    """

    past: IntArray
    weight: FloatArray
    block: IntArray


@dataclass(frozen=True, eq=False)
class Backtest:
    """Held-out rows in blocks by time.

    Attributes
    ----------
    weight : float64 array of shape (m,)
        Of all held-out rows; that of the newest block is the largest.
    steps : tuple of Step
        The blocks before which rows of two classes are held out.
    """

    weight: FloatArray
    steps: tuple[Step, ...]

    @classmethod
    def of(
        cls, blocks: Sequence[IntArray], y: NDArray[Any], weight: NDArray[Any] | None
    ) -> Backtest:
        """Return the test on these blocks, the newest last; ``weight`` are the rows' own."""
        rows = np.concatenate(blocks)
        fade = np.empty(rows.size)
        fade[rows] = newest_most([block.size for block in blocks])
        whole = fade if weight is None else fade * weight
        steps = []
        for k in range(1, len(blocks)):
            past = np.concatenate(blocks[:k])
            if y[past].min() < y[past].max():
                steps.append(Step(past, whole[past] / fade[past].mean(), blocks[k]))
        return cls(whole, tuple(steps))

    def score(
        self,
        objective: SearchObjective,
        y: NDArray[Any],
        probabilities: Sequence[FloatArray],
        seed: int,
    ) -> float:
        """Return the score of the decisions on all blocks, the newest of which counts most.

        Parameters
        ----------
        objective : SearchObjective
            Of the held-out rows.
        y : array of shape (m,)
        probabilities : sequence of float64 arrays of shape (m,) or (m, K)
            Of the held-out rows, as they were at each of the steps.
        seed : int

        Returns
        -------
        float
            NaN where there is no step.
        """
        if not self.steps:
            return float("nan")
        rules = []
        for step, proba in zip(self.steps, probabilities, strict=True):
            past = step.past
            rule = objective.take(past).decide(y[past], proba[past], step.weight, seed)
            rules.append(np.broadcast_to(rule, (step.block.size, *np.shape(rule))))
        rows, proba = self.pooled(probabilities)
        rule = np.concatenate(rules)
        return objective.take(rows).score_decided(y[rows], proba, rule, self.weight[rows])

    def pooled(self, values: Sequence[FloatArray]) -> tuple[IntArray, FloatArray]:
        """Return the rows of all steps, and of each what was known of it before its block."""
        rows = np.concatenate([step.block for step in self.steps])
        known = zip(self.steps, values, strict=True)
        return rows, np.concatenate([value[step.block] for step, value in known])


def newest_most(sizes: Sequence[int]) -> FloatArray:
    """Return weights of mean 1 for the rows of blocks of these sizes, the newest last.

    >>> newest_most([1, 1]).round(3).tolist()
    [0.667, 1.333]
    """
    fade = FADING ** np.arange(len(sizes) - 1, -1, -1)
    weight: FloatArray = np.repeat(fade, sizes)
    weight *= weight.size / weight.sum()
    return weight
