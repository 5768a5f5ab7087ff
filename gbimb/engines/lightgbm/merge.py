"""LightGBM's models as text: their trees, and several of them as one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import lightgbm as lgb

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray


def merge(
    models: Sequence[str],
    slope: float,
    start: NDArray[np.float64],
    weights: Sequence[float] | None = None,
) -> lgb.Booster:
    """Return one booster with the raw score ``slope * mean + start``.

    Parameters
    ----------
    models : sequence of str
        Boosters as text (``model_to_string``), all trained on the same columns. The mean is over
        the sums of their trees.
    slope : float
    start : float64 array of shape (number of raw scores,)
        Added to the first tree of each output.
    weights : sequence of float, optional
        Of the models in the mean, with sum 1; equal ones by default.
    """
    shares = [1.0 / len(models)] * len(models) if weights is None else weights
    texts: list[str] = []
    for model, share in zip(models, shares, strict=True):
        for tree in trees_of(model):
            shift = float(start[len(texts)]) if len(texts) < start.size else 0.0
            lines = (_rescale(line, slope * share, shift) for line in tree.split("\n"))
            texts.append("\n".join(lines))
    return lgb.Booster(model_str=with_trees(models[0], texts))


def trees_of(model: str) -> list[str]:
    """Return the trees of a model text, each without the line of its number."""
    body = model.partition("\nTree=")[2].partition("end of trees")[0]
    return [
        tree.strip().partition("\n")[2] for tree in re.split(r"^Tree=", body, flags=re.MULTILINE)
    ]


def with_trees(model: str, trees: Sequence[str]) -> str:
    """Return a model text with other trees."""
    head, _, _ = model.partition("\nTree=")
    _, end, tail = model.partition("end of trees")
    # Without the sizes of the trees LightGBM reads them one after the other.
    head = re.sub(r"\ntree_sizes=.*", "", head)
    numbered = [f"Tree={i}\n{tree}" for i, tree in enumerate(trees)]
    return f"{head}\n\n" + "\n\n\n".join(numbered) + f"\n\n\n{end}{tail}"


def _rescale(line: str, share: float, shift: float) -> str:
    name, _, text = line.partition("=")
    if name in ("leaf_value", "internal_value", "leaf_const"):
        values = [repr(float(v) * share + shift) for v in text.split()]
    elif name == "leaf_coeff":
        values = [repr(float(v) * share) for v in text.split()]
    else:
        return line
    return f"{name}={' '.join(values)}"
