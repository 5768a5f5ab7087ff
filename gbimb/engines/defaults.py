"""Parameters of trees that nobody chose: the defaults that both engines share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

SMALL_TABLE: Final = 20_000
ONE_HOT: Final = 16
"""Of how many categories at most LightGBM splits one from the others: rules are found so."""
SMALLEST_SUBSAMPLED: Final = 1_000
MANY: Final = 8  # classes, each of which gets a tree a round
TREES_OF_MANY: Final = 1_500
MOST_ROUNDS: Final = 1_000
FASTEST: Final = 0.3


def most_rounds(n_estimators: int, n_classes: int) -> int:
    """Return the rounds to train at most: with many classes fewer, unless somebody chose them."""
    if n_classes < MANY or n_estimators != MOST_ROUNDS:
        return n_estimators
    return TREES_OF_MANY // n_classes or 1


class Pace(NamedTuple):
    """What a learning rate depends on beside the size of the table.

    Attributes
    ----------
    steepness : float
        Of the loss: how much faster log odds move than under the log loss.
    n_classes : int
    """

    steepness: float
    n_classes: int

    def of(self, rate: float) -> float:
        """Return the rate for the loss, and for the rounds there are, from that of the log loss."""
        rate /= self.steepness
        faster = MOST_ROUNDS / most_rounds(MOST_ROUNDS, self.n_classes)
        return max(rate, min(rate * faster, FASTEST))


def learning_rate(parameters: Any, rows: int, pace: Pace) -> float:
    """Return the rate that was chosen, or the default."""
    if parameters.learning_rate is not None:
        return float(parameters.learning_rate)
    return pace.of(0.1 if rows <= SMALL_TABLE else 0.2)


def subsample(parameters: Any, rows: int) -> float:
    """Return the share of the rows that each tree sees."""
    if parameters.subsample is not None:
        return float(parameters.subsample)
    return 0.8 if rows >= SMALLEST_SUBSAMPLED else 1.0


def min_child_weight(parameters: Any) -> float:
    """Return the least curvature of a leaf."""
    return 1e-3 if parameters.min_child_weight is None else float(parameters.min_child_weight)


def where_open(
    parameters: Any,
    member: Mapping[str, Any],
    rows: int,
    pace: Pace,
) -> dict[str, Any]:
    """Return the engine's parameters of one member, less those that somebody chose."""
    chosen = {
        "subsample": parameters.subsample or (1.0 if rows < SMALLEST_SUBSAMPLED else None),
        "bagging_freq": parameters.subsample,
        "feature_fraction": parameters.colsample_bytree,
        "colsample_bytree": parameters.colsample_bytree,
        "min_child_weight": parameters.min_child_weight,
    }
    params = {name: value for name, value in member.items() if chosen.get(name) is None}
    own = parameters.learning_rate
    params["learning_rate"] = pace.of(params["learning_rate"]) if own is None else float(own)
    return {**params, **(parameters.engine_params or {})}
