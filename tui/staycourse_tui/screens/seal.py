"""The one question before the seal."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import BindingType

from staycourse_tui.offer import Offer
from staycourse_tui.panes.seal import answers, question
from staycourse_tui.screens.sheet import SheetScreen
from staycourse_tui.widgets.lines import Line


class SealScreen(SheetScreen[str]):
    """Its answer is "seal", "rehearse" or "" for going back."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("enter", "dismiss('seal')", "seal"),
        ("r", "dismiss('rehearse')", "rehearse"),
        ("escape,q,d,n", "dismiss('')", "back"),
    ]

    def __init__(self, offer: Offer, rehearsed: bool | None) -> None:
        """`rehearsed` is whether the rehearsal passed, None if there was none."""
        super().__init__()
        self._offer = offer
        self._rehearsed = rehearsed

    def body(self, size: int) -> list[Line]:
        return question(self._offer, self._rehearsed, size)

    def foot(self, size: int) -> Line:
        return answers(size)
