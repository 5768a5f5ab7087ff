"""Mean ranks of methods over tables, and which of them do not differ clearly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from gbimb.exceptions import InvalidDataError
from gbimb.plots._base import Display
from gbimb.plots.axes import colour, escape_dollars, make_axes, text_colour
from gbimb.plots.statistics import FEWEST_TABLES, signed_rank_holm

if TYPE_CHECKING:
    from typing import Self

    from matplotlib.axes import Axes

ALPHA: Final = 0.05
LINE: Final = 0.12


class CriticalDifferenceDisplay(Display):
    """Mean ranks over tables; bars join methods without a significant difference.

    Tested by Wilcoxon's signed-rank test of the paired scores at 5 %, after Holm's correction for
    the number of pairs. (With Nemenyi's test, the older habit, the answer for two methods depends
    on which others are compared.)

    Parameters
    ----------
    ranks : Series
        Mean rank of each method; 1 is the best.
    p_values : DataFrame of shape (K, K)
        Corrected p-value of each pair.

    References
    ----------
    J. Demsar. Statistical comparisons of classifiers over multiple data sets. 2006.
    A. Benavoli, G. Corani, F. Mangili. Should we really use post-hoc tests based on mean-ranks?
    2016. arXiv:1505.02288.
    S. Holm. A simple sequentially rejective multiple test procedure. 1979.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> base = rng.random(12)
    >>> scores = pd.DataFrame({"a": base, "b": base + 0.1, "c": base + rng.normal(0, 0.01, 12)})
    >>> CriticalDifferenceDisplay.from_scores(scores).frame()["rank"].round(1).to_dict()
    {'b': 1.0, 'a': 2.3, 'c': 2.7}
    """

    def __init__(self, *, ranks: pd.Series[float], p_values: pd.DataFrame) -> None:
        self.ranks = ranks.sort_values()
        self.p_values = p_values

    @classmethod
    def from_scores(
        cls, scores: pd.DataFrame, *, greater_is_better: bool = True, ax: Axes | None = None
    ) -> Self:
        """Draw a table of scores.

        Parameters
        ----------
        scores : DataFrame of shape (n_tables, n_methods)
            A score for each table and method, without missing ones.
        greater_is_better : bool, default=True
        ax : matplotlib Axes, optional
            Where to draw; None makes a figure.

        Raises
        ------
        GbimbError
            If there are fewer than six tables or two methods, a score is missing, or matplotlib
            is not installed.
        """
        values = pd.DataFrame(scores)
        if values.shape[0] < FEWEST_TABLES or values.shape[1] < 2:
            msg = (
                f"scores must have {FEWEST_TABLES} tables (rows) and 2 methods (columns) or more: "
                f"with fewer no difference can be significant; got shape {values.shape}."
            )
            raise InvalidDataError(msg)
        if values.isna().to_numpy().any():
            msg = (
                "scores must have no missing value, got NaN. Leave out tables that a method lacks."
            )
            raise InvalidDataError(msg)
        ranks = values.rank(axis=1, ascending=not greater_is_better).mean()
        return cls(ranks=ranks, p_values=signed_rank_holm(values)).plot(ax)

    def frame(self) -> pd.DataFrame:
        """Return the mean rank of each method, best first."""
        return self.ranks.rename("rank").rename_axis("method").to_frame()

    def groups(self) -> list[list[str]]:
        """List the longest runs of ranks in which no two methods differ significantly."""
        names = list(self.ranks.index)
        same = self.p_values.loc[names, names].to_numpy() >= ALPHA
        np.fill_diagonal(same, val=True)
        runs: list[tuple[int, int]] = []
        for first in range(len(names)):
            last = first
            while last + 1 < len(names) and same[first : last + 2, first : last + 2].all():
                last += 1
            if last > first and not any(last <= end for _, end in runs):
                runs.append((first, last))
        return [names[first : last + 1] for first, last in runs]

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw on ``ax``, or on a new figure."""
        ax = make_axes(ax, (7.0, 1.2 + 0.2 * len(self.ranks)))
        names, ranks, k = list(self.ranks.index), self.ranks.to_list(), len(self.ranks)
        groups, half = self.groups(), (k + 1) // 2
        top = LINE * (len(groups) + 1)
        ink = text_colour()
        for i, (name, rank) in enumerate(zip(names, ranks, strict=True)):
            left = i < half
            level = top + LINE * 1.6 * (i if left else k - 1 - i)
            edge = 0.7 if left else k + 0.3
            ax.plot([rank, rank, edge], [0, level, level], color=ink, linewidth=0.9, clip_on=False)
            shown = escape_dollars(name)
            text = f"{shown}  {rank:.2f} " if left else f" {rank:.2f}  {shown}"
            ax.text(edge, level, text, ha="right" if left else "left", va="center", color=ink)
            ax.plot([rank], [0], "o", color=colour(0), clip_on=False, zorder=3)
        for row, group in enumerate(groups, 1):
            ends = self.ranks[group[0]] - 0.04, self.ranks[group[-1]] + 0.04
            ax.plot(ends, [LINE * row] * 2, color=colour(1), linewidth=4, solid_capstyle="round")
        ax.set(xlim=(0.7, k + 0.3), ylim=(top + LINE * 1.6 * half, 0), yticks=[])
        ax.set_xticks(range(1, k + 1))
        ax.xaxis.tick_top()
        ax.xaxis.set_label_position("top")
        ax.set_xlabel("mean rank (1 is the best)")
        ax.spines[["left", "right", "bottom"]].set_visible(False)
        ax.grid(visible=False)
        return self._drawn(ax)
