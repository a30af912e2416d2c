"""The help: the keys, and why nothing here stops a trial."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from staycourse_tui.keys import WHY_LOCKED, Key

_PALETTE = Key("ctrl+p", "ctrl+p", "", "the command palette, colour themes among it")


class HelpScreen(ModalScreen[None]):
    """Any of the usual keys closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape,q,d,question_mark,enter,space", "dismiss", "close")]

    def __init__(self, keys: Sequence[Key], title: str) -> None:
        """`title` names what the help is about; `keys` are all that are told, leaving included."""
        super().__init__()
        self._keys = keys
        self._title = title

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="sheet"):
            yield Static(help_text(self._keys, self._title))


def help_text(keys: Sequence[Key], title: str) -> Text:
    """The help as text."""
    text = Text(no_wrap=False)
    text.append(f"{title}\n\n", "bold")
    for paragraph in WHY_LOCKED:
        text.append(paragraph + "\n\n")
    for key in (*keys, _PALETTE):
        text.append(f"{key.shown:>10}  ", "bold")
        text.append(f"{key.tells}\n")
    text.append("\nesc closes this help.", "dim")
    return text
