"""The report of a run, its Markdown rendered in place."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.widgets import Markdown

from staycourse_tui.frames import Frame
from staycourse_tui.keys import REPORT_KEYS
from staycourse_tui.layout import Box, is_tiny
from staycourse_tui.panes.header import header
from staycourse_tui.pictures.framing import Picture, footer, framed, only_header
from staycourse_tui.screens.run_view import RunView
from staycourse_tui.session import Session
from staycourse_tui.widgets.lines import Line, Span, line, wrap_text


class ReportScreen(RunView):
    """The report as it lies in the run's folder; it is read again while the screen is open."""

    KEYS = REPORT_KEYS
    PANES = ("header", "title", "footer")
    BINDINGS: ClassVar[list[BindingType]] = [key.binding() for key in REPORT_KEYS]

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._markdown = Markdown(open_links=False)
        self._scroll = VerticalScroll(self._markdown, id="report", can_focus=False)
        self._shown = ""

    def compose(self) -> ComposeResult:
        yield from super().compose()
        yield self._scroll

    def on_mount(self) -> None:
        self.session.ask(has_report=True)
        super().on_mount()

    def on_unmount(self) -> None:
        self.session.ask(has_report=False)

    def draw(self, frame: Frame, columns: int, rows: int) -> Picture:
        head = header(frame.snapshot, columns, self.session.frozen, self.session.unread)
        report = frame.report
        self._scroll.styles.display = "block" if report and not is_tiny(columns, rows) else "none"
        if is_tiny(columns, rows):
            return only_header(head, columns)
        if report:
            self._show(report, columns, rows)
        box = Box("title", 0, 1, columns, 1 if report else rows - 2, titled=True)
        said = [] if report else _why_none(frame, columns)
        boxes = [Box("header", 0, 0, columns, 1), box, Box("footer", 0, rows - 1, columns, 1)]
        lines = {
            "header": [head],
            "title": framed(box, (line(Span("report", "title")), ()), said, {}),
            "footer": [footer(REPORT_KEYS, columns, self.session.message)],
        }
        return Picture(boxes, lines)

    def action_move(self, step: int) -> None:
        self._scroll.scroll_relative(y=step, animate=False)

    def action_page(self, step: int) -> None:
        self._scroll.scroll_relative(y=step * max(1, self._scroll.size.height - 1), animate=False)

    def action_end(self, step: int) -> None:
        self._scroll.scroll_home(animate=False) if step < 0 else self._scroll.scroll_end(animate=False)

    def _show(self, report: str, columns: int, rows: int) -> None:
        self._scroll.styles.offset = (0, 2)
        self._scroll.styles.width, self._scroll.styles.height = columns, rows - 3
        if report != self._shown:
            self._shown = report
            self._markdown.update(report)


def _why_none(frame: Frame, size: int) -> list[Line]:
    if frame.report is None:
        return [line(Span("reading the report", "dim"))]
    name = frame.snapshot.name
    said = (
        "the report is written when the run stops; `staycourse report " + name + "` writes it as things stand"
    )
    return wrap_text(said, size, "dim")
