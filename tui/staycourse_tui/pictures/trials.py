"""All trials: the table, what is marked side by side, and the filter's line. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from staycourse_tui import formatting as fmt
from staycourse_tui.frames import Frame
from staycourse_tui.keys import TRIALS_KEYS
from staycourse_tui.layout import Box, is_tiny
from staycourse_tui.panes.all_trials import Listing, Order, side_by_side, table
from staycourse_tui.panes.header import header
from staycourse_tui.panes.lists import visible
from staycourse_tui.pictures.framing import Filtered, Picture, Title, footer, framed, only_header
from staycourse_tui.widgets.lines import Line, Span, line


@dataclass(frozen=True)
class TrialsState(Filtered):
    """What the keys have set. `cursor` is the trial that they are at, `top` the first row shown,
    `compares` whether marked trials are shown side by side."""

    order: Order = Order()
    cursor: str | None = None
    top: int = 0
    compares: bool = True


@dataclass(frozen=True)
class TrialsDrawn:
    """The picture, where the table's top came to be, and how many rows it shows."""

    picture: Picture
    top: int
    page: int


def draw_trials(frame: Frame, listed: Listing, state: TrialsState, size: tuple[int, int]) -> TrialsDrawn:
    """The screen at a size of (columns, rows)."""
    columns, rows = size
    head = header(frame.snapshot, columns, state.frozen, state.unread)
    if is_tiny(columns, rows):
        return TrialsDrawn(only_header(head, columns), state.top, 1)
    marked = [view for name in frame.marked if (view := frame.trial(name))]
    beside = side_by_side(frame, marked, columns) if state.compares and len(marked) > 1 else []
    below = min(len(beside) + 1, (rows - 2) // 2) if beside else 0
    box = Box("table", 0, 1, columns, rows - 2 - below, titled=True)
    page = max(1, box.inner_height - 1)
    top = _top(listed, state, page)
    content = table(frame, listed, state.order, columns, box.inner_height, top, state.cursor)
    lines = {
        "header": [head],
        "table": framed(box, _title(listed, state, top, page), content, {}),
        "footer": [_footer(state, columns)],
    }
    boxes = [Box("header", 0, 0, columns, 1), box, Box("footer", 0, rows - 1, columns, 1)]
    if below:
        under = Box("beside", 0, rows - 1 - below, columns, below, titled=True)
        boxes.insert(2, under)
        hidden = len(beside) - under.inner_height
        more = line(Span(f"{fmt.plural(hidden, 'line')} hidden", "dim")) if hidden > 0 else ()
        lines["beside"] = framed(under, (line(Span("side by side", "title")), more), beside, {})
    return TrialsDrawn(Picture(boxes, lines), top, page)


def _top(listed: Listing, state: TrialsState, page: int) -> int:
    """The first row shown: the trial with the cursor is always in sight."""
    at = next((n for n, view in enumerate(listed.trials) if view.id == state.cursor), 0)
    return visible(len(listed.trials), at, state.top, page)[0]


def _title(listed: Listing, state: TrialsState, top: int, page: int) -> Title:
    amount = len(listed.trials)
    words = [Span("all trials", "title"), Span(f"  {fmt.plural(listed.total, 'trial')}", "dim")]
    if state.order.filter:
        words.append(Span(f"  {fmt.count(amount)} with ", "dim"))
        words.append(Span(state.order.filter, "accent"))
    last = min(amount, top + page)
    place = f"{fmt.count(top + 1)}–{fmt.count(last)} of {fmt.count(amount)}" if amount > page else ""
    return line(*words), line(Span(place, "dim")) if place else ()


def _footer(state: TrialsState, columns: int) -> Line:
    labels = {"space": "go on" if state.frozen else "freeze"}
    if state.is_filtering:
        return ()
    return footer(TRIALS_KEYS, columns, state.message, labels)
