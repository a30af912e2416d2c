"""What a curve does late in training: how much it jitters, and whether it still gets better."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from itertools import combinations, pairwise

from staycourse.core.robust import deviation
from staycourse.core.trial import Curve

# Values that span more than this factor are compared by their logarithms, as one looks at a loss.
_LOG_FACTOR = 3.0
# The last quarter of a curve is its late part; fewer points than these show neither jitter nor trend.
_LATE_SHARE, _LEAST_LATE = 0.25, 5
_MOST_POINTS = 40
# One-sided 5% of the normal distribution.
_SIGNIFICANT_Z = 1.645


def costs(curve: Curve, goal: str) -> list[float]:
    """The curve's values, lower is better; as logarithms where they are positive and span far."""
    values = [value for _, value in curve]
    sign = 1.0 if goal == "min" else -1.0
    low, high = min(values), max(values)
    if low > 0 and high > _LOG_FACTOR * low:
        return [sign * math.log(value) for value in values]
    return [sign * value for value in values]


def late(values: Sequence[float]) -> Sequence[float]:
    """The last quarter, at least five values; none of a curve that is too short to have a late part."""
    size = max(_LEAST_LATE, math.ceil(len(values) * _LATE_SHARE))
    return values[len(values) - size :] if len(values) >= size + 3 else ()


def jitter(values: Sequence[float]) -> float:
    """Standard deviation of what goes up and down from one value to the next.

    By the median of the absolute second differences, which a trend leaves alone and single spikes do not
    move (second differences of independent noise have six times its variance).
    """
    if len(values) < _LEAST_LATE:
        return 0.0
    bends = [abs(a - 2 * b + c) for a, b, c in zip(values, values[1:], values[2:], strict=False)]
    return deviation(bends) / math.sqrt(6)


def descent(values: Sequence[float]) -> float:
    """How far the costs came down, from the first to the best."""
    return values[0] - min(values)


def late_gain(values: Sequence[float]) -> float:
    """How far the costs still come down over their late part, 0 where that cannot be told from jitter.

    The slope is the median of all pairwise slopes (Sen, Estimates of the regression coefficient based on
    Kendall's tau, 1968), the test Mann's (Nonparametric tests against trend, 1945), one-sided at 5%: both
    stand jitter and single spikes.
    """
    points = _blocks(late(values))
    count = len(points)
    if count < _LEAST_LATE:
        return 0.0
    pairs = list(combinations(range(count), 2))
    falls = sum((points[a] > points[b]) - (points[a] < points[b]) for a, b in pairs)
    z = (falls - 1) / math.sqrt(count * (count - 1) * (2 * count + 5) / 18)
    if z < _SIGNIFICANT_Z:
        return 0.0
    slope = statistics.median((points[b] - points[a]) / (b - a) for a, b in pairs)
    return max(0.0, -slope * (count - 1))


def arrival(curve: Curve, values: Sequence[float], tolerance: float) -> int:
    """The first epoch at which the costs are as good as at their best, to within `tolerance`."""
    best = min(values)
    return next(epoch for (epoch, _), value in zip(curve, values, strict=True) if value <= best + tolerance)


def _blocks(values: Sequence[float]) -> list[float]:
    """At most forty means of neighbouring values: pairs of a long curve would be too many."""
    if len(values) <= _MOST_POINTS:
        return list(values)
    ends = [round(at * len(values) / _MOST_POINTS) for at in range(_MOST_POINTS + 1)]
    return [statistics.fmean(values[start:end]) for start, end in pairwise(ends)]
