"""The log of a run in the whole window."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from textual.binding import BindingType

from staycourse_tui.frames import Frame
from staycourse_tui.keys import LOG_KEYS
from staycourse_tui.pictures.framing import Picture
from staycourse_tui.pictures.log import LogState, draw_log
from staycourse_tui.screens.run_view import FilteredView
from staycourse_tui.session import Session


class LogScreen(FilteredView[LogState]):
    """Every event that is kept in view, with a filter."""

    KEYS = LOG_KEYS
    PANES = ("header", "events", "footer")
    BINDINGS: ClassVar[list[BindingType]] = [key.binding() for key in LOG_KEYS]

    def __init__(self, session: Session) -> None:
        super().__init__(session, LogState())

    @property
    def filter(self) -> str:
        return self.state.filter

    def set_filter(self, text: str) -> None:
        self.change(filter=text, up=0)

    def draw(self, frame: Frame, columns: int, rows: int) -> Picture:
        drawn = draw_log(frame, self.told(), (columns, rows))
        self.state, self.page = replace(self.state, up=drawn.up), drawn.page
        return drawn.picture

    def action_move(self, step: int) -> None:
        self.change(up=max(0, self.state.up - step))
