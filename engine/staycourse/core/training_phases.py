"""The significant phases of one training: where its curve drops and where it lies flat."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby

from staycourse.core.trial import Curve

# Rates are relative to an even descent over the whole curve: above the first an epoch belongs to a drop,
# below the second to a plateau.
_DROP, _PLATEAU = 1.5, 0.15
_LOG_FACTOR = 3.0


@dataclass(frozen=True)
class Segment:
    """Epochs `first` to `last`, both included, of one kind (`drop`, `descent` or `plateau`), with the
    best value so far at its beginning and at its end."""

    kind: str
    first: int
    last: int
    begin: float
    end: float


def segments(curve: Curve, goal: str) -> list[Segment]:
    """The curve's best value so far, cut into drops, descents and plateaus.

    Each epoch's gain, averaged over a twentieth of the curve, is compared with that of an even descent;
    pieces shorter than that window join the piece before. Values that are all positive and span more than
    a factor of three are compared by their logarithms, as one looks at a loss.
    """
    points = [(epoch, value) for epoch, value in curve if math.isfinite(value)]
    if len(points) < 4:
        return []
    epochs = [epoch for epoch, _ in points]
    best = _best_so_far([value for _, value in points], goal)
    if best[-1] == best[0]:
        return [Segment("plateau", epochs[0], epochs[-1], best[0], best[-1])]
    window = max(2, len(points) // 20)
    kinds = _smooth_kinds(_kinds(_scaled(best), window), window)
    return _cut(kinds, epochs, best)


def _best_so_far(values: Sequence[float], goal: str) -> list[float]:
    return list(accumulate(values, min if goal == "min" else max))


def _scaled(best: Sequence[float]) -> Sequence[float]:
    low, high = sorted((best[0], best[-1]))
    return [math.log(value) for value in best] if low > 0 and high > _LOG_FACTOR * low else best


def _kinds(best: Sequence[float], window: int) -> list[str]:
    last, total = len(best) - 1, abs(best[-1] - best[0])
    kinds = []
    for at in range(len(best)):
        low, high = max(0, at - window), min(last, at + window)
        rate = abs(best[high] - best[low]) / total * last / (high - low)
        kinds.append("drop" if rate >= _DROP else "plateau" if rate <= _PLATEAU else "descent")
    return kinds


def _smooth_kinds(kinds: list[str], window: int) -> list[str]:
    smooth: list[str] = []
    for kind, group in groupby(kinds):
        length = len(list(group))
        smooth += [smooth[-1] if smooth and length < window else kind] * length
    return smooth


def _cut(kinds: Sequence[str], epochs: Sequence[int], best: Sequence[float]) -> list[Segment]:
    found, at = [], 0
    for kind, group in groupby(kinds):
        end = at + len(list(group)) - 1
        found.append(Segment(kind, epochs[at], epochs[end], best[max(0, at - 1)], best[end]))
        at = end + 1
    return found
