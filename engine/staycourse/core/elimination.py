"""Which options of a choice are beaten beyond noise, with the evidence."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from staycourse.core.space import Choice, Space, Value
from staycourse.core.trial import Trial

SIGNIFICANCE = 0.05
_MOST_PAIRS = 900


@dataclass(frozen=True)
class Verdict:
    """One option against the leading one: trials of each, median scores, and how likely ranks as uneven
    as these are if the two are equal. Failed set-ups rank last."""

    hyperparameter: str
    option: Value
    against: Value
    trials: int
    trials_against: int
    median: float | None
    median_against: float | None
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

    One-sided rank-sum test (Mann and Whitney 1947), its exact distribution where no scores are equal:
    rank tests stand trials of very unequal learning rates, and failures without a value.
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
    leader = min(tried, key=lambda option: _median(scores[option]))
    return [_compare(name, option, leader, scores, sign) for option in tried if option != leader]


def rank_sum_p(better: Sequence[float], worse: Sequence[float]) -> float:
    """Probability that `better` ranks as low as it does, or lower, if both come from one distribution.

    Exact, by counting rank sums (equal values take their mean rank; doubled to stay whole numbers); by
    the normal distribution with its corrections for ties and continuity where counting takes long.
    """
    ranks = _double_ranks([*better, *worse])
    if len(better) * len(worse) > _MOST_PAIRS:
        return _normal_p(ranks, len(better))
    observed = sum(ranks[: len(better)])
    counts: list[dict[int, int]] = [{0: 1}, *({} for _ in better)]
    for value in ranks:
        for size in range(len(better), 0, -1):
            for total, ways in counts[size - 1].items():
                counts[size][total + value] = counts[size].get(total + value, 0) + ways
    final = counts[len(better)]
    return sum(ways for total, ways in final.items() if total <= observed) / sum(final.values())


def _normal_p(double_ranks: Sequence[int], count: int) -> float:
    total = len(double_ranks)
    mean = count * (total + 1)
    squares = sum((rank - (total + 1)) ** 2 for rank in double_ranks)
    variance = count * (total - count) * squares / (total * (total - 1))
    if variance == 0:
        return 1.0
    z = (sum(double_ranks[:count]) + 1 - mean) / math.sqrt(variance)
    return math.erfc(-z / math.sqrt(2)) / 2


def _compare(
    name: str, option: Value, leader: Value, scores: dict[Value, list[float]], sign: float
) -> Verdict:
    p = rank_sum_p(scores[leader], scores[option])
    return Verdict(
        hyperparameter=name,
        option=option,
        against=leader,
        trials=len(scores[option]),
        trials_against=len(scores[leader]),
        median=_finite(sign * _median(scores[option])),
        median_against=_finite(sign * _median(scores[leader])),
        p=p,
        is_eliminated=p <= SIGNIFICANCE,
    )


def _cost(trial: Trial, goal: str, sign: float) -> float:
    score = trial.score(goal)
    return math.inf if score is None else sign * score


def _median(values: Sequence[float]) -> float:
    ordered = sorted(values)
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return (ordered[middle - 1] + ordered[middle]) / 2


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _double_ranks(values: Sequence[float]) -> list[int]:
    ordered = sorted(values)
    return [bisect_left(ordered, value) + bisect_right(ordered, value) + 1 for value in values]
