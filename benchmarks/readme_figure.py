"""Draw the picture of the README from a fit on a table that ships with gbimb.

Run ``python benchmarks/readme_figure.py`` in an environment with ``gbimb[plots]``.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
from scipy.special import expit
from sklearn.model_selection import train_test_split

import gbimb
from gbimb.metrics import mcc_score, threshold_curve

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

mpl.use("Agg")
import matplotlib.pyplot as plt

OUT = Path(__file__).parent / "figures" / "readme.png"
INK, GREY, BLUE, RED = "#222222", "#8a8a8a", "#1764ab", "#c0392b"


def draw_threshold(
    ax: Axes, y: NDArray[np.int64], proba: NDArray[np.float64], chosen: float
) -> None:
    """Draw MCC on unseen rows against the threshold, with the one chosen and 0.5."""
    curve = threshold_curve(y, proba)
    ax.plot(curve.scores, mcc_score(curve.counts), color=BLUE, lw=2)
    for at, colour, name in ((chosen, INK, "chosen"), (0.5, RED, "0.5")):
        value = mcc_score(y, (proba >= at).astype(int))
        ax.axvline(at, color=colour, lw=1, ls="--")
        ax.annotate(
            f"{name}\nMCC {value:.3f}",
            (at, value),
            xytext=(6, -80 if name == "chosen" else 10),
            textcoords="offset points",
            color=colour,
        )
    ax.set(
        xlim=(0, 1),
        ylim=(0, None),
        xlabel="threshold on the probability",
        ylabel="MCC on unseen rows",
        title="The threshold is chosen without these rows",
    )


def draw_reliability(
    ax: Axes, y: NDArray[np.int64], raw: NDArray[np.float64], proba: NDArray[np.float64]
) -> None:
    """Draw the observed share against the predicted one, before and after the loss's own link."""
    ax.plot([1e-3, 1], [1e-3, 1], color=GREY, lw=1)
    for p, colour, name in (
        (expit(raw), RED, "sigmoid of the focal score"),
        (proba, BLUE, "predict_proba"),
    ):
        order = np.argsort(p)
        # Parts with equally many positives.
        edges = np.searchsorted(np.cumsum(y[order]), np.linspace(0, y.sum(), 11)[1:-1])
        parts = np.split(order, edges)
        ax.plot(
            [p[part].mean() for part in parts],
            [y[part].mean() for part in parts],
            "o-",
            color=colour,
            ms=4,
            label=name,
        )
    ax.set(
        xscale="log",
        yscale="log",
        xlim=(1e-3, 1),
        ylim=(1e-3, 1),
        xlabel="predicted probability",
        ylabel="observed share of positives",
        title="Probabilities are true, whatever the loss",
    )
    ax.legend(frameon=False, loc="upper left")


def main() -> None:
    """Fit on one half of the cancelled flights, draw the other half."""
    table = gbimb.datasets.load("nycflights_cancelled")
    X_train, X_test, y_train, y_test = train_test_split(
        table.X, table.y.to_numpy(), stratify=table.y, random_state=0
    )
    clf = gbimb.ImbalancedLGBMClassifier(random_state=0).fit(X_train, y_train)
    proba = clf.predict_proba(X_test)[:, 1]
    plt.rcParams.update({"font.size": 10, "axes.spines.top": False, "axes.spines.right": False})
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
    draw_threshold(left, y_test, proba, clf.threshold_)
    draw_reliability(right, y_test, clf.raw_score(X_test), proba)
    share = 100 * table.y.mean()
    figure.suptitle(f"{table.name}: {len(table.y):,} flights, {share:.1f} % cancelled", fontsize=10)
    figure.savefig(OUT, dpi=130, facecolor="white")


if __name__ == "__main__":
    main()
