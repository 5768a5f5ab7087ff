"""A threshold whose rate on new rows keeps to a bound with a given confidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from gbimb.decisions.promises import RankedRows, keep_precision, keep_share
from gbimb.exceptions import InvalidParameterError, warn
from gbimb.metrics import RateBound, parse_bound
from gbimb.validation import check_number

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from gbimb.array_types import FloatArray

DEEP_RECALL: Final = 0.5
PRICE: Final = 0.5
"""Of the error, what is left for a recall below DEEP_RECALL where models are averaged."""


@dataclass(frozen=True)
class Guarantee:
    """A threshold and what it promises.

    Attributes
    ----------
    rule : str
        As it was asked for, such as "precision >= 0.9".
    confidence : float in (0, 1)
        With which the bound holds on new rows, over draws of the rows that chose the threshold.
    threshold : float in [0, 1]
        Rows with a probability >= it are flagged.
    bound : float
        What the rate on new rows is at least (for "fpr" and "alerts" at most) with that
        confidence. Where the rule is not met it is the best that these rows can promise.
    met : bool
        Whether ``bound`` is as good as the rule asks for.
    rows, positives : int
        On which the threshold was chosen.

    Examples
    --------
    >>> import numpy as np
    >>> y = np.arange(1000) % 4 == 0
    >>> found = guaranteed_threshold(y, np.where(y, 0.8, 0.1), "recall >= 0.8")
    >>> found.met, bool(found.bound >= 0.8), found.positives
    (True, True, 250)
    """

    rule: str
    confidence: float
    threshold: float
    bound: float
    met: bool
    rows: int
    positives: int

    def __str__(self) -> str:
        """Return the promise as a sentence."""
        sure = f"{100 * self.confidence:.4g} % confidence"
        on = f"chosen on {self.rows:,} rows, {self.positives:,} of them positive"
        if self.met:
            return f"{self.rule} holds on new rows with {sure}, {on}."
        rate, sign, _ = self.rule.split(maxsplit=2)
        best = "most" if sign == ">=" else "least"
        return (
            f"{self.rule} cannot be promised with {sure} on {self.rows:,} rows, "
            f"{self.positives:,} of them positive: {rate} {sign} {self.bound:.3g} is the {best}."
        )


def check_confidence(confidence: object, threshold: object) -> None:
    """Raise unless ``confidence`` is None, or in (0, 1) beside a rule that can be promised."""
    try:
        bound = parse_bound(threshold)
    except InvalidParameterError as error:
        msg = f"threshold: {error}"
        raise InvalidParameterError(msg) from None
    if confidence is None:
        return
    check_number("confidence", confidence, low=0, high=1, low_open=True, high_open=True)
    if bound is None:
        msg = (
            f"confidence needs a rule as threshold, such as {RateBound.EXAMPLES}, got "
            f"threshold={threshold!r}. Give one, or leave confidence out."
        )
        raise InvalidParameterError(msg)


def guaranteed_threshold(
    y_true: ArrayLike,
    y_proba: ArrayLike,
    rule: str,
    confidence: float = 0.95,
    sample_weight: ArrayLike | None = None,
) -> Guarantee:
    r"""Return the most useful threshold that keeps to a bound on new rows with some confidence.

    Over draws of the rows given, in at least the share ``confidence`` of them the rate of the
    threshold in the population keeps to the bound. No distribution is assumed: rows are to be
    independent draws, and ``y_proba`` of a model that they did not train.

    - "recall >= r", "specificity >= s", "fpr <= a" and "alerts <= a" take order statistics with
      exact binomial tails: the highest threshold (of recall; of the others the lowest) with
      :math:`P(\mathrm{Bin}(m, v) \ge m - e) \le 1 - c` for the :math:`e` of :math:`m` positives
      (negatives, rows) on its wrong side.
    - "precision >= p" tests thresholds one after the other, each with some more rows flagged,
      until a test by an exact binomial tail fails (Learn then Test with a fixed sequence). The
      sequence starts where the probabilities say that the test has the most power; a tenth of
      the error is kept for a start with as few rows as can pass, should they be wrong. Where the
      sequence starts does not depend on labels.

    Of the thresholds for which the bound holds, the one with the highest recall is returned (of
    the highest precision, if recall is bounded).

    Parameters
    ----------
    y_true : array of shape (n,), 0 or 1
        Labels of rows that did not train the model, of both classes.
    y_proba : array of shape (n,), in [0, 1]
        Probability of class 1, or any score in that range: only the power of the precision rule
        needs them to be true. Rows with equal ones are flagged together.
    rule : str
        "precision >= 0.9", "recall >= 0.8", "specificity >= 0.99", "fpr <= 0.01" or
        "alerts <= 0.005" (share of rows flagged).
    confidence : float in (0, 1), default=0.95
    sample_weight : array of shape (n,), optional
        Equal weights count as none. Under others the bound is one on the weighted rate: rows stay
        independent draws, each with its weight, and no new row may have a higher weight than the
        largest here. A whole-number weight is not as many independent rows, and none are made of
        it. The tests are then by bets on bounded variables, valid at any number of rows, and
        promise less than the exact ones.

    Returns
    -------
    Guarantee
        With ``met`` false, and one ``GbimbWarning``, where the rule cannot be promised on these
        rows; the threshold is then that of the best bound that can be.

    Raises
    ------
    InvalidParameterError
        If the rule is none of those.
    InvalidDataError
        If labels are not 0 and 1, only one class is there, or a probability is outside [0, 1].

    References
    ----------
    X. Tong, Y. Feng, J. J. Li. Neyman-Pearson classification algorithms and NP receiver operating
    characteristics. 2018. doi:10.1126/sciadv.aao1659.
    A. N. Angelopoulos, S. Bates, E. J. Candès, M. I. Jordan, L. Lei. Learn then Test: calibrating
    predictive algorithms to achieve risk control. 2021. arXiv:2110.01052.
    B. L. Wiens, A. Dmitrienko. The fallback procedure for evaluating a single family of
    hypotheses. 2005. doi:10.1080/10543400500265660.
    I. Waudby-Smith, A. Ramdas. Estimating means of bounded random variables by betting. 2023.
    arXiv:2010.09686.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> p = rng.beta(0.3, 3, 5000)
    >>> y = rng.random(5000) < p
    >>> found = guaranteed_threshold(y, p, "precision >= 0.6")
    >>> found.met
    True
    >>> found.bound
    0.6
    """
    bound = parse_bound(rule)
    if bound is None:
        msg = f"rule must be a bound on a rate, such as {RateBound.EXAMPLES}, got {rule!r:.80}."
        raise InvalidParameterError(msg)
    check_number("confidence", confidence, low=0, high=1, low_open=True, high_open=True)
    ranked = RankedRows.read(y_true, y_proba, sample_weight)
    return _promise(ranked, bound, float(confidence), 1.0 - float(confidence))


def promise_of_models(
    y: NDArray[Any],
    proba: FloatArray,
    bound: RateBound,
    confidence: float,
    weight: NDArray[Any] | None,
) -> Guarantee:
    """Return the guarantee of a mean of models, from rows that each was scored by few of.

    A row that some models did not train on has the probability of those, a new one that of the
    mean of all, which is spread less: what lies in the tails moves inwards. Fewer negatives are
    then flagged than the bound allows, and more positives, as long as most of them are. Of a
    recall below a half the threshold lies in the upper tail of the positives: it is chosen with
    half of the error. ``benchmarks/guarantees`` measures both.

    Raises
    ------
    InvalidDataError
        If only one class is held out.
    """
    wrong = 1.0 - confidence
    if bound.rate == "recall" and bound.value < DEEP_RECALL:
        wrong *= PRICE
    return _promise(RankedRows.read(y, proba, weight), bound, confidence, wrong)


def _promise(ranked: RankedRows, bound: RateBound, confidence: float, wrong: float) -> Guarantee:
    """Return the guarantee that may be wrong that often; warn if the rule is not met."""
    keep = keep_precision if bound.rate == "precision" else keep_share
    promise = keep(ranked, bound, wrong)
    found = Guarantee(
        rule=str(bound),
        confidence=confidence,
        threshold=promise.threshold,
        bound=promise.bound,
        met=promise.met,
        rows=int(ranked.positive.size),
        positives=int(ranked.positive.sum()),
    )
    if not found.met:
        warn(str(found))
    return found
