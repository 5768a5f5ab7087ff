"""The critical-difference diagram of the methods."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from benchmarks.quality.methods import LINE, METHODS
from benchmarks.quality.statistics import by_table, mean_ranks

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pandas as pd

FEWEST_TABLES: Final = 6
FEWEST_METHODS: Final = 3
BLUE, RED, GREY, INK = "#1764ab", "#c0392b", "#6b6b6b", "#222222"


def draw_critical_differences(frame: pd.DataFrame, methods: Sequence[str], path: Path) -> bool:
    """Draw mean ranks by MCC, with bars over what cannot be told apart.

    Returns
    -------
    bool
        Whether there were enough tables and methods for a picture.

    References
    ----------
    J. Demsar. Statistical comparisons of classifiers over multiple data sets. 2006.
    A. Benavoli, G. Corani, F. Mangili. Should we really use post-hoc tests based on mean-ranks?
    2016. arXiv:1505.02288.
    """
    values = by_table(frame, "mcc").reindex(columns=list(methods)).dropna()
    if len(values) < FEWEST_TABLES or len(methods) < FEWEST_METHODS:
        return False
    import matplotlib as mpl
    import scikit_posthocs as sp

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    names = {name: METHODS[name].label if name in METHODS else name for name in methods}
    long = values.rename(columns=names).melt(var_name="method", value_name="mcc")
    p_values = sp.posthoc_wilcoxon(long, "mcc", "method", p_adjust="holm", sort=False)
    figure, ax = plt.subplots(figsize=(9, 0.8 + 0.17 * len(methods)))
    sp.critical_difference_diagram(
        mean_ranks(frame, methods, "mcc").rename(names),
        p_values,
        ax=ax,
        label_fmt_left="{label}  {rank:.1f} ",
        label_fmt_right=" {rank:.1f}  {label}",
        text_h_margin=0.3,
        color_palette={names[name]: _colour(name) for name in methods},
        crossbar_props={"color": INK, "linewidth": 3},
        elbow_props={"linewidth": 1},
        marker_props={"s": 16},
    )
    figure.savefig(path, dpi=130, bbox_inches="tight")
    plt.close(figure)
    return True


def _colour(name: str) -> str:
    if name == LINE:
        return RED
    return BLUE if name in METHODS and METHODS[name].is_ours else GREY
