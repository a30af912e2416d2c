"""How long a trial had trained at which step, from what its steps took."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence

PacePoint = tuple[int, float]  # step, seconds of training so far


class Pace:
    """Seconds of training by step, in at most `most` points; grows with the rows of `step_ms`.

    Each row's value is the mean over the steps since the row before, in milliseconds. `start` is where the
    trial begins: (0, 0.0), or the end of its parent's.
    """

    def __init__(self, most: int, start: PacePoint = (0, 0.0)) -> None:
        self._most = most
        self._every = 1
        self._seen = 0
        self._points: list[PacePoint] = [start]
        self._newest = start

    @property
    def newest(self) -> PacePoint:
        """The last step that is known, with its seconds."""
        return self._newest

    def add(self, rows: Iterable[tuple[int, float]]) -> None:
        """Further (step, step_ms) rows, in the order of their steps."""
        for step, step_ms in rows:
            before, seconds = self._newest
            if step <= before or not 0 <= step_ms < float("inf"):
                continue
            self._newest = (step, seconds + (step - before) * step_ms / 1000)
            self._seen += 1
            if self._seen % self._every == 0:
                self._points.append(self._newest)
            if len(self._points) >= self._most:  # one place is for the newest
                self._points = self._points[::2]
                self._every *= 2

    def points(self) -> list[PacePoint]:
        """(step, seconds), the start and the newest among them."""
        if self._points[-1] == self._newest:
            return list(self._points)
        return [*self._points, self._newest]


def to_the_end(points: Sequence[PacePoint], steps: int, seconds: float) -> list[PacePoint]:
    """The pace of an ended trial, up to its last step: what lies behind the newest row took as long as what
    that row tells of. Without any row a straight line: `steps` and `seconds` are those of the trial."""
    step, so_far = points[-1]
    if steps <= step:
        return list(points)
    if len(points) == 1:
        return [*points, (steps, so_far + seconds)]
    return [*points, (steps, _on_the_line(points[-2], points[-1], steps))]


def seconds_at(points: Sequence[PacePoint], step: int) -> float | None:
    """Seconds of training at a step; beyond the last point as fast as before it. None without a pace."""
    if len(points) < 2:
        return None
    at = min(max(1, bisect_left(points, (step, 0.0))), len(points) - 1)
    return _on_the_line(points[at - 1], points[at], step)


def _on_the_line(left: PacePoint, right: PacePoint, step: int) -> float:
    (begun, earlier), (ended, later) = left, right
    return earlier + (later - earlier) * (step - begun) / (ended - begun)
