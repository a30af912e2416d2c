"""The report of a run, its Markdown rendered in place."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from textual.binding import BindingType

from staycourse_tui.frames import Frame
from staycourse_tui.keys import REPORT_KEYS
from staycourse_tui.panes.markdown import Block, parse
from staycourse_tui.panes.report import report_lines
from staycourse_tui.pictures.framing import Picture
from staycourse_tui.pictures.report import ReportState, draw_report
from staycourse_tui.screens.run_view import RunView
from staycourse_tui.session import Session
from staycourse_tui.widgets.lines import Line


class ReportScreen(RunView[ReportState]):
    """The report as it lies in the run's folder; it is read again while the screen is open."""

    KEYS = REPORT_KEYS
    PANES = ("header", "report", "footer")
    BINDINGS: ClassVar[list[BindingType]] = [key.binding() for key in REPORT_KEYS]

    def __init__(self, session: Session) -> None:
        super().__init__(session, ReportState())
        self._blocks: tuple[str, tuple[Block, ...]] = ("", ())
        self._lines: tuple[tuple[str, int], list[Line]] = (("", 0), [])

    def on_mount(self) -> None:
        self.session.ask(has_report=True)

    def on_unmount(self) -> None:
        self.session.ask(has_report=False)

    def draw(self, frame: Frame, columns: int, rows: int) -> Picture:
        lines = self._laid_out(frame.report, columns - 2) if frame.report else []
        drawn = draw_report(frame, lines, self.told(), (columns, rows))
        self.state, self.page = replace(self.state, down=drawn.down), drawn.page
        return drawn.picture

    def action_move(self, step: int) -> None:
        self.change(down=max(0, self.state.down + step))

    def _laid_out(self, report: str, size: int) -> list[Line]:
        """Made anew only for another text or another width."""
        if self._blocks[0] != report:
            self._blocks = (report, parse(report))
        if self._lines[0] != (report, size):
            self._lines = ((report, size), report_lines(self._blocks[1], size))
        return self._lines[1]
