"""The one question before the seal."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from staycourse_tui.offer import Offer
from staycourse_tui.panes.plan import totals

_WHAT_IT_MEANS = (
    "The plan, the code and the data are fixed from here on.\n"
    "Nobody can stop a trial by hand, drop a result or change it; "
    "only the rules declared in the plan end a trial.\n"
)


class SealScreen(ModalScreen[str]):
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

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="sheet"):
            yield Static(question(self._offer, self._rehearsed))


def question(offer: Offer, rehearsed: bool | None) -> Text:
    """The question as text."""
    text = Text()
    text.append(f"Seal {offer.roadmap.name}?\n\n", "bold")
    text.append(_WHAT_IT_MEANS)
    text.append(f"It holds {totals(offer)}.")
    if offer.will_be:
        text.append(" Its seal will be ")
        text.append(offer.will_be[:8], "bold")
        text.append(", from `staycourse seal` in full.")
    text.append("\n\n")
    if rehearsed is None:
        text.append("No rehearsal was done. ", "bold")
        text.append("It runs the whole campaign in miniature and finds bugs now instead of after the seal: ")
        text.append("recommended.\n\n", "bold")
    elif rehearsed:
        text.append("The rehearsal passed.\n\n")
    else:
        text.append("The rehearsal did not pass", "bold")
        text.append(": what failed there will most likely fail in the run.\n\n")
    text.append("enter", "bold")
    text.append(" seals and starts    ")
    text.append("r", "bold")
    text.append(" rehearses first    ")
    text.append("esc", "bold")
    text.append(" goes back")
    return text
