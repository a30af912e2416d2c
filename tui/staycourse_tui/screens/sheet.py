"""A sheet of text over a screen: it scrolls, and the keys that close it are always in sight."""

from __future__ import annotations

from typing import ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.screen import ModalScreen

from staycourse_tui.messages import Scrolled
from staycourse_tui.widgets.lines import Line, Span, fit, line, spread, width
from staycourse_tui.widgets.pane import Pane

Answer = TypeVar("Answer")
_ROOMY = 20  # rows of a window in which there is room for blank lines around the text


class SheetScreen(ModalScreen[Answer]):
    """`body` and `foot` are drawn from; `WIDEST` is the most columns that the sheet takes."""

    AUTO_FOCUS = None
    WIDEST: ClassVar[int] = 80
    BINDINGS: ClassVar[list[BindingType]] = [
        ("up,k", "move(-1)", "up"),
        ("down,j", "move(1)", "down"),
        ("pageup", "move(-8)", "a page up"),
        ("pagedown", "move(8)", "a page down"),
        ("home,g", "move(-1000)", "to the first line"),
        ("end,G,shift+g", "move(1000)", "to the last line"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._sheet = Container(classes="sheet")
        self._body, self._foot = Pane("body"), Pane("foot")
        self._down = 0

    def body(self, size: int) -> list[Line]:
        """The text in lines of at most `size` cells."""
        raise NotImplementedError

    def foot(self, size: int) -> Line:
        """The line below it, of at most `size` cells."""
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        with self._sheet:
            yield self._body
            yield self._foot

    def on_mount(self) -> None:
        self.draw_sheet()

    def on_resize(self) -> None:
        self.draw_sheet()

    def on_scrolled(self, message: Scrolled) -> None:
        self.action_move(message.lines)

    def action_move(self, step: int) -> None:
        self._down = max(0, self._down + step)
        self.draw_sheet()

    def draw_sheet(self) -> None:
        """Draw it anew at the window's size."""
        columns, rows = self.size
        pad = 1 if rows >= _ROOMY else 0
        size = min(columns, self.WIDEST) - 4 - 2 * pad
        lines = self.body(size)
        room = max(1, rows - 3 - 3 * pad)
        self._down = min(self._down, max(0, len(lines) - room))
        shown = [fit(made, size) for made in lines[self._down : self._down + room]]
        below = len(lines) - self._down - len(shown)
        foot = self.foot(size)
        more = line(Span(f"↓ {below} more", "dim")) if below else ()
        has_room = width(foot) + width(more) + 2 <= size
        self._sheet.styles.width = size + 4 + 2 * pad
        self._sheet.styles.height = len(shown) + 3 + 3 * pad
        _place(self._body, (1 + pad, pad), (size, len(shown)))
        _place(self._foot, (1 + pad, len(shown) + 2 * pad), (size, 1))
        self._body.show(shown)
        self._foot.show([spread(foot, more, size) if has_room else fit(foot, size)])


def _place(pane: Pane, at: tuple[int, int], size: tuple[int, int]) -> None:
    pane.styles.display = "block"
    pane.styles.offset = at
    pane.styles.width, pane.styles.height = size
