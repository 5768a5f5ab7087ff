"""Axes, colours and scales that all pictures share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gbimb.exceptions import MissingDependencyError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.lines import Line2D

SMALLEST: Final = 1e-7
"""Probabilities are drawn no nearer to 0 and 1."""
TICKS: Final = (
    (0.5,),
    (1e-6, 1e-4, 0.01, 0.5, 0.99, 0.9999),
    (1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999, 0.9999),
    (1e-3, 0.01, 0.03, 0.1, 0.3, 0.5, 0.7, 0.9, 0.97, 0.99, 0.999),
    (1e-3, 2e-3, 5e-3, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99),
)
MOST_TICKS: Final = 7
LETTER: Final = 0.58
"""Width of a letter in a legend, in font sizes."""
AROUND_NAME: Final = 4.8
"""Width of line and gaps beside a name, in font sizes."""


def require_matplotlib() -> Any:  # a module
    """Return ``matplotlib.pyplot``, or raise with what to install."""
    try:
        import matplotlib.pyplot as plt
    except ImportError:
        msg = "Pictures need matplotlib, which is not installed: pip install 'gbimb[plots]'."
        raise MissingDependencyError(msg) from None
    return plt


def make_axes(ax: Axes | None, figsize: tuple[float, float] | None = None) -> Axes:
    """Return the axes given, or those of a new figure."""
    plt = require_matplotlib()
    if ax is None:
        ax = plt.figure(figsize=figsize, layout="constrained").add_subplot()
    return ax


def legend_above(ax: Axes, lines: list[Any], columns: int) -> None:
    """Name the lines above the axes, where they hide nothing, in at most so many columns."""
    names = [str(line.get_label()) for line in lines]
    while columns > 1 and not _fits(ax, names, columns):
        columns -= 1
    ax.legend(
        lines,
        names,
        loc="lower center",
        bbox_to_anchor=(0.5, 1.0),
        ncols=columns,
        frameon=False,
        fontsize="small",
    )


def _fits(ax: Axes, names: list[str], columns: int) -> bool:
    """Whether names in small letters are not wider than the figure, each with its line."""
    from matplotlib.font_manager import FontProperties

    size = FontProperties(size="small").get_size_in_points()
    rows = -(-len(names) // columns)
    longest = [max(map(len, names[i : i + rows])) for i in range(0, len(names), rows)]
    wide = sum(LETTER * length + AROUND_NAME for length in longest) * size
    figure: Any = ax.get_figure(root=True)
    return bool(wide <= 72 * figure.get_size_inches()[0])


def escape_dollars(name: object) -> str:
    r"""Return a name with escaped dollar signs, which matplotlib would read as a formula.

    >>> print(escape_dollars("$5 to $9"))
    \$5 to \$9
    """
    return str(name).replace("$", r"\$")


def text_colour() -> str:
    """Return the colour of text in the style in use."""
    import matplotlib as mpl
    from matplotlib.colors import to_hex

    return to_hex(mpl.rcParams["text.color"])


def colour(index: int) -> str:
    """Return a colour of the style's cycle."""
    import matplotlib as mpl
    from matplotlib.colors import to_hex

    cycle = mpl.rcParams["axes.prop_cycle"].by_key().get("color", ["C0"])
    return to_hex(cycle[index % len(cycle)])


def clip_probability(proba: Any) -> Any:  # a number or an array
    """Return probabilities away from 0 and 1, where the log-odds are infinite."""
    return np.clip(proba, SMALLEST, 1.0 - SMALLEST)


def probability_axis(axis: Axis, low: float, high: float) -> None:
    """Make an axis of probabilities even in log-odds, with round numbers at its ticks.

    Parameters
    ----------
    axis : matplotlib Axis
        ``ax.xaxis`` or ``ax.yaxis``.
    low, high : float, in (0, 1)
        The ends.
    """
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    axes = axis.axes
    if axis is axes.xaxis:
        axes.set_xscale("logit")
        axes.set_xlim(low, high)
    else:
        axes.set_yscale("logit")
        axes.set_ylim(low, high)
    choices = [[p for p in ticks if low <= p <= high] for ticks in TICKS]
    fitting = [ticks for ticks in choices if len(ticks) <= MOST_TICKS]
    axis.set_major_locator(FixedLocator(max(fitting, key=len)))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda p, _: f"{p:g}"))


def probability_limits(*parts: Any) -> tuple[float, float]:
    """Return the ends of an axis that holds all probabilities, with a margin in log-odds."""
    values = clip_probability(np.concatenate([np.ravel(part) for part in parts]))
    ends = np.log(values.min() / (1 - values.min())), np.log(values.max() / (1 - values.max()))
    margin = max(0.3, 0.04 * (ends[1] - ends[0]))
    low, high = 1 / (1 + np.exp(-(ends[0] - margin))), 1 / (1 + np.exp(-(ends[1] + margin)))
    return float(low), float(high)


def mark_threshold(ax: Axes, threshold: float | None) -> list[Line2D]:
    """Draw the chosen threshold as a vertical line."""
    if threshold is None:
        return []
    label, shade = f"threshold {threshold:.3g}", text_colour()
    return [
        ax.axvline(
            clip_probability(threshold), color=shade, linestyle=":", linewidth=1.2, label=label
        )
    ]
