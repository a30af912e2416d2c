"""The line in which a filter is typed: it lies over the footer while it is open."""

from __future__ import annotations

from textual.widgets import Input


class FilterInput(Input):
    """Textual's own line editor, one row high and hidden until it is opened."""

    def __init__(self) -> None:
        super().__init__(
            placeholder="words, or a column and a bound", id="filter", compact=True, select_on_focus=False
        )
        self.can_focus = False

    def open_at(self, row: int, text: str) -> None:
        """Show it in a row of the screen and take the keys."""
        self.place(row)
        self.can_focus = True
        self.value = text
        self.cursor_position = len(text)
        self.styles.display = "block"
        self.focus()

    def place(self, row: int) -> None:
        self.styles.offset = (0, row)

    def close(self) -> None:
        """Hide it; the keys are the screen's again."""
        self.styles.display = "none"
        self.screen.set_focus(None)
        self.can_focus = False
