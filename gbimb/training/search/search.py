"""Trials within a time, the best guesses first."""

from __future__ import annotations

import time
import warnings
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

from gbimb.exceptions import warn

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import optuna

    from gbimb.array_types import FloatArray
    from gbimb.training.objectives.base import SearchObjective
    from gbimb.training.search.candidate import Candidate, CrossFitted
    from gbimb.training.search.cross_fit import CrossFitter
    from gbimb.training.search.space import Choice, Space

FINISHED: Final = "finished"
OUT_OF_TIME: Final = "out of time"
GIVEN_UP: Final = "given up"
# Candidates are compared where rounds times learning rate passes one of these.
MILESTONES: Final = (0.5, 1.0, 2.0, 4.0, 8.0)
PATIENCE_IN_ROUNDS: Final = 5
# Seconds that follow the last round of a candidate for each second before: where none is known.
FIRST_AFTER: Final = 0.8
FEWEST_OF_USUAL: Final = 0.5
"""Share of the usual seconds of a candidate that must be left to begin another one."""
ROWS_A_CANDIDATE: Final = 10
"""Held-out rows of the rarer classes for each candidate, where the clock ends the search."""


class Clock:
    """What is left of the time budget; None never runs out."""

    def __init__(self, budget: float | None) -> None:
        self._start = time.monotonic()
        self._budget = budget
        self.reserve = 0.0 if budget is None else 0.02 * budget

    @property
    def ticks(self) -> bool:
        """Whether the time can run out."""
        return self._budget is not None

    def spent(self) -> float:
        """Return seconds since the start."""
        return time.monotonic() - self._start

    def left(self, share: float = 1.0) -> float:
        """Return the seconds until ``share`` of the budget is spent, less the reserve."""
        if self._budget is None:
            return float("inf")
        return share * self._budget - self.reserve - self.spent()


@dataclass(frozen=True, eq=False)
class TrialResult:
    """The outcome of one trial; ``fitted`` is None if it was given up.

    ``scores`` are those of the objective's bootstraps, ``score`` their mean, or that of a test in
    time; ``is_fixed`` tells whether it is a member of the portfolio, or one that the user gave.
    """

    candidate: Candidate
    choice: Choice
    state: str
    score: float
    log_loss: float
    seconds: float
    fitted: CrossFitted | None
    scores: FloatArray
    is_fixed: bool = True


Report: TypeAlias = "Callable[[TrialResult], None]"


@dataclass(eq=False)
class Search:
    """Candidates on the rows of one fitter: the first ones, then those that Optuna proposes.

    Attributes
    ----------
    share : float
        Of the time budget, when to be done.
    report : callable
        Called with each :class:`TrialResult`.
    study : optuna.Study or None
        What proposes candidates; None before the first.
    """

    fitter: CrossFitter
    space: Space
    objective: SearchObjective
    clock: Clock
    share: float
    n_trials: int | None
    report: Report
    study: optuna.Study | None = None
    _training: dict[str, float] = field(default_factory=lambda: defaultdict(lambda: 1.0))
    _after: dict[str, float] = field(default_factory=lambda: defaultdict(lambda: FIRST_AFTER))

    def run(
        self, before: Search | None = None, done: Sequence[TrialResult] = ()
    ) -> list[TrialResult]:
        """Return the results in the order of the trials; at least one is fitted.

        ``before`` is a search on a part of the rows, whose optimiser goes on to propose; ``done``
        are the results on these rows so far, which are returned with the others.
        """
        import optuna

        level = optuna.logging.get_verbosity()
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        try:
            self.study = self._new_study() if before is None else before.study
            return self._run(list(done))
        finally:
            optuna.logging.set_verbosity(level)

    def _run(self, results: list[TrialResult]) -> list[TrialResult]:
        study = self.study
        assert study is not None
        # After the first own candidate, so that there is one whatever the others take.
        fitted = {t.choice["engine"] for t in results}
        foreign = [c for c in self.space.foreign_choices() if c["engine"] not in fitted]
        while not self._done(results) or (results and foreign):
            own = not (results and foreign)
            trial = study.ask() if own else None
            choice = foreign.pop(0) if trial is None else self.space.suggest(trial)
            try:
                one = self.run_trial(choice, len(results), trial)
            except KeyboardInterrupt:
                if not any(t.fitted for t in results):
                    raise
                warn(f"Interrupted: the choice is among the {len(results)} candidates so far.")
                break
            if trial is not None:
                pruned = one.fitted is None
                study.tell(trial, None if pruned else one.score, state=_state(pruned=pruned))
            results.append(one)
            self.report(one)
        return results

    def run_all(self, choices: Sequence[Choice]) -> list[TrialResult]:
        """Return the results of these, in their order, whatever they take."""
        results = []
        for i, choice in enumerate(choices):
            results.append(self.run_trial(choice, i))
            self.report(results[-1])
        return results

    def repeat(self, results: list[TrialResult], fewest: int) -> list[TrialResult]:
        """Return the same candidates, fitted on all rows while there is time.

        Where no time is set, or ``n_trials`` decides, they are the first ``fewest``. After an
        interrupt they are those that are done, perhaps none.
        """
        most = fewest if self.n_trials or not self.clock.ticks else len(results)
        fitted: list[TrialResult] = []
        for i, one in enumerate(results[:most]):
            if fitted and self._done(fitted):
                break
            try:
                fitted.append(self.run_trial(one.choice, i))
            except KeyboardInterrupt:
                what = "the search on a part" if i == 0 else f"the {i} trained on all rows so far"
                warn(f"Interrupted: the choice is that of {what}.")
                break
            self.report(fitted[-1])
        return fitted

    def run_trial(
        self, choice: Choice, index: int, trial: optuna.Trial | None = None
    ) -> TrialResult:
        """Fit one candidate, and score it."""
        import optuna

        candidate = self.space.candidate(choice)
        fixed = candidate.foreign or choice in self.space.portfolio()
        began = self.clock.spent()
        rate = choice.get("learning_rate")
        engine = choice["engine"]
        after = 1.2 * self._after[engine] / self._training[engine]
        watch = Watcher(self, rate or 0.0, trial if rate else None, after)
        try:
            fitted = self.fitter.fit(candidate, index, watch)
        except optuna.TrialPruned:
            seconds = self.clock.spent() - began
            return TrialResult(
                candidate, choice, GIVEN_UP, np.nan, np.nan, seconds, None, np.empty(0), fixed
            )
        merged = self.clock.spent()
        scores, score, loss = self.fitter.judged.judge(fitted, self.objective)
        finished = self.clock.spent()
        # What comes after the last round has to be within the time, too: of a candidate it grows
        # with its rounds, and the blend is judged as candidates are.
        self._training[engine] += watch.last_round - began
        self._after[engine] += finished - watch.last_round
        self.clock.reserve = max(self.clock.reserve, 2.0 * (finished - merged))
        state = OUT_OF_TIME if watch.out_of_time else FINISHED
        seconds = finished - began
        return TrialResult(candidate, choice, state, score, loss, seconds, fitted, scores, fixed)

    def _new_study(self) -> optuna.Study:
        import optuna

        first = self.space.first()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            sampler = optuna.samplers.TPESampler(
                seed=self.fitter.seed, multivariate=True, group=True, n_startup_trials=len(first)
            )
        study = optuna.create_study(
            direction="maximize",
            sampler=sampler,
            pruner=optuna.pruners.MedianPruner(n_startup_trials=len(first)),
        )
        for choice in first:
            study.enqueue_trial(choice)
        return study

    def _most_told_apart(self) -> float:
        """Return how many candidates the held-out rows of the rarer classes can tell apart.

        The best of many looks best by chance, the more so the fewer rows of the rarer classes
        judge them: longer searches then make worse models.
        """
        y = self.fitter.judged.y
        if not y.size:
            return float("inf")
        counts = np.bincount(y.astype(np.intp))
        rare = int(counts.sum() - counts.max())
        return max(len(self.space.portfolio()), rare // ROWS_A_CANDIDATE)

    def _done(self, results: list[TrialResult]) -> bool:
        own = [t for t in results if not t.candidate.foreign]
        most = self._most_told_apart() if self.n_trials is None else self.n_trials
        if len(own) >= most:
            return True
        left = self.clock.left(self.share)
        if not results:
            return False
        # A candidate that could not come near its end would be time lost, and more than is left:
        # what comes before its first round and after its last one is not cut short.
        return left < FEWEST_OF_USUAL * float(np.median([t.seconds for t in results]))


class Watcher:
    """Ends a candidate when the time is up, or when others were better at the same stage.

    ``after`` is what follows the last round, as a share of the time of the rounds.
    """

    def __init__(
        self, search: Search, learning_rate: float, trial: optuna.Trial | None, after: float
    ) -> None:
        self._search = search
        self._rate = learning_rate
        self._trial = trial
        self._passed = 0
        self.out_of_time = False
        self._after = after
        self._began = self.last_round = search.clock.spent()
        self.timed = search.clock.ticks

    def __call__(self, history: Mapping[str, list[float]], done: int) -> bool:
        """Return whether to stop; raise ``optuna.TrialPruned`` to give up."""
        import optuna

        self.last_round = self._search.clock.spent()
        after = self._after * (self.last_round - self._began)
        self.out_of_time = self._search.clock.left(self._search.share) <= after
        values = next(iter(history.values()), None)
        if self.out_of_time or self._trial is None or not values:
            return self.out_of_time
        while self._passed < len(MILESTONES) and self._rate * done >= MILESTONES[self._passed]:
            sign = -1.0 if self._search.objective.watched in ("log_loss", "brier") else 1.0
            recent = sign * float(np.mean(values[-PATIENCE_IN_ROUNDS:]))
            self._trial.report(recent, self._passed)
            self._passed += 1
            if self._trial.should_prune():
                raise optuna.TrialPruned
        return False


def _state(*, pruned: bool) -> Any:  # Optuna's
    from optuna.trial import TrialState

    return TrialState.PRUNED if pruned else TrialState.COMPLETE
