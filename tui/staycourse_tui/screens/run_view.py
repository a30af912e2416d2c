"""What the screens of a run have in common: the frame they share, and the keys that all of them know."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import ClassVar

from textual.app import SystemCommand
from textual.binding import BindingType

from staycourse_tui.frames import Frame
from staycourse_tui.keys import LEAVE, STOPPING, Key
from staycourse_tui.layout import Box
from staycourse_tui.panes.refusal import refusal
from staycourse_tui.pictures.framing import Picture
from staycourse_tui.screens.base import PaneScreen
from staycourse_tui.screens.help import HelpScreen
from staycourse_tui.session import Session
from staycourse_tui.widgets.lines import Span, fit, line


class RunView(PaneScreen):
    """A view of a run, which has no way to change it. `KEYS` is all that the help tells; the first row is the
    pane "header"."""

    KEYS: ClassVar[Sequence[Key]] = ()
    BINDINGS: ClassVar[list[BindingType]] = [STOPPING.binding()]

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session

    @property
    def frame(self) -> Frame | None:
        return self.session.frame

    def draw(self, frame: Frame, columns: int, rows: int) -> Picture:
        """The screen of a frame."""
        raise NotImplementedError

    def picture(self, columns: int, rows: int) -> Picture:
        if self.frame is not None:
            return self.draw(self.frame, columns, rows)
        failure = self.session.failure
        said = f"cannot be read: {failure}" if failure else "opening the run"
        made = line(Span(self.session.folder.name, "strong"), Span(f"  {said}", "warn" if failure else "dim"))
        return Picture([Box("header", 0, 0, columns, 1)], {"header": [fit(made, columns)]})

    def action_back(self) -> None:
        """To the screen below."""
        self.go_back()

    def action_help(self) -> None:
        keys = (*self.KEYS, STOPPING, LEAVE)
        self.app.push_screen(HelpScreen(keys, f"{self.session.folder.name}: a view, read-only"))

    def action_refuse(self) -> None:
        if self.frame is not None:
            self.session.say(refusal(self.frame, self.size.width))
            self.redraw()

    def action_freeze(self) -> None:
        self.session.freeze()
        self.redraw()

    def action_log_axis(self) -> None:
        self.session.log_axis = not self.session.log_axis
        self.redraw()

    def action_x_axis(self) -> None:
        self.session.next_x_axis()
        self.redraw()

    def action_copy_screen(self) -> None:
        super().action_copy_screen()
        self.session.say("copied: what this screen shows, as text")
        self.redraw()

    def commands(self) -> Iterator[SystemCommand]:
        """What the palette offers here."""
        for key in self.KEYS:
            if key.title:
                yield SystemCommand(key.title, f"{key.tells} ({key.shown})", self._runner(key.action))

    def _runner(self, action: str) -> Callable[[], Awaitable[None]]:
        async def run() -> None:
            await self.run_action(action)

        return run
