"""What the screens of a run have in common: the frame they share, and the keys that all of them know."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from typing import ClassVar, Generic, TypeVar

from textual.app import ComposeResult, SystemCommand
from textual.binding import BindingType
from textual.widgets import Input

from staycourse_tui.frames import Frame
from staycourse_tui.keys import LEAVE, STOPPING, Key
from staycourse_tui.layout import Box
from staycourse_tui.messages import Scrolled
from staycourse_tui.panes.refusal import refusal
from staycourse_tui.pictures.framing import Filtered, Picture, Shown
from staycourse_tui.screens.base import PaneScreen
from staycourse_tui.screens.help import HelpScreen
from staycourse_tui.session import Session
from staycourse_tui.widgets.filter_input import FilterInput
from staycourse_tui.widgets.lines import Span, fit, line

State = TypeVar("State", bound=Shown)
FilteredState = TypeVar("FilteredState", bound=Filtered)


class RunView(PaneScreen, Generic[State]):
    """A view of a run, which has no way to change it. `KEYS` is all that the help tells; the first row is the
    pane "header". `state` is what the keys have set on this screen, `page` how many rows a page has."""

    KEYS: ClassVar[Sequence[Key]] = ()
    BINDINGS: ClassVar[list[BindingType]] = [STOPPING.binding()]

    def __init__(self, session: Session, state: State) -> None:
        super().__init__()
        self.session = session
        self.state = state
        self.page = 1

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

    def change(self, **changes: object) -> None:
        """Set parts of the state, and draw it."""
        self.state = replace(self.state, **changes)  # type: ignore[arg-type]  # names are the state's own
        self.redraw()

    def told(self, **more: object) -> State:
        """The state with what all screens of the run are told, and with `more`."""
        session = self.session
        shown = {"frozen": session.frozen, "unread": session.unread, "message": session.message}
        return replace(self.state, **shown, **more)  # type: ignore[arg-type]  # names are the state's own

    def on_scrolled(self, message: Scrolled) -> None:
        self.scrolled(message.pane, message.lines)

    def scrolled(self, pane: str, lines: int) -> None:
        """The wheel has turned over a pane."""
        self.action_move(lines)

    def action_move(self, step: int) -> None:
        """So many lines on."""
        raise NotImplementedError

    def action_page(self, step: int) -> None:
        self.action_move(step * max(1, self.page - 1))

    def action_end(self, step: int) -> None:
        self.action_move(step * 10**9)

    def action_unmark(self) -> None:
        self.session.unmark()
        self.redraw()

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


class FilteredView(RunView[FilteredState]):
    """A view with a filter that is typed in its last row."""

    def __init__(self, session: Session, state: FilteredState) -> None:
        super().__init__(session, state)
        self._input = FilterInput()

    @property
    def filter(self) -> str:
        """The filter as it was typed."""
        raise NotImplementedError

    def set_filter(self, text: str) -> None:
        """Show what passes it."""
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        yield from super().compose()
        yield self._input

    def on_mount(self) -> None:
        if self.state.is_filtering:
            self.action_filter()

    def on_resize(self) -> None:
        self._input.place(self.size.height - 1)

    def on_input_changed(self, message: Input.Changed) -> None:
        self.set_filter(message.value)

    def on_input_submitted(self) -> None:
        self._close()

    def action_filter(self) -> None:
        self.change(is_filtering=True)
        self._input.open_at(self.size.height - 1, self.filter)

    def action_back(self) -> None:
        """From the filter to everything, from there to the screen before."""
        if self.state.is_filtering or self.filter:
            self._close()
            self._input.value = ""
            self.set_filter("")
        else:
            super().action_back()

    def _close(self) -> None:
        self._input.close()
        self.change(is_filtering=False)
