"""What every screen of panes does: it places them, and draws again what has changed."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.screen import Screen

from staycourse_tui.layout import Box
from staycourse_tui.pictures.framing import Picture
from staycourse_tui.widgets.pane import Pane


class PaneScreen(Screen[object]):
    """A screen that is drawn from `picture`; `PANES` are the names of all panes it may have.

    Textual calls the handlers of an event (`on_mount`, `on_resize` …) in every class that has one, from the
    screen's own on: one that calls its twin here would draw twice.
    """

    AUTO_FOCUS = None
    PANES: ClassVar[tuple[str, ...]] = ()

    def __init__(self) -> None:
        super().__init__()
        self._panes = {name: Pane(name) for name in self.PANES}
        self._boxes: list[Box] = []

    def picture(self, columns: int, rows: int) -> Picture:
        """The screen at that size in cells."""
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        yield from self._panes.values()

    def on_mount(self) -> None:
        self.redraw()

    def on_resize(self) -> None:
        self.redraw()

    def on_screen_resume(self) -> None:
        self.redraw()

    def redraw(self) -> None:
        """Draw what has changed."""
        if not self.is_mounted or not self.size.width:
            return
        picture = self.picture(self.size.width, self.size.height)
        self._place(picture.boxes)
        for pane, lines in picture.lines.items():
            self._panes[pane].show(lines)

    @property
    def is_uppermost(self) -> bool:
        """Whether no other screen covers this one. A key that is pressed twice may come to a screen that the
        first time has closed or covered already."""
        return self.app.screen is self

    def go_back(self) -> None:
        """To the screen below."""
        if self.is_uppermost:
            self.app.pop_screen()

    def action_copy_screen(self) -> None:
        """Copy what the screen shows, as text, to the terminal's clipboard."""
        texts = {box.pane: self._panes[box.pane].text().split("\n") for box in self._boxes}
        rows = [
            "".join(
                texts[box.pane][y - box.y]
                for box in sorted(self._boxes, key=lambda box: box.x)
                if box.y <= y < box.y + box.height
            )
            for y in range(self.size.height)
        ]
        self.app.copy_to_clipboard("\n".join(row.rstrip() for row in rows))

    def _place(self, boxes: list[Box]) -> None:
        if boxes == self._boxes:
            return
        self._boxes = boxes
        placed = {box.pane: box for box in boxes}
        for name, pane in self._panes.items():
            box = placed.get(name)
            pane.styles.display = "block" if box else "none"
            if box:
                pane.styles.offset = (box.x, box.y)
                pane.styles.width, pane.styles.height = box.width, box.height
