"""Set-ups compared seed by seed: with one seed all of them met the same first weights and the same data."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from staycourse.core.student import quantile, two_sided_p

LEVEL = 0.05
BETTER, CANNOT_TELL = "better beyond noise", "cannot tell apart"
# Weight of the others' noise, in seeds, beside a pair's own: enough to steady two or three seeds, too little
# to hide a set-up that is noisier than the others.
_MOST_BORROWED = 4
Values = Mapping[int, float]  # a set-up's value for each repetition


@dataclass(frozen=True)
class Difference:
    """`mean` of (second - first) over `seeds` repetitions, `error` its standard error with `df` degrees of
    freedom; None for both where there is no noise to judge it by."""

    mean: float
    seeds: int
    error: float | None = None
    df: int = 0

    def p(self, family: int = 1) -> float | None:
        """Two-sided, of the largest of `family` differences (Bonferroni)."""
        if self.error is None:
            return None
        if self.error == 0:
            return 1.0 if self.mean == 0 else 0.0
        return min(1.0, family * two_sided_p(self.mean / self.error, self.df))

    def interval(self, family: int = 1, level: float = LEVEL) -> tuple[float, float] | None:
        """In which it lies but for a chance of `level`, for all of `family` differences at once."""
        if self.error is None:
            return None
        reach = quantile(1 - level / (2 * family), self.df) * self.error
        return self.mean - reach, self.mean + reach


def pairs_of(count: int) -> int:
    """How many pairs set-ups form. Whoever leads was chosen for it, so all of them are the family."""
    return max(1, count * (count - 1) // 2)


def difference(first: Values, second: Values, all_values: Sequence[Values]) -> Difference | None:
    """The second's value less the first's, over the repetitions that both have; None if there is none.

    The variance of a pair's differences over two to five seeds is a poor estimate of its own, so that of all
    set-ups is drawn upon (shrinkage as of Smyth: Linear models and empirical Bayes methods, 2004, with a
    declared weight in place of an estimated one).
    """
    shared = sorted(first.keys() & second.keys())
    if not shared:
        return None
    gaps = [second[seed] - first[seed] for seed in shared]
    mean, seeds = statistics.fmean(gaps), len(gaps)
    if seeds < 2:
        return Difference(mean, seeds)
    own = statistics.variance(gaps)
    others, others_df = interaction([v for v in all_values if v is not first and v is not second])
    borrowed = min(_MOST_BORROWED, others_df)
    variance = ((seeds - 1) * own + borrowed * 2 * others) / (seeds - 1 + borrowed)
    return Difference(mean, seeds, math.sqrt(variance / seeds), seeds - 1 + borrowed)


def interaction(all_values: Sequence[Values]) -> tuple[float, int]:
    """The variance of a value once its set-up's and its seed's mean are taken out, and its degrees of freedom
    (0 where two set-ups with two shared seeds are not there)."""
    shared = sorted(set.intersection(*(set(values) for values in all_values))) if all_values else []
    df = (len(all_values) - 1) * (len(shared) - 1)
    if df < 1 or not shared:
        return 0.0, 0
    rows = [[values[seed] for seed in shared] for values in all_values]
    of_row = [statistics.fmean(row) for row in rows]
    of_seed = [statistics.fmean(column) for column in zip(*rows, strict=True)]
    grand = statistics.fmean(of_row)
    squares = sum(
        (value - mean - at_seed + grand) ** 2
        for row, mean in zip(rows, of_row, strict=True)
        for value, at_seed in zip(row, of_seed, strict=True)
    )
    return squares / df, df
