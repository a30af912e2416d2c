"""A curve of any length kept within bounds: fewer points, the same picture."""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import islice
from operator import itemgetter

Point = tuple[int, int, float]  # step, epoch, value
_Bucket = tuple[Point, ...]
_MOST_OF_A_BUCKET = 3
_step, _value = itemgetter(0), itemgetter(2)


class ThinnedCurve:
    """At most `most` points of a curve that grows.

    A curve of fewer points is kept whole. Of a longer one each bucket of neighbours keeps its smallest and
    its largest value, and one that is no finite number where it has any, so that a gap stays a gap; the
    newest point is always there. Buckets grow by doubling, so that what is kept follows from the points
    alone, in whatever portions they came.
    """

    def __init__(self, most: int) -> None:
        assert most > _MOST_OF_A_BUCKET + 1, "room for one bucket and the newest point"
        self._most = most
        self._width = 1
        self._closed: list[_Bucket] = []
        self._open: _Bucket = ()
        self._in_open = 0
        self._kept = 0  # in closed buckets
        self._newest: Point | None = None

    @property
    def newest(self) -> Point | None:
        """The point that was added last."""
        return self._newest

    def add(self, points: Iterable[Point]) -> None:
        """Further points, in the order of their steps."""
        rest = iter(points)
        while piece := tuple(islice(rest, self._width - self._in_open)):
            self._newest = piece[-1]
            self._open = _kept_of((*self._open, *piece))
            self._in_open += len(piece)
            if self._in_open == self._width:
                self._close()
            # One place is for the newest point, which its bucket may not keep.
            while self._kept + len(self._open) >= self._most:
                self._double()

    def points(self) -> list[Point]:
        """What is kept, in the order of steps."""
        found = [point for bucket in self._closed for point in bucket]
        found += self._open
        if self._newest is not None and found[-1] is not self._newest:
            found.append(self._newest)
        return found

    def _close(self) -> None:
        self._closed.append(self._open)
        self._kept += len(self._open)
        self._open, self._in_open = (), 0

    def _double(self) -> None:
        """Every two neighbouring buckets become one."""
        closed, odd = self._closed, len(self._closed) % 2
        if odd:
            self._in_open += self._width
            self._open = _kept_of((*closed[-1], *self._open))
        pairs = zip(closed[0::2], closed[1::2], strict=False)
        self._closed = [_kept_of((*one, *other)) for one, other in pairs]
        self._kept = sum(map(len, self._closed))
        self._width *= 2


def thin(points: Iterable[Point], most: int) -> list[Point]:
    """At most `most` of the points, as ThinnedCurve keeps them."""
    curve = ThinnedCurve(most)
    curve.add(points)
    return curve.points()


def _kept_of(points: _Bucket) -> _Bucket:
    """The smallest, the largest and the first that is no finite number, in the order in which they stand."""
    if len(points) == 1:
        return points
    finite: _Bucket = points
    gaps: _Bucket = ()
    if not math.isfinite(sum(map(_value, points))):  # so many are looked at that this is worth while
        finite = tuple(point for point in points if math.isfinite(point[2]))
        gaps = tuple(point for point in points if not math.isfinite(point[2]))
    if not finite:
        return gaps[:1]
    low, high = min(finite, key=_value), max(finite, key=_value)
    kept = (low,) if low is high else (low, high)
    return tuple(sorted((*kept, *gaps[:1]), key=_step))
