"""A roadmap on the way to its plan: its task is loaded, or it is said in full what stands against it."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import ClassVar

from textual.binding import BindingType
from textual.message import Message

from staycourse.core.problems import UserError
from staycourse_tui.home import Home, problems_of
from staycourse_tui.keys import CHECK_KEYS, LEAVE_HOME
from staycourse_tui.messages import Checked, CheckFailed, Scrolled
from staycourse_tui.pictures.check import CheckState, draw
from staycourse_tui.pictures.framing import Picture
from staycourse_tui.screens.base import PaneScreen
from staycourse_tui.screens.help import HelpScreen


class CheckScreen(PaneScreen):
    """Checks on a thread; leaving it ends the check."""

    PANES = ("header", "body", "footer")
    BINDINGS: ClassVar[list[BindingType]] = [key.binding() for key in CHECK_KEYS]

    def __init__(self, home: Home, path: Path) -> None:
        super().__init__()
        self._home, self._path = home, path
        self._problems: tuple[str, ...] | None = None
        self._began = time.monotonic()
        self._down, self._page = 0, 1
        self._message = ""

    def picture(self, columns: int, rows: int) -> Picture:
        seconds = time.monotonic() - self._began
        state = CheckState(str(self._path), self._problems, seconds, self._down, self._message)
        picture, self._down, self._page = draw(state, (columns, rows))
        return picture

    def on_mount(self) -> None:
        self.set_interval(1.0, self._tick)
        self._check()

    def on_unmount(self) -> None:
        if self._problems is None:
            self._home.cancel()

    def on_checked(self, message: Checked) -> None:
        """The app shows the plan instead of this screen, unless that was left meanwhile."""
        self._problems = ()
        if self not in self.app.screen_stack:
            message.stop()

    def on_check_failed(self, message: CheckFailed) -> None:
        self._problems = message.problems
        self.redraw()

    def on_scrolled(self, message: Scrolled) -> None:
        self.action_move(message.lines)

    def action_move(self, step: int) -> None:
        self._down, self._message = max(0, self._down + step), ""
        self.redraw()

    def action_page(self, step: int) -> None:
        self.action_move(step * max(1, self._page - 1))

    def action_end(self, step: int) -> None:
        self.action_move(step * 10**9)

    def action_again(self) -> None:
        if self._problems:
            self._check()

    def action_back(self) -> None:
        self.go_back()

    def action_help(self) -> None:
        self.app.push_screen(HelpScreen((*CHECK_KEYS, LEAVE_HOME), f"{self._path}: a roadmap is checked"))

    def action_copy_screen(self) -> None:
        super().action_copy_screen()
        self._message = "copied: what this screen shows, as text"
        self.redraw()

    def _check(self) -> None:
        self._problems, self._began, self._down = None, time.monotonic(), 0
        threading.Thread(target=lambda: self.post_message(self._answer()), name="check", daemon=True).start()
        self.redraw()

    def _answer(self) -> Message:
        try:
            return Checked(self._home.check(self._path))
        except UserError as error:
            return CheckFailed(problems_of(error, self._path) or (type(error).__name__,))
        except Exception as error:  # shown here, or it would be lost with the thread
            return CheckFailed((f"{type(error).__name__}: {error}",))

    def _tick(self) -> None:
        if self._problems is None:
            self.redraw()
