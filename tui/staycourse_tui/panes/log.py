"""The ledger in words, newest at the bottom."""

from __future__ import annotations

from collections.abc import Sequence

from staycourse.client import LogLine
from staycourse_tui import formatting as fmt
from staycourse_tui.widgets.lines import Line, Span, fit, line, rule, shorten, wrap_text


def newest(log: Sequence[LogLine], size: int, rows: int) -> list[Line]:
    """The newest events, one line each; what is too long ends in an ellipsis."""
    return [_first(entry, size, shorten(entry.text, size - 10)) for entry in log[-rows:]] if rows else []


def whole_log(
    log: Sequence[LogLine], size: int, rows: int, up: int, has_days: bool = False
) -> tuple[list[Line], int]:
    """Events in full, wrapped, `up` lines above the newest; and how far up there is anything. With
    `has_days` a rule stands above the first event of each day."""
    lines: list[Line] = []
    for at in range(len(log) - 1, -1, -1):
        entry = log[at]
        lines = [*_block(entry, size), *lines]
        day = fmt.day(entry.time)
        if has_days and day and (at == 0 or fmt.day(log[at - 1].time) != day):
            lines = [rule(line(Span(day, "dim")), size), *lines]
        if len(lines) >= rows + up:
            break
    up = min(up, max(0, len(lines) - rows))
    end = len(lines) - up
    return lines[max(0, end - rows) : end], up


def _block(entry: LogLine, size: int) -> list[Line]:
    wrapped = wrap_text(entry.text, max(8, size - 10))
    first = _first(entry, size, "".join(span.text for span in wrapped[0]))
    return [first, *(fit(line(Span(" " * 10), *made), size) for made in wrapped[1:])]


def _first(entry: LogLine, size: int, text: str) -> Line:
    return fit(line(Span(fmt.clock(entry.time) + "  ", "dim"), Span(text)), size)
