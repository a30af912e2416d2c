"""The one widget of the main screens: shows lines, and draws again only the cells that have changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region
from textual.selection import Selection
from textual.strip import Strip
from textual.widget import Widget

from staycourse_tui.messages import Scrolled
from staycourse_tui.widgets.lines import Line, text

ROLES = (
    "dim", "rule", "title", "strong", "good", "warn", "bad", "accent", "lock", "key", "cursor", "code",
    "s0", "s1", "s2", "m0", "m1", "m2", "m3",
)  # fmt: skip


class Pane(Widget):
    """Lines from `show` in its place; text is never parsed as markup."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"pane--{role}" for role in ROLES}

    def __init__(self, name: str) -> None:
        super().__init__(id=name)
        self.pane = name
        self._lines: list[Line] = []
        self._styles: dict[str, Style] = {}

    def show(self, lines: Sequence[Line]) -> None:
        """Show these lines; each should be as wide as the pane."""
        before, self._lines = self._lines, list(lines)
        regions = []
        for y in range(max(len(before), len(lines))):
            old = before[y] if y < len(before) else ()
            new = lines[y] if y < len(lines) else ()
            if old is not new and old != new:
                start, end = changed_cells(old, new)
                regions.append(Region(start, y, end - start, 1))
        if regions:
            self.refresh(*regions)

    def text(self) -> str:
        """What the pane shows, as plain text."""
        return "\n".join(text(line) for line in self._lines)

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        if y >= len(self._lines):
            return Strip.blank(width, self._style(""))
        segments = [Segment(span.text, self._style(span.role, span.action)) for span in self._lines[y]]
        strip = Strip(segments).adjust_cell_length(width, self._style(""))
        selection = self.text_selection
        if selection is not None and (marked := selection.get_span(y)) is not None:
            strip = _highlighted(strip, marked, self.screen.get_component_rich_style("screen--selection"))
        return strip.apply_offsets(0, y)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        return selection.extract(self.text()), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        self.refresh()

    def notify_style_update(self) -> None:
        self._styles.clear()
        super().notify_style_update()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self._scrolled(event, 1)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self._scrolled(event, -1)

    def _scrolled(self, event: events.MouseEvent, lines: int) -> None:
        event.stop()
        self.post_message(Scrolled(self.pane, lines))

    def _style(self, role: str, action: str = "") -> Style:
        if role not in self._styles:
            # Whole, not partial: a colour with an alpha is blended with the background only then.
            self._styles[role] = self.get_component_rich_style(f"pane--{role}") if role else self.rich_style
        style = self._styles[role]
        if not action:
            return style
        meta: dict[str, Any] = {"@click": action}
        return style + Style(meta=meta)


def changed_cells(old: Line, new: Line) -> tuple[int, int]:
    """First and one past the last cell that differ; all of them where characters are wide."""
    a = [(char, span.role) for span in old for char in span.text]
    b = [(char, span.role) for span in new for char in span.text]
    if len(a) != len(b) or cell_len(text(old)) != len(a) or cell_len(text(new)) != len(b):
        return 0, max(cell_len(text(old)), cell_len(text(new)))
    different = [at for at in range(len(a)) if a[at] != b[at]]
    return (different[0], different[-1] + 1) if different else (0, 0)


def _highlighted(strip: Strip, marked: tuple[int, int], style: Style) -> Strip:
    start, end = marked
    end = strip.cell_length if end == -1 else end
    parts = strip.divide([start, end, strip.cell_length])
    return Strip.join([part.apply_style(style) if at == 1 else part for at, part in enumerate(parts)])
