"""All trials as a table, sorted and filtered, and marked ones side by side. Only rows seen are made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from staycourse.client import TrialView
from staycourse_tui.frames import Frame
from staycourse_tui.panes.trial import state_of
from staycourse_tui.panes.trial_cells import SCORE, columns_of, heading, is_words, raw, shown, sort_key
from staycourse_tui.trial_filter import parse
from staycourse_tui.widgets.lines import Line, Span, cell, cell_middle, fit, line

_WIDEST = 18
_MEASURED = 200
_LEAST_NAME = 12
_LEADING = 3  # columns that always stand at the left: the trial, its state, its score


@dataclass(frozen=True)
class Order:
    """How the table is sorted and filtered; `column` is where the cursor of columns stands."""

    by: str = "trial"
    is_falling: bool = False
    filter: str = ""
    column: str = "trial"


@dataclass(frozen=True)
class Listing:
    """The trials that pass the filter, in order, and all columns there are."""

    trials: tuple[TrialView, ...]
    columns: tuple[str, ...]
    total: int


def listing(frame: Frame, order: Order) -> Listing:
    """Sort and filter; trials without a value stand last, whichever way the column is sorted."""
    every = frame.snapshot.trials
    sample = every if len(every) <= _MEASURED else every[:: len(every) // _MEASURED]
    columns = columns_of(frame, sample)
    headings = {heading(frame, column): column for column in columns}
    wanted = parse(order.filter, list(headings))

    def passes(view: TrialView) -> bool:
        return wanted.keep(
            lambda name: (raw(frame, view, headings[name]), shown(frame, view, headings[name])),
            list(headings),
        )

    kept = [view for view in every if passes(view)] if order.filter.strip() else list(every)
    return Listing(tuple(_sorted(frame, kept, order)), tuple(columns), len(every))


def _sorted(frame: Frame, trials: list[TrialView], order: Order) -> list[TrialView]:
    if order.by == "trial":
        return trials[::-1] if order.is_falling else trials
    known = [view for view in trials if raw(frame, view, order.by) is not None]
    lacking = [view for view in trials if raw(frame, view, order.by) is None]
    return (
        sorted(known, key=lambda view: sort_key(frame, view, order.by, 0), reverse=order.is_falling) + lacking
    )


def table(
    frame: Frame, listed: Listing, order: Order, size: int, rows: int, top: int, cursor: str | None
) -> list[Line]:
    """The heading and the rows from `top` on, in lines of `size` cells."""
    if not listed.trials:
        why = "no trial passes the filter; esc clears it" if listed.total else "no trial has begun"
        return [fit(line(Span(why, "dim")), size)]
    page = listed.trials[top : top + rows - 1]
    widths = _fitting(frame, page, listed.columns, order.column, size)
    head = [Span("    ")]
    for column, width in widths.items():
        mark = ("↓" if order.is_falling else "↑") if column == order.by else ""
        text = cell(heading(frame, column) + mark, width, right=not is_words(frame, column))
        head += [Span(text, "accent" if column == order.column else "dim", f"screen.sort_by('{column}')")]
        head.append(Span("  "))
    best = frame.snapshot.best_trial
    return [fit(head, size), *(_row(frame, view, widths, size, cursor, best) for view in page)]


def _row(
    frame: Frame, view: TrialView, widths: dict[str, int], size: int, cursor: str | None, best: str | None
) -> Line:
    glyph, role, _ = state_of(view, frame.snapshot.is_engine_alive)
    base = "cursor" if view.id == cursor else ""
    is_marked = view.id in frame.marked
    mark = Span("●", base or f"m{frame.marked.index(view.id)}") if is_marked else Span(" ", base)
    # The place of the cursor is a glyph as well: not every terminal shows its colour.
    place = Span("›" if base else " ", base)
    star = Span("★ ", base or "good") if view.id == best else Span(f"{glyph} ", base or role)
    spans = [place, mark, star]
    for column, width in widths.items():
        tint = role if column == "state" else "dim" if column in ("epochs", "time") else ""
        text = cell(shown(frame, view, column), width, right=not is_words(frame, column))
        spans.append(Span(text + "  ", base or tint))
    action = f"screen.pick('{view.id}')"
    return tuple(Span(span.text, span.role or base, action) for span in fit(spans, size))


def _fitting(
    frame: Frame, page: Sequence[TrialView], columns: Sequence[str], at: str, size: int
) -> dict[str, int]:
    """The widths of the columns that fit: the leading ones, then as many as there is room for, from far
    enough to the right that the one with the cursor is among them."""
    widths = {column: _width(frame, page, column) for column in columns}
    leading = list(columns[: _LEADING if size >= 76 else 1])
    leading += [SCORE] if SCORE not in leading else []
    rest = [column for column in columns if column not in leading]
    room = size - 4 - sum(widths[column] + 2 for column in leading)
    first = 0
    while at in rest and first < rest.index(at) and not _fits(rest[first : rest.index(at) + 1], widths, room):
        first += 1
    chosen = []
    for column in rest[first:]:
        if widths[column] + 2 > room:
            break
        chosen.append(column)
        room -= widths[column] + 2
    return {column: widths[column] for column in [*leading, *chosen]}


def _fits(columns: Sequence[str], widths: dict[str, int], room: int) -> bool:
    return sum(widths[column] + 2 for column in columns) <= room


def _width(frame: Frame, page: Sequence[TrialView], column: str) -> int:
    name = cell_len(heading(frame, column)) + 1  # and the arrow of the order
    longest = max((cell_len(shown(frame, view, column)) for view in page), default=0)
    return min(_WIDEST, max(name, longest, 8 if column == SCORE else 0))


def side_by_side(frame: Frame, trials: Sequence[TrialView], size: int) -> list[Line]:
    """Set-ups and results of a few trials in columns of their own, what differs before what they share."""
    columns = [column for column in columns_of(frame, trials) if column != "trial"]
    texts = {column: [shown(frame, view, column) for view in trials] for column in columns}
    names = {column: heading(frame, column) for column in columns if any(texts[column])}
    differing = [column for column in names if len(set(texts[column])) > 1]
    widest = max(cell_len(text) for column in names for text in [*texts[column], *(v.id for v in trials)])
    longest = max(cell_len(name) for name in names.values()) + 2
    first = min(longest, max(_LEAST_NAME, size - len(trials) * (min(_WIDEST, widest) + 2)))
    each = max(8, min(_WIDEST, widest, (size - first) // max(1, len(trials)) - 2))
    lines = [line(Span(" " * first), *(_named(frame, view, each) for view in trials))]
    for column in [*differing, *(name for name in names if name not in differing)]:
        role = "strong" if column in differing else "dim"
        cells = [Span(cell(text, each, right=True) + "  ", role) for text in texts[column]]
        lines.append(line(Span(cell(cell_middle(names[column], first - 1), first), "dim"), *cells))
    return [fit(made, size) for made in lines]


def _named(frame: Frame, view: TrialView, width: int) -> Span:
    role = f"m{frame.marked.index(view.id)}" if view.id in frame.marked else "strong"
    return Span(cell(view.id, width, right=True) + "  ", role)
