"""The screen of a check that is on its way, or of what it has found. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from staycourse_tui import formatting as fmt
from staycourse_tui.keys import CHECK_KEYS, LEAVE_HOME
from staycourse_tui.panes.banner import sentence
from staycourse_tui.pictures.framing import Picture, footer, stacked
from staycourse_tui.widgets.lines import (
    Line,
    Span,
    breakable,
    cell_middle,
    fit,
    line,
    rule,
    spread,
    width,
    wrap_text,
)

_DOES = (
    "The task is loaded in a process of its own, and one batch goes through model, loss and metrics, once "
    "for each option. Nothing is sealed, and nothing is started."
)


@dataclass(frozen=True)
class CheckState:
    """`problems` is None as long as the check is on its way; `seconds` is for how long."""

    path: str
    problems: tuple[str, ...] | None
    seconds: float
    down: int = 0
    message: str = ""


def draw(state: CheckState, size: tuple[int, int]) -> tuple[Picture, int, int]:
    """The picture, how far down it is scrolled, and the rows of a page."""
    columns, rows = size
    body = _body(state, columns)
    room = max(1, rows - 2)
    down = min(state.down, max(0, len(body) - room))
    shown = [fit(made, columns) for made in body[down : down + room]]
    shown += [fit((), columns)] * (room - len(shown))
    below = len(body) - room - down
    parts = {"header": [_header(state, columns, below)], "body": shown, "footer": [_footer(state, columns)]}
    return stacked(columns, parts if rows > 2 else {"header": parts["header"]}), down, room


def _header(state: CheckState, columns: int, below: int) -> Line:
    if state.problems is None:
        left = [Span("○ ", "accent")]
        right = line(Span("checking ", "accent"), Span(fmt.duration(state.seconds), "dim"))
    else:
        left = [Span("✗ ", "bad")]
        more = f"↓ {below} more   " if below > 0 else ""
        right = line(Span(more, "dim"), Span(fmt.plural(len(state.problems), "error"), "bad"))
    room = max(5, columns - 4 - width(right))
    return spread(line(*left, Span(cell_middle(state.path, room), "strong")), right, columns)


def _body(state: CheckState, columns: int) -> list[Line]:
    if state.problems is None:
        words = "checking: the task is loaded, one batch goes through it"
        return [
            rule((), columns),
            *wrap_text(words, columns, "accent"),
            (),
            *wrap_text(_DOES, columns, "dim"),
        ]
    lines = [rule((), columns)]
    for problem in state.problems:
        lines += sentence("· ", "bad", breakable(problem, columns - 2), columns)
    return lines


def _footer(state: CheckState, columns: int) -> Line:
    keys = CHECK_KEYS if state.problems else CHECK_KEYS[1:]
    return footer(keys, columns, state.message, leaving=LEAVE_HOME)
