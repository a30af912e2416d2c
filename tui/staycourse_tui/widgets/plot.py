"""Curves in braille: scales, ticks, decimation and the dot canvas. Pure.

A cell holds 2 x 4 dots. A curve is reduced to the smallest and largest value in each column of dots, so
drawing costs the same however many points there are and no spike is lost.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Point = tuple[float, float]

_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))


@dataclass(frozen=True)
class Scale:
    """Values from `low` to `high`, evenly spread in the logarithm if `log`."""

    low: float
    high: float
    log: bool = False

    def unit(self, value: float) -> float:
        """0 at `low`, 1 at `high`."""
        low, high, at = (math.log(x) if self.log else x for x in (self.low, self.high, value))
        return (at - low) / (high - low)

    def at(self, unit: float) -> float:
        """The value at a position; the inverse of `unit`."""
        if self.log:
            return float(self.low * (self.high / self.low) ** unit)
        return self.low + unit * (self.high - self.low)


def scale_of(values: Iterable[float], log: bool) -> Scale:
    """A scale that shows all finite values with a little air; linear if any is not above zero."""
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        return Scale(0.0, 1.0)
    low, high = min(finite), max(finite)
    if log and low > 0:
        air = max((high / low) ** 0.04, 1.002)
        return Scale(low / air, high * air, log=True)
    air = (high - low) * 0.04 or abs(high) * 0.05 or 0.5
    return Scale(low - air, high + air)


def ticks(scale: Scale, most: int) -> list[float]:
    """At most `most` round values within the scale, rising."""
    if most < 1:
        return []
    found = _log_ticks(scale, most) if scale.log and scale.high / scale.low >= 4 else []
    return found if len(found) > 1 else _even_ticks(scale, most)


def _even_ticks(scale: Scale, most: int) -> list[float]:
    span = scale.high - scale.low
    step = 10.0 ** (math.floor(math.log10(span / most)) - 1)
    for factor in (1, 2, 5, 10, 20, 50, 100, 200, 500):
        size = step * factor
        first, last = math.ceil(scale.low / size - 1e-9), math.floor(scale.high / size + 1e-9)
        if last - first + 1 <= most:
            return [round(index * size, 12) for index in range(first, last + 1)]
    return []


def _log_ticks(scale: Scale, most: int) -> list[float]:
    low, high = math.floor(math.log10(scale.low)), math.ceil(math.log10(scale.high))
    for mantissas in ((1, 2, 5), (1, 3), (1,)):
        values = [float(f"{m}e{power}") for power in range(low, high + 1) for m in mantissas]
        inside = [value for value in values if scale.low <= value <= scale.high]
        if len(inside) <= most:
            return inside
    every = math.ceil(len(inside) / most)
    return inside[::-every][::-1]


def tick_label(value: float) -> str:
    """A tick's value as short as it is exact."""
    if value == 0:
        return "0"
    if 1e-4 <= abs(value) < 1e5:
        return f"{value:.6f}".rstrip("0").rstrip(".")
    return f"{value:.3g}".replace("e-0", "e-").replace("e+0", "e").replace("e+", "e")


@dataclass(frozen=True)
class Column:
    """What a curve does within one column of dots: its first, last, smallest and largest value."""

    x: int
    first: float
    last: float
    low: float
    high: float


def decimate(points: Sequence[Point], x_max: float, dots: int) -> list[list[Column]]:
    """The curve by columns of dots, in pieces: a value that is no number interrupts the line.

    `points` have rising x between 0 and `x_max`; column 0 is x = 0, the last one x = `x_max`.
    """
    pieces: list[list[Column]] = [[]]
    for x, value in points:
        if not math.isfinite(value):
            pieces.append([])
            continue
        at = min(dots - 1, max(0, round(x / x_max * (dots - 1)))) if x_max > 0 else 0
        piece = pieces[-1]
        if piece and piece[-1].x == at:
            was = piece[-1]
            piece[-1] = Column(at, was.first, value, min(was.low, value), max(was.high, value))
        else:
            piece.append(Column(at, value, value, value, value))
    return [piece for piece in pieces if piece]


class Canvas:
    """Braille dots in `width` x `height` cells; (0, 0) is the dot at the top left. A cell has the owner
    that drew in it last."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._bits = [[0] * width for _ in range(height)]
        self._owner = [[-1] * width for _ in range(height)]

    def dot(self, x: int, y: int, owner: int) -> None:
        """Set a dot; one outside is left out."""
        if 0 <= x < 2 * self.width and 0 <= y < 4 * self.height:
            self._bits[y // 4][x // 2] |= _DOTS[y % 4][x % 2]
            self._owner[y // 4][x // 2] = owner

    def segment(self, x0: int, y0: int, x1: int, y1: int, owner: int) -> None:
        """A straight line between two dots, both included."""
        steps = max(abs(x1 - x0), abs(y1 - y0), 1)
        for step in range(steps + 1):
            self.dot(round(x0 + (x1 - x0) * step / steps), round(y0 + (y1 - y0) * step / steps), owner)

    def curve(self, pieces: Iterable[Sequence[Column]], scale: Scale, owner: int) -> None:
        """A decimated curve, its columns joined by straight lines."""
        for piece in pieces:
            before: Column | None = None
            for column in piece:
                self.segment(
                    column.x, self.row(scale, column.low), column.x, self.row(scale, column.high), owner
                )
                if before is not None:
                    y0, y1 = self.row(scale, before.last), self.row(scale, column.first)
                    self.segment(before.x, y0, column.x, y1, owner)
                before = column

    def row(self, scale: Scale, value: float) -> int:
        """The row of dots of a value."""
        return round((1 - min(1.0, max(0.0, scale.unit(value)))) * (4 * self.height - 1))

    def cell(self, x: int, y: int) -> tuple[str, int]:
        """A cell's character and its owner; a blank and -1 where nothing was drawn."""
        bits = self._bits[y][x]
        return (chr(0x2800 + bits), self._owner[y][x]) if bits else (" ", -1)

    def text(self) -> list[str]:
        """The rows as text."""
        return ["".join(self.cell(x, y)[0] for x in range(self.width)) for y in range(self.height)]


def sparkline(values: Sequence[float], low: float, high: float, width: int) -> str:
    """The newest values as one row of braille columns, two values a cell, filled from below."""
    shown = list(values)[-2 * width :]
    shown = [math.nan] * (2 * width - len(shown)) + shown
    made = []
    for at in range(0, 2 * width, 2):
        bits = 0
        for side in (0, 1):
            value = shown[at + side]
            if math.isfinite(value):
                level = 1 + round(3 * min(1.0, max(0.0, (value - low) / (high - low))))
                for row in range(4 - level, 4):
                    bits |= _DOTS[row][side]
        made.append(chr(0x2800 + bits) if bits else " ")
    return "".join(made)
