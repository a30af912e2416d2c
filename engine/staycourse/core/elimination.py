"""Which options of a choice are beaten beyond noise, with the evidence."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from staycourse.core.beaten import beaten_p, least_results
from staycourse.core.space import Choice, Space, Value
from staycourse.core.trial import Trial

SIGNIFICANCE = 0.05


@dataclass(frozen=True)
class Verdict:
    """One option against the one with the best median score: trials of each, median scores, by how much it is
    worse (the median over all pairs of trials, in units of the metric), the noise (standard deviation of the
    scores under an option), and how likely any option would look as beaten as this one if all were equal.

    Failed set-ups rank last; they have no part in difference and noise.
    """

    hyperparameter: str
    option: Value
    against: Value
    trials: int
    trials_against: int
    median: float | None
    median_against: float | None
    difference: float | None
    noise: float | None
    p: float
    is_eliminated: bool

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
    for name in names:
        h = space.get(name) if name in space.names else None
        if not isinstance(h, Choice) or not space.can_exist(h):
            continue
        found = judge(name, ended, goal, space)
        space = space.without_options(name, [v.option for v in found if v.is_eliminated])
        verdicts += found
    return space, [asdict(verdict) | {"verdict": verdict.words} for verdict in verdicts]


def judge(name: str, trials: Sequence[Trial], goal: str, space: Space) -> list[Verdict]:
    """Every option of the choice against the one with the best median score.

    Ranks (core.beaten) stand trials of very unequal learning rates, and failures without a value; that the
    leader is found in the same trials is allowed for.
    """
    choice = space.get(name)
    assert isinstance(choice, Choice)
    sign = 1.0 if goal == "min" else -1.0
    scores = {
        option: [_cost(trial, goal, sign) for trial in trials if trial.setup.get(name) == option]
        for option in choice.options
    }
    tried = [option for option in choice.options if scores[option]]
    if len(tried) < 2:
        return []
    leader = min(tried, key=lambda option: statistics.median(scores[option]))
    probabilities = dict(zip(tried, beaten_p([scores[option] for option in tried]), strict=True))
    noise = _noise([scores[option] for option in tried])
    return [
        _compare(name, option, leader, scores, sign, noise, probabilities[option])
        for option in tried
        if option != leader
    ]


def least_trials(options: int) -> int:
    """How many trials each of so many options needs before any can be eliminated."""
    return least_results(options, SIGNIFICANCE)


def _compare(
    name: str,
    option: Value,
    leader: Value,
    scores: dict[Value, list[float]],
    sign: float,
    noise: float | None,
    p: float,
) -> Verdict:
    return Verdict(
        hyperparameter=name,
        option=option,
        against=leader,
        trials=len(scores[option]),
        trials_against=len(scores[leader]),
        median=_finite(sign * statistics.median(scores[option])),
        median_against=_finite(sign * statistics.median(scores[leader])),
        difference=_difference(scores[option], scores[leader]),
        noise=noise,
        p=p,
        is_eliminated=p <= SIGNIFICANCE,
    )


def _difference(worse: Sequence[float], better: Sequence[float]) -> float | None:
    """How much worse, in the median over all pairs (Hodges and Lehmann 1963); None if either has no score."""
    pairs = [a - b for a in worse for b in better if math.isfinite(a) and math.isfinite(b)]
    return statistics.median(pairs) if pairs else None


def _noise(groups: Sequence[Sequence[float]]) -> float | None:
    """Standard deviation within the groups, as a normal one would have it by the median distance from each
    group's median: a trial that went astray is no measure of the others."""
    apart = [
        abs(value - statistics.median(finite))
        for finite in ([v for v in group if math.isfinite(v)] for group in groups)
        if len(finite) > 1
        for value in finite
    ]
    return 1.4826 * statistics.median(apart) if apart else None


def _cost(trial: Trial, goal: str, sign: float) -> float:
    score = trial.score(goal)
    return math.inf if score is None else sign * score


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
