"""The one question before the seal."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import BindingType

from staycourse_tui.offer import Offer
from staycourse_tui.panes.seal import answers, question
from staycourse_tui.screens.sheet import SheetScreen
from staycourse_tui.widgets.lines import Line

_UNREAD_FOR = 0.5  # seconds


class SealScreen(SheetScreen[str]):
    """Its answer is "seal", "rehearse" or "" for going back.

    Enter counts once the question has stood for a moment without one: whoever presses it again and again
    because something is slow must not seal what was never read.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        ("enter", "seal", "seal"),
        ("r", "dismiss('rehearse')", "rehearse"),
        ("escape,q,d,n", "dismiss('')", "back"),
    ]

    def __init__(self, offer: Offer, rehearsed: bool | None) -> None:
        """`rehearsed` is whether the rehearsal passed, None if there was none."""
        super().__init__()
        self._offer = offer
        self._rehearsed = rehearsed
        self._is_ready = False

    def on_mount(self) -> None:
        self._timer = self.set_timer(_UNREAD_FOR, self._stood)

    def body(self, size: int) -> list[Line]:
        return question(self._offer, self._rehearsed, size)

    def foot(self, size: int) -> Line:
        return answers(size, self._is_ready)

    def action_seal(self) -> None:
        if self._is_ready:
            self.dismiss("seal")
        else:
            self._timer.stop()
            self._timer = self.set_timer(_UNREAD_FOR, self._stood)

    def _stood(self) -> None:
        self._is_ready = True
        self.draw_sheet()
