"""Pictures as SVG that stands inside a page and takes its colours from there."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axes import Axes

SIZE: Final = (5.4, 3.5)
INK: Final = "#010203"
SERIES: Final = tuple(f"#0102{i:02x}" for i in range(0x10, 0x18))
"""Colours that nothing else has: each stands for one of the page."""
STYLE: Final[dict[str, Any]] = {
    "font.size": 10,
    "svg.fonttype": "none",
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
}


def draw(
    plot: Callable[[Axes], Any], name: str, size: tuple[float, float] = SIZE
) -> tuple[str, Axes]:
    """Return the SVG of what ``plot`` draws, and its axes as they were laid out.

    Parameters
    ----------
    plot : callable
        Draws on the axes that it is given.
    name : str
        Of the picture; names inside it begin with that.
    size : pair of float
        Width and height in inches; a unit of the picture is 1/72 of one.
    """
    import matplotlib as mpl
    from cycler import cycler
    from matplotlib.figure import Figure

    style = {**STYLE, "axes.prop_cycle": cycler(color=SERIES), "svg.hashsalt": name}
    with mpl.rc_context():
        mpl.rcdefaults()  # a report looks the same whatever style is in use
        mpl.rcParams.update(style)  # type: ignore[arg-type]  # names are checked there
        figure = Figure(size, dpi=72, layout="constrained")
        axes = figure.add_subplot()
        plot(axes)
        figure.draw_without_rendering()
        figure.set_layout_engine("none")  # what was measured stays
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None})
    return _inside_a_page(text.getvalue(), name), axes


def _inside_a_page(svg: str, name: str) -> str:
    """Leave out what only a file of its own needs, and let the page choose size and colours."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", svg, flags=re.DOTALL)
    box = re.search(r'viewBox="[^"]+"', svg)
    assert box is not None
    head = f'<svg {box[0]} data-figure="{name}" aria-hidden="true" focusable="false">'
    svg = head + svg[svg.index(">") + 1 :]
    svg = svg.replace("xlink:href", "href")
    used = set(re.findall(r"#([\w-]+)[\")]", svg))
    svg = re.sub(r' id="([^"]+)"', lambda m: m[0] if m[1] in used else "", svg)
    svg = re.sub(r'(id="|href="#|url\(#)', rf"\g<1>{name}-", svg)
    svg = re.sub(r"font: [^;\"]*?([\d.]+px)[^;\"]*", r"font-size: \1", svg)
    svg = svg.replace(INK, "currentColor")
    for i, colour in enumerate(SERIES):
        svg = svg.replace(colour, f"var(--series-{i})")
    svg = re.sub(r' d="[^"]+"', lambda m: re.sub(r"(\.\d\d)\d+", r"\1", m[0]), svg)
    return re.sub(r"\n\s*", "\n", svg)


def positions(axes: Axes, x: Any, y: Any) -> tuple[list[float], list[float]]:
    """Return where points of the axes are in the picture, in its units from the upper left."""
    import numpy as np

    points = axes.transData.transform(np.column_stack([x, y]))
    height = axes.get_figure(root=True).bbox.height  # type: ignore[union-attr]
    return points[:, 0].round(2).tolist(), (height - points[:, 1]).round(2).tolist()
