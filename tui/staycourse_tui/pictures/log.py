"""The log in the whole window. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from staycourse_tui import formatting as fmt
from staycourse_tui.frames import Frame
from staycourse_tui.keys import LOG_KEYS
from staycourse_tui.layout import Box, is_tiny
from staycourse_tui.panes.header import header
from staycourse_tui.panes.log import whole_log
from staycourse_tui.pictures.framing import Filtered, Picture, footer, framed, only_header
from staycourse_tui.widgets.lines import Span, line


@dataclass(frozen=True)
class LogState(Filtered):
    """What the keys have set: `up` is how far the log is scrolled back."""

    up: int = 0
    filter: str = ""


@dataclass(frozen=True)
class LogDrawn:
    """The picture, how far up the log came to be, and how many of its rows are seen."""

    picture: Picture
    up: int
    page: int


def draw_log(frame: Frame, state: LogState, size: tuple[int, int]) -> LogDrawn:
    """The screen at a size of (columns, rows)."""
    columns, rows = size
    head = header(frame.snapshot, columns, state.frozen, state.unread)
    if is_tiny(columns, rows):
        return LogDrawn(only_header(head, columns), state.up, 1)
    box = Box("events", 0, 1, columns, rows - 2, titled=True)
    words = state.filter.lower().split()
    entries = [entry for entry in frame.snapshot.log if all(word in entry.text.lower() for word in words)]
    lines, up = whole_log(entries, box.inner_width, box.inner_height, state.up, has_days=True)
    title = [Span("log", "title"), Span(f"  {fmt.plural(len(entries), 'event')}", "dim")]
    title += [Span(" with ", "dim"), Span(state.filter, "accent")] if words else []
    back = line(Span(f"{up} lines back", "dim")) if up else ()
    labels = {"space": "go on" if state.frozen else "freeze"}
    parts = {
        "header": [head],
        "events": framed(box, (line(*title), back), lines, {}),
        "footer": [() if state.is_filtering else footer(LOG_KEYS, columns, state.message, labels)],
    }
    boxes = [Box("header", 0, 0, columns, 1), box, Box("footer", 0, rows - 1, columns, 1)]
    return LogDrawn(Picture(boxes, parts), up, box.inner_height)
