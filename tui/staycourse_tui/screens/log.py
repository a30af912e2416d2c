"""The log of a run in the whole window."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Input

from staycourse_tui.frames import Frame
from staycourse_tui.keys import LOG_KEYS
from staycourse_tui.messages import Scrolled
from staycourse_tui.pictures.framing import Picture
from staycourse_tui.pictures.log import LogState, draw_log
from staycourse_tui.screens.run_view import RunView
from staycourse_tui.session import Session
from staycourse_tui.widgets.filter_input import FilterInput


class LogScreen(RunView):
    """Every event that is kept in view, with a filter."""

    KEYS = LOG_KEYS
    PANES = ("header", "events", "footer")
    BINDINGS: ClassVar[list[BindingType]] = [key.binding() for key in LOG_KEYS]

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.state = LogState()
        self._input = FilterInput()
        self._page = 1

    def compose(self) -> ComposeResult:
        yield from super().compose()
        yield self._input

    def on_resize(self) -> None:
        super().on_resize()
        self._input.place(self.size.height - 1)

    def draw(self, frame: Frame, columns: int, rows: int) -> Picture:
        session = self.session
        shared = replace(self.state, frozen=session.frozen, unread=session.unread, message=session.message)
        drawn = draw_log(frame, shared, (columns, rows))
        self.state, self._page = replace(self.state, up=drawn.up), drawn.page
        return drawn.picture

    def on_scrolled(self, message: Scrolled) -> None:
        self.action_move(message.lines)

    def on_input_changed(self, message: Input.Changed) -> None:
        self._change(filter=message.value, up=0)

    def on_input_submitted(self) -> None:
        self._close_filter()

    def action_filter(self) -> None:
        self._change(is_filtering=True)
        self._input.open_at(self.size.height - 1, self.state.filter)

    def action_back(self) -> None:
        """From the filter to the log, from there to the screen before."""
        if self.state.is_filtering or self.state.filter:
            self._close_filter()
            self._input.value = ""
            self._change(filter="")
        else:
            super().action_back()

    def action_move(self, step: int) -> None:
        self._change(up=max(0, self.state.up - step))

    def action_page(self, step: int) -> None:
        self.action_move(step * max(1, self._page - 1))

    def action_end(self, step: int) -> None:
        self.action_move(step * 10**9)

    def _close_filter(self) -> None:
        self._input.close()
        self._change(is_filtering=False)

    def _change(self, **changes: object) -> None:
        self.state = replace(self.state, **changes)  # type: ignore[arg-type]  # names are the state's own
        self.redraw()
