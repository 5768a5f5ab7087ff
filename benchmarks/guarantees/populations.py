"""Scores of two classes whose true rates at every threshold are known."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import expit, logit, ndtr

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gbimb.metrics import RateBound

GRID = np.linspace(-8.0, 12.0, 20_001)


@dataclass(frozen=True)
class Population:
    """A latent z, normal in each class; the score is a rising function of it.

    Attributes
    ----------
    name : str
    distance : float
        Between the means of the classes.
    slope : float
        Of the log odds that the score claims over those that are true; 1 is calibrated.
    alike : float
        Share of the negatives that lie where the positives do: with some, precision stops rising
        with the threshold.
    decimals : int or None
        Of the score, which makes ties.
    """

    name: str
    distance: float = 2.5
    slope: float = 1.0
    alike: float = 0.0
    decimals: int | None = None

    def draw(
        self, rng: np.random.Generator, n: int, prevalence: float
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return labels and scores in [0, 1] of ``n`` rows."""
        y = rng.random(n) < prevalence
        shifted = y | (rng.random(n) < self.alike) if self.alike else y
        z = rng.normal(size=n) + self.distance * shifted
        proba = expit(self._claimed(z, prevalence))
        return y, proba if self.decimals is None else np.round(proba, self.decimals)

    def _claimed(self, z: NDArray[Any], prevalence: float) -> NDArray[Any]:
        true = logit(prevalence) + self.distance * z - self.distance**2 / 2
        return self.slope * true

    def latent(self, threshold: float, prevalence: float) -> float:
        """Return the z above which rows are flagged at a threshold on the score."""
        if self.decimals is not None:
            step = 10.0**-self.decimals
            threshold = np.ceil(threshold / step - 1e-9) * step - step / 2
        if not 0.0 < threshold < 1.0:
            return -np.inf if threshold <= 0 else np.inf
        claimed = logit(threshold) / self.slope - logit(prevalence)
        return float((claimed + self.distance**2 / 2) / self.distance)

    def rates(self, z: Any, prevalence: float) -> dict[str, Any]:
        """Return the true rates of flagging all rows above ``z``."""
        positives = ndtr(self.distance - np.asarray(z))
        negatives = (1 - self.alike) * ndtr(-np.asarray(z)) + self.alike * positives
        alerts = prevalence * positives + (1 - prevalence) * negatives
        precision = np.divide(
            prevalence * positives, alerts, out=np.ones_like(alerts), where=alerts > 0
        )
        return {
            "recall": positives,
            "fpr": negatives,
            "specificity": 1 - negatives,
            "alerts": alerts,
            "precision": precision,
        }

    @cache  # noqa: B019  there are six, for as long as the program runs
    def best(self, bound: RateBound, served: str, prevalence: float) -> float:
        """Return the highest rate ``served`` of a threshold that keeps to the bound."""
        z = GRID
        if self.decimals is not None:
            marks = np.arange(1, 10**self.decimals) / 10**self.decimals
            z = np.array([self.latent(t, prevalence) for t in marks])
        rates = self.rates(z, prevalence)
        kept = keeps(bound, rates[bound.rate])
        return float(rates[served][kept].max(initial=0.0))


def keeps(bound: RateBound, rate: Any) -> Any:
    """Return whether true rates keep to a bound."""
    return rate >= bound.value if bound.is_least else rate <= bound.value


POPULATIONS = (
    Population("calibrated"),
    Population("overconfident", slope=2.0),
    Population("timid", slope=0.5),
    Population("far apart", distance=4.0),
    Population("look-alikes", alike=0.003),
    Population("two decimals", decimals=2),
)
