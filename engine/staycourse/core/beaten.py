"""Which of several groups of results are beaten by the best of them, beyond noise."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from staycourse.core.seeds import derive, mix

Groups = Sequence[Sequence[float]]

# Enough to tell 0.05 from 0.04; at 20 results they take a tenth of a second.
_PERMUTATIONS = 2000


def beaten_p(groups: Groups) -> list[float]:
    """For each group the probability that some group would be beaten as clearly as this one is by any other,
    if all of them came from one distribution; lower values are better, infinite ones count as worst.

    All pairs are compared by their ranks, and the largest of these comparisons is what a group's is held
    against (Steel 1960, Dwass 1960: multiple rank tests). So the groups that are truly best stay with 95 % at
    a limit of 0.05, all of them together, although the leader is found in the same results: worse groups
    among them can only be less of a threat than equal ones. The distribution is that of the same results
    dealt out anew, in an order derived from their number; exact for two groups.
    """
    observed = [
        max((_dominance(other, group) for other in _without(groups, at)), default=0.0)
        for at, group in enumerate(groups)
    ]
    if len(groups) == 2:
        return [min(1.0, 2.0 * p) for p in _exact_pair(groups)]
    largest = sorted(_largest_when_dealt(groups))
    return [
        (1 + len(largest) - bisect_left(largest, value - 1e-9)) / (1 + len(largest)) for value in observed
    ]


def rank_sum_p(better: Sequence[float], worse: Sequence[float]) -> float:
    """Probability that `better` ranks as low as it does, or lower, if both come from one distribution
    (Mann and Whitney 1947).

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


def least_results(groups: int, limit: float) -> int:
    """How many results each of so many groups needs before one can be found beaten at all at this limit."""
    count = 1
    while groups * (groups - 1) / math.comb(2 * count, count) > limit:
        count += 1
    return count


_MOST_PAIRS = 900


def _exact_pair(groups: Groups) -> list[float]:
    first, second = groups
    return [rank_sum_p(second, first), rank_sum_p(first, second)]


def _without(groups: Groups, at: int) -> list[Sequence[float]]:
    return [group for other, group in enumerate(groups) if other != at]


def _dominance(better: Sequence[float], worse: Sequence[float]) -> float:
    """By how many standard deviations `better` ranks before `worse`, if they were equal (no ties)."""
    ordered, pairs = sorted(worse), len(better) * len(worse)
    before = sum(len(ordered) - (bisect_left(ordered, x) + bisect_right(ordered, x)) / 2 for x in better)
    return (before - pairs / 2) / math.sqrt(pairs * (len(better) + len(worse) + 1) / 12)


def _largest_when_dealt(groups: Groups) -> list[float]:
    """The largest comparison of any pair, each time that the results are dealt out anew."""
    pool = [value for group in groups for value in group]
    sizes = [len(group) for group in groups]
    seed = derive("beaten", *sizes)
    largest = []
    for deal in range(_PERMUTATIONS):
        _shuffle(pool, mix(seed, deal))
        hands, start = [], 0
        for size in sizes:
            hands.append(pool[start : start + size])
            start += size
        found = [abs(_dominance(a, b)) for at, a in enumerate(hands) for b in hands[at + 1 :]]
        largest.append(max(found))
    return largest


def _shuffle(values: list[float], seed: int) -> None:
    for at in range(len(values) - 1, 0, -1):
        other = mix(seed, at) % (at + 1)
        values[at], values[other] = values[other], values[at]


def _normal_p(double_ranks: Sequence[int], count: int) -> float:
    total = len(double_ranks)
    mean = count * (total + 1)
    squares = sum((rank - (total + 1)) ** 2 for rank in double_ranks)
    variance = count * (total - count) * squares / (total * (total - 1))
    if variance == 0:
        return 1.0
    z = (sum(double_ranks[:count]) + 1 - mean) / math.sqrt(variance)
    return math.erfc(-z / math.sqrt(2)) / 2


def _double_ranks(values: Sequence[float]) -> list[int]:
    ordered = sorted(values)
    return [bisect_left(ordered, value) + bisect_right(ordered, value) + 1 for value in values]
