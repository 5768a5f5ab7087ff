"""How a model of more than two classes turns probabilities into labels, in words."""

from __future__ import annotations

from typing import Final

SHOWN: Final = 10


def weights_in_words(weights: dict[str, float]) -> str:
    """Return what decides between three classes or more."""
    shown = [f"{weight:.4g} for {label!r}" for label, weight in list(weights.items())[:SHOWN]]
    more = f" and {len(weights) - SHOWN} more (--json shows all)" if len(weights) > SHOWN else ""
    return f"the label whose probability times its weight is highest: {', '.join(shown)}{more}"
