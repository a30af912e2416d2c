"""The ledger in words, newest at the bottom."""

from __future__ import annotations

from collections.abc import Sequence

from staycourse.client import LogLine
from staycourse_tui import formatting as fmt
from staycourse_tui.widgets.lines import Line, Span, fit, line, wrap_text


def newest(log: Sequence[LogLine], size: int, rows: int) -> list[Line]:
    """The newest events, one line each; what is too long ends in an ellipsis."""
    return [_first(entry, size, entry.text) for entry in log[-rows:]] if rows else []


def whole_log(log: Sequence[LogLine], size: int, rows: int, up: int) -> tuple[list[Line], int]:
    """Events in full, wrapped, `up` lines above the newest; and how far up there is anything."""
    lines: list[Line] = []
    for entry in reversed(log):
        wrapped = wrap_text(entry.text, max(8, size - 10))
        block = [fit(line(Span(" " * 10), *made), size) for made in wrapped[1:]]
        lines = [_first(entry, size, "".join(span.text for span in wrapped[0])), *block, *lines]
        if len(lines) >= rows + up:
            break
    up = min(up, max(0, len(lines) - rows))
    end = len(lines) - up
    return lines[max(0, end - rows) : end], up


def _first(entry: LogLine, size: int, text: str) -> Line:
    return fit(line(Span(fmt.clock(entry.time) + "  ", "dim"), Span(text)), size)
