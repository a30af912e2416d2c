"""The report of a run, its Markdown rendered in place."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from textual.binding import BindingType

from staycourse_tui.frames import Frame
from staycourse_tui.keys import REPORT_KEYS
from staycourse_tui.messages import Scrolled
from staycourse_tui.panes.markdown import Block, parse
from staycourse_tui.panes.report import report_lines
from staycourse_tui.pictures.framing import Picture
from staycourse_tui.pictures.report import ReportState, draw_report
from staycourse_tui.screens.run_view import RunView
from staycourse_tui.session import Session
from staycourse_tui.widgets.lines import Line


class ReportScreen(RunView):
    """The report as it lies in the run's folder; it is read again while the screen is open."""

    KEYS = REPORT_KEYS
    PANES = ("header", "report", "footer")
    BINDINGS: ClassVar[list[BindingType]] = [key.binding() for key in REPORT_KEYS]

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._blocks: tuple[str, tuple[Block, ...]] = ("", ())
        self._lines: tuple[tuple[str, int], list[Line]] = (("", 0), [])
        self.state = ReportState()
        self._page = 1

    def on_mount(self) -> None:
        self.session.ask(has_report=True)
        super().on_mount()

    def on_unmount(self) -> None:
        self.session.ask(has_report=False)

    def on_scrolled(self, message: Scrolled) -> None:
        self.action_move(message.lines)

    def draw(self, frame: Frame, columns: int, rows: int) -> Picture:
        lines = self._laid_out(frame.report, columns - 2) if frame.report else []
        session = self.session
        shared = replace(self.state, frozen=session.frozen, unread=session.unread, message=session.message)
        drawn = draw_report(frame, lines, shared, (columns, rows))
        self.state, self._page = replace(self.state, down=drawn.down), drawn.page
        return drawn.picture

    def action_move(self, step: int) -> None:
        self.state = replace(self.state, down=max(0, self.state.down + step))
        self.redraw()

    def action_page(self, step: int) -> None:
        self.action_move(step * max(1, self._page - 1))

    def action_end(self, step: int) -> None:
        self.action_move(step * 10**9)

    def _laid_out(self, report: str, size: int) -> list[Line]:
        """Made anew only for another text or another width."""
        if self._blocks[0] != report:
            self._blocks = (report, parse(report))
        if self._lines[0] != (report, size):
            self._lines = ((report, size), report_lines(self._blocks[1], size))
        return self._lines[1]
