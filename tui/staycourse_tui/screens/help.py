"""The help: the keys, and why nothing here stops a trial."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import BindingType

from staycourse_tui.keys import WHY_LOCKED, Key
from staycourse_tui.panes.help import help_lines
from staycourse_tui.screens.sheet import SheetScreen
from staycourse_tui.widgets.lines import Line, Span, line


class HelpScreen(SheetScreen[None]):
    """Any of the usual keys closes it."""

    WIDEST = 124
    BINDINGS: ClassVar[list[BindingType]] = [("escape,q,d,question_mark,enter,space", "dismiss", "close")]

    def __init__(self, keys: Sequence[Key], title: str, why: Sequence[str] = WHY_LOCKED) -> None:
        """`title` names what the help is about; `keys` are all that are told, leaving included; `why` is a
        sentence for above them, and paragraphs for below."""
        super().__init__()
        self._keys = keys
        self._title = title
        self._why = why

    def body(self, size: int) -> list[Line]:
        return help_lines(self._keys, self._title, self._why, size)

    def foot(self, size: int) -> Line:
        return line(Span("esc", "key"), Span(" closes this help", "dim"))
