"""Lists with a state and a name at the left end of each line and columns of numbers at the right one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from staycourse_tui.widgets.lines import (
    Line,
    Span,
    breakable,
    cell,
    cell_middle,
    fit,
    line,
    spread,
    width,
    wrap_text,
)

_GAP = "  "
_MOST_NAME = 40


@dataclass(frozen=True)
class List:
    """The lines shown, the heads over their columns, and the first line that is shown."""

    lines: list[Line]
    heads: Line = ()
    top: int = 0


@dataclass(frozen=True)
class Column:
    """A column's head and its cells, one a line; of those that do not fit, the one with the greatest `rank`
    goes first."""

    head: str
    cells: Sequence[str]
    rank: int = 0
    role: str = ""

    @property
    def width(self) -> int:
        return max(cell_len(self.head), *(cell_len(value) for value in self.cells), 1)


def fitting(columns: Sequence[Column], room: int) -> list[Column]:
    """The columns that have something to say and that fit, none of them clipped."""
    kept = [column for column in columns if any(column.cells)]
    while kept and sum(column.width + len(_GAP) for column in kept) > room:
        kept.remove(max(kept, key=lambda column: column.rank))
    return kept


def heads(columns: Sequence[Column]) -> Line:
    """The heads, over the cells."""
    made = _GAP.join(cell(column.head, column.width, right=True) for column in columns)
    return (Span(made.lstrip(), "dim"),) if columns else ()


def list_line(
    state: tuple[str, str, str],
    room: int,
    name: Span,
    columns: Sequence[Column],
    at: int,
    told: str,
    size: int,
) -> Line:
    """The line: glyph, role and word of a state in `room` cells, a name, and the columns' cells; or behind
    the name what there is to be told in their place."""
    glyph, role, word = state
    head = line(Span(f"{glyph} ", role), Span(cell(word, room - 2), role))
    numbers = () if told else _cells(columns, at)
    left = size - room - width(numbers)
    shown = name._replace(text=cell_middle(name.text, min(left, _MOST_NAME) if told else left))
    if told:
        return fit(line(*head, shown, Span(f"  {told}", "dim")), size)
    return spread(line(*head, shown), numbers, size)


def clickable(made: Line, action: str, is_marked: bool) -> Line:
    """The line with what a click on it does, and with the cursor if that is here."""
    return tuple(Span(span.text, "cursor" if is_marked else span.role, action) for span in made)


def sentence_list(said: str, size: int) -> List:
    """A sentence where there is nothing to list."""
    return List([fit(made, size) for made in wrap_text(breakable(said, size), size, "dim")])


def _cells(columns: Sequence[Column], at: int) -> Line:
    return tuple(
        Span(_GAP + cell(column.cells[at], column.width, right=True), column.role) for column in columns
    )


def visible(count: int, at: int, top: int, rows: int) -> tuple[int, range]:
    """The first of `count` lines that is shown where line `at` is to be in sight, and all that are."""
    top = max(min(top, at, max(0, count - rows)), at - rows + 1, 0)
    return top, range(top, min(count, top + rows))
