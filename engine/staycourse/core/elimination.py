"""Which options of a choice are beaten beyond noise, with the evidence."""

from __future__ import annotations

import math
import statistics
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from staycourse.core.adjusting import residuals
from staycourse.core.permutation import beaten, least_size
from staycourse.core.robust import deviation
from staycourse.core.space import Choice, Space, Value
from staycourse.core.trial import Trial

SIGNIFICANCE = 0.05


@dataclass(frozen=True)
class Verdict:
    """One option beside the leading one.

    Trials and median score of each; `difference` is the typical difference of their scores (positive:
    higher), `noise` the standard deviation of scores within an option, both in the metric's units, None where
    too few trials have a score. `p` is the probability that, of options as good as the best, any would look
    as bad. `against` and `p` are None where only one option was tried, and `note` says so.
    """

    hyperparameter: str
    option: Value
    against: Value | None
    trials: int
    trials_against: int
    median: float | None
    median_against: float | None
    difference: float | None
    noise: float | None
    p: float | None
    is_eliminated: bool
    note: str = ""

    @property
    def words(self) -> str:
        """`eliminated` or `cannot tell`."""
        return "eliminated" if self.is_eliminated else "cannot tell"


def eliminate(
    names: Sequence[str], trials: Iterable[Trial], goal: str, space: Space
) -> tuple[Space, list[dict[str, Any]]]:
    """The space without the options that are beaten, and the verdict on every option, as JSON values."""
    ended = [trial for trial in trials if trial.outcome is not None]
    verdicts: list[Verdict] = []
    whole = space
    for name in names:
        h = space.get(name) if name in space.names else None
        if not isinstance(h, Choice) or not space.can_exist(h):
            continue
        found = judge(name, ended, goal, whole)
        space = space.without_options(name, [v.option for v in found if v.is_eliminated])
        verdicts += found
    return space, [asdict(verdict) | {"verdict": verdict.words} for verdict in verdicts]


def judge(name: str, trials: Sequence[Trial], goal: str, space: Space) -> list[Verdict]:
    """Every option of the choice but the leading one.

    A permutation test of all options at once, on ranks (they stand trials of very unequal learning rates),
    after what the other hyperparameters explain is taken out; failures rank last. That a choice is declared
    leading only after the results are known is part of the test, so the chance to lose any option that is as
    good as the best is 5% in all, not 5% for each.
    """
    sign = 1.0 if goal == "min" else -1.0
    choice = space.get(name)
    assert isinstance(choice, Choice)
    here = [trial for trial in trials if trial.setup.get(name) in choice.options]
    by = {option: [at for at, t in enumerate(here) if t.setup[name] == option] for option in choice.options}
    tried = [option for option in choice.options if by[option]]
    scores = {option: [here[at].score(goal) for at in by[option]] for option in tried}
    if len(tried) < 2:
        return [_alone(name, option, scores[option], sign) for option in tried]
    costs = _adjusted(name, here, sign, goal, space)
    found = dict(zip(tried, beaten([[costs[at] for at in by[option]] for option in tried]), strict=True))
    leader = min(tried, key=lambda option: found[option][0])
    noise = _noise(list(scores.values()))
    others = [option for option in tried if option != leader]
    return [_verdict(name, option, leader, scores, noise, found[option][1], sign) for option in others]


def least_trials(options: int) -> int:
    """The fewest trials of each of so many options with which one can be eliminated."""
    return least_size(options, SIGNIFICANCE)


def _adjusted(name: str, trials: Sequence[Trial], sign: float, goal: str, space: Space) -> list[float]:
    """The trials' ranks without what the other hyperparameters explain, infinite for failures."""
    scores = [trial.score(goal) for trial in trials]
    scored = [trial for trial, score in zip(trials, scores, strict=True) if score is not None]
    ranks = _ranks([sign * score for score in scores if score is not None])
    left = iter(residuals(ranks, scored, name, space)) if scored else iter(())
    return [math.inf if score is None else next(left) for score in scores]


def _ranks(values: Sequence[float]) -> list[float]:
    ordered = sorted(values)
    return [(bisect_left(ordered, value) + bisect_right(ordered, value) + 1) / 2 for value in values]


def _verdict(
    name: str,
    option: Value,
    leader: Value,
    scores: dict[Value, list[float | None]],
    noise: float | None,
    p: float,
    sign: float,
) -> Verdict:
    own, best = scores[option], scores[leader]
    gaps = [a - b for a in own if a is not None for b in best if b is not None]
    return Verdict(
        hyperparameter=name,
        option=option,
        against=leader,
        trials=len(own),
        trials_against=len(best),
        median=_median(own, sign),
        median_against=_median(best, sign),
        difference=statistics.median(gaps) if gaps else None,
        noise=noise,
        p=p,
        is_eliminated=p <= SIGNIFICANCE,
    )


def _alone(name: str, option: Value, scores: list[float | None], sign: float) -> Verdict:
    note = "only this option was tried"
    middle, noise = _median(scores, sign), _noise([scores])
    return Verdict(name, option, None, len(scores), 0, middle, None, None, noise, None, False, note)


def _noise(groups: Sequence[Sequence[float | None]]) -> float | None:
    """Standard deviation within groups, by the median distance to each group's median: robust."""
    away = []
    for group in groups:
        known = [score for score in group if score is not None]
        if len(known) > 1:
            middle = statistics.median(known)
            away += [abs(score - middle) for score in known]
    return deviation(away) if away else None


def _median(scores: Sequence[float | None], sign: float) -> float | None:
    """With failures as the worst there is: None where it is one of them."""
    middle = statistics.median([math.inf if score is None else sign * score for score in scores])
    return sign * middle if math.isfinite(middle) else None
