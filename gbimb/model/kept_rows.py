"""What a model file says of training rows: their spread in each class, and held-out scores."""

from __future__ import annotations

from typing import Any

import numpy as np

from gbimb.decisions.held_out import GroupEffects
from gbimb.decisions.marginals import CUTS


def are_marginals(value: Any, n_classes: int, n_features: int) -> bool:
    """Whether this is the spread of some columns in each class."""
    if not isinstance(value, list) or len(value) != 5:
        return False
    columns, cuts, share, rows, prevalence = value
    n = np.size(columns)
    return (
        is_array(columns, "i", n)
        and bool(((columns >= 0) & (columns < n_features)).all())
        and is_array(cuts, "f", n, CUTS)
        and bool(np.isfinite(cuts).all())
        and bool((cuts[:, 1:] >= cuts[:, :-1]).all())
        and _are_at_least_0(share, n * n_classes, CUTS + 2)
        and _are_at_least_0(rows, n_classes)
        and is_share(prevalence, n_classes)
    )


def is_share(value: Any, n_classes: int) -> bool:
    """Whether these are shares of the classes, all above 0."""
    return (
        _are_at_least_0(value, n_classes)
        and bool((value > 0).all())
        and abs(float(value.sum()) - 1.0) < 1e-6
    )


def are_scores(value: Any, n_classes: int) -> bool:
    """Whether these are probabilities, classes and weights of held-out rows of all classes."""
    if not isinstance(value, list) or len(value) not in (3, 4):
        return False
    proba, codes, weight, *effects = value
    if effects and not _are_effects(effects[0]):
        return False
    n = np.size(codes)
    shape = (n,) if n_classes == 2 else (n, n_classes)
    return (
        is_array(codes, "i", n)
        and set(codes.tolist()) == set(range(n_classes))
        and _are_at_least_0(proba, *shape)
        and bool((proba <= 1).all())
        and (n_classes == 2 or bool(proba.any(axis=1).all()))
        and _are_at_least_0(weight, n)
        and bool((weight > 0).all())
    )


def _are_effects(value: object) -> bool:
    """Whether these are effects of groups."""
    n = len(GroupEffects._fields)
    return (
        isinstance(value, list)
        and len(value) == n
        and all(isinstance(v, float) and 1.0 <= v < np.inf for v in value)
    )


def is_array(value: object, kinds: str, *shape: int) -> bool:
    """Whether this is an array of one of the kinds and of that shape."""
    return isinstance(value, np.ndarray) and value.dtype.kind in kinds and value.shape == shape


def _are_at_least_0(value: Any, *shape: int) -> bool:
    return is_array(value, "f", *shape) and bool((np.isfinite(value) & (value >= 0)).all())
