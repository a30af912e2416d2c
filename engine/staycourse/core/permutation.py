"""Which of several groups are worse than the best one: a permutation test of all of them at once."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import groupby

from staycourse.core.seeds import derive, mix

# Few arrangements are all counted; of many, so many are drawn.
_MOST_COUNTED = 3000
_DRAWN = 3999
_SPARE = 20  # bits beyond those of a number that is drawn: what its remainder is uneven by


def beaten(groups: Sequence[Sequence[float]]) -> list[tuple[float, float]]:
    """For each group how far the rival that it loses to most ranks before it (in standard deviations of the
    rank sum, Mann and Whitney 1947), and the p-value of that; lower values are better.

    p is the probability that some group which is as good as the best one would lose as clearly, whichever
    groups those are: at p <= 0.05 the chance that any of them is called beaten is 5% in all. It is that of
    the largest loss when all groups are equal, in steps: what is beaten leaves the family (Westfall and
    Young: Resampling-based multiple testing, 1993; comparisons with an unknown best: Hsu, Multiple
    comparisons, 1996). A group that is worse than the best only makes losses to it rarer, so that equality of
    all is the worst case. Two pairs with losses that differ in size are measured alike by their own standard
    deviation. Needs at least two groups, none of them empty.
    """
    values = [(value, at) for at, group in enumerate(groups) for value in group]
    values.sort()
    labels = tuple(at for _, at in values)
    blocks = tuple(len(list(block)) for _, block in groupby(value for value, _ in values))
    sizes = tuple(len(group) for group in groups)
    losses = _losses(labels, blocks, _scales(sizes))
    null, own = _null(sizes, blocks)
    worst_first = sorted(range(len(groups)), key=lambda at: (-losses[at], at))
    at_least, total = [own] * len(groups), len(null) + own
    for drawn in null:
        highest = -math.inf
        for place in range(len(groups) - 1, -1, -1):
            highest = max(highest, drawn[worst_first[place]])
            at_least[place] += highest >= losses[worst_first[place]]
    found, p = [(0.0, 1.0)] * len(groups), 0.0
    for place, at in enumerate(worst_first):
        p = max(p, at_least[place] / total)
        found[at] = (losses[at], p)
    return found


def least_size(groups: int, level: float) -> int:
    """The fewest values in each of so many equal groups with which one can be beaten at that level: every
    ordered pair that ranks apart altogether would look as clear."""
    size = 1
    while groups * (groups - 1) / math.comb(2 * size, size) > level:
        size += 1
    return size


def _scales(sizes: Sequence[int]) -> list[list[tuple[float, float]]]:
    """Mean and standard deviation of twice the number of pairs won, for each ordered pair of groups."""
    return [[(float(n * m), math.sqrt(n * m * (n + m + 1) / 3)) for m in sizes] for n in sizes]


def _losses(
    labels: Sequence[int], blocks: Sequence[int], scales: Sequence[Sequence[tuple[float, float]]]
) -> tuple[float, ...]:
    """The largest loss of each group; `labels` are groups in order of rank, `blocks` lengths of equals."""
    count = len(scales)
    before = [0] * count
    # lost[j][i]: twice the pairs in which i ranks before j, equals once
    lost = [[0] * count for _ in scales]
    at = 0
    for length in blocks:
        if length == 1:
            j = labels[at]
            lost[j] = [so_far + 2 * more for so_far, more in zip(lost[j], before, strict=True)]
            before[j] += 1
        else:
            here = [labels[at : at + length].count(j) for j in range(count)]
            for j in range(count):
                for i in range(count):
                    lost[j][i] += here[j] * (2 * before[i] + here[i])
            before = [so_far + more for so_far, more in zip(before, here, strict=True)]
        at += length
    return tuple(
        max((lost[j][i] - scales[i][j][0]) / scales[i][j][1] for i in range(count) if i != j)
        for j in range(count)
    )


@lru_cache(maxsize=16)
def _null(sizes: tuple[int, ...], blocks: tuple[int, ...]) -> tuple[list[tuple[float, ...]], int]:
    """The losses of all arrangements of the groups over the ranks if they are few; else of as many as are
    drawn, to which the one that stands is to be added: 0 or 1."""
    labels = [at for at, size in enumerate(sizes) for _ in range(size)]
    scales = _scales(sizes)
    count = math.factorial(len(labels))
    for size in sizes:
        count //= math.factorial(size)
    is_few = count <= _MOST_COUNTED
    arrangements = _all(list(sizes), [], len(labels)) if is_few else _drawn(labels, sizes)
    return [_losses(each, blocks, scales) for each in arrangements], 0 if is_few else 1


def _drawn(labels: Sequence[int], sizes: Sequence[int]) -> Iterator[list[int]]:
    """Shuffles (Fisher and Yates) by a generator of their own."""
    base, step, drawn = derive("permutation", *sizes), 0, list(labels)
    for _ in range(_DRAWN):
        pool, left = 0, 0
        for at in range(len(drawn) - 1, 0, -1):
            if left <= at << _SPARE:
                pool, left = mix(base, step), 1 << 63
                step += 1
            pool, other = divmod(pool, at + 1)
            left //= at + 1
            drawn[at], drawn[other] = drawn[other], drawn[at]
        yield drawn


def _all(left: list[int], done: list[int], length: int) -> Iterator[list[int]]:
    if len(done) == length:
        yield done
        return
    for at, more in enumerate(left):
        if more:
            left[at] -= 1
            done.append(at)
            yield from _all(left, done, length)
            done.pop()
            left[at] += 1
