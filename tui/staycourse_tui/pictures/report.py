"""The report in the whole window. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from staycourse_tui.frames import Frame
from staycourse_tui.keys import REPORT_KEYS
from staycourse_tui.layout import Box, is_tiny
from staycourse_tui.panes.header import header
from staycourse_tui.pictures.framing import Picture, Shown, footer, framed, only_header
from staycourse_tui.widgets.lines import Line, Span, flow, line


@dataclass(frozen=True)
class ReportState(Shown):
    """What the keys have set: `down` is how far the report is scrolled."""

    down: int = 0


@dataclass(frozen=True)
class ReportDrawn:
    """The picture, how far down the report came to be, and how many of its rows are seen."""

    picture: Picture
    down: int
    page: int


def draw_report(
    frame: Frame, lines: Sequence[Line], state: ReportState, size: tuple[int, int]
) -> ReportDrawn:
    """The screen at a size of (columns, rows); without lines it says why there are none."""
    columns, rows = size
    head = header(frame.snapshot, columns, state.frozen, state.unread)
    if is_tiny(columns, rows):
        return ReportDrawn(only_header(head, columns), state.down, 1)
    box = Box("report", 0, 1, columns, rows - 2, titled=True)
    page = box.inner_height
    down = min(state.down, max(0, len(lines) - page))
    place = f"{down + 1}–{min(len(lines), down + page)} of {len(lines)} lines" if len(lines) > page else ""
    title = line(Span("report", "title")), line(Span(place, "dim")) if place else ()
    shown = [line(Span(" "), *made) for made in lines[down : down + page]]
    parts = {
        "header": [head],
        "report": framed(box, title, shown or _why_none(frame, state, columns), {}),
        "footer": [footer(REPORT_KEYS, columns, state.message)],
    }
    boxes = [Box("header", 0, 0, columns, 1), box, Box("footer", 0, rows - 1, columns, 1)]
    return ReportDrawn(Picture(boxes, parts), down, page)


def _why_none(frame: Frame, state: ReportState, size: int) -> list[Line]:
    if frame.report is None:
        failed = state.unread is not None
        return [line(Span("the report cannot be read now" if failed else "reading the report", "dim"))]
    command = f"staycourse report {frame.snapshot.name}"
    said = "the report is written when the run stops; as things stand:"
    return flow([(Span(said, "dim"),), (Span(command, "strong"),)], size)
