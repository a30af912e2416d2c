"""The trials of a phase as a table. Only the rows that are seen are made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from staycourse.client import TrialView
from staycourse.core.space import format_value
from staycourse_tui import formatting as fmt
from staycourse_tui.frames import Frame
from staycourse_tui.panes.lists import visible
from staycourse_tui.panes.trial import state_of
from staycourse_tui.panes.trial_cells import column_of, parameter, score
from staycourse_tui.widgets.lines import Line, Span, cell, fit, line

_NAME_WIDTH, _LEAST_NAME = 18, 6
_MEASURED = 300
_GAP = 2  # cells between columns
_WIDE = 64  # below that the state is a glyph, and a failure's name stands for the score


@dataclass(frozen=True)
class Table:
    """`ids` are the rows' trials; `top` is the first row shown, `page` how many rows are."""

    lines: list[Line]
    ids: tuple[str, ...]
    top: int
    page: int


def trial_table(frame: Frame, phase: int, size: int, rows: int, top: int, marked: str | None) -> Table:
    """The phase's trials in the order of their planning, the marked one always in sight."""
    trials = frame.snapshot.of_phase(phase)
    ids = tuple(view.id for view in trials)
    page = max(1, rows - 1)
    at = ids.index(marked) if marked in ids else len(ids) - 1
    top, _ = visible(len(ids), at, top, page)
    if not trials:
        said = "no trial yet" if frame.snapshot.is_engine_alive else "no trial has begun"
        return Table([fit(line(Span(said, "dim")), size)], (), 0, page)
    columns = _columns(frame, _sample(trials, trials[top : top + page]), size)
    head = fit(line(Span("  " + (" " * _GAP).join(column.head() for column in columns), "dim")), size)
    best = next(iter(frame.snapshot.phases[phase].leaders), None)
    shown = [
        _row(frame, view, columns, size, view.id == marked, view.id == best)
        for view in trials[top : top + page]
    ]
    return Table([head, *shown], ids, top, page)


def _sample(trials: Sequence[TrialView], shown: Sequence[TrialView]) -> Sequence[TrialView]:
    """Enough of them to tell the columns' widths by: thousands would be measured at every refresh."""
    return trials if len(trials) <= _MEASURED else [*trials[:: len(trials) // _MEASURED], *shown]


@dataclass(frozen=True)
class _Column:
    name: str
    width: int
    right: bool = True

    def head(self) -> str:
        return cell(self.name, self.width, right=self.right)


def _columns(frame: Frame, trials: Sequence[TrialView], size: int) -> list[_Column]:
    """Trial, state and score always; then the set-up's values that differ, as many as fit. The epochs give
    way to them: a score is told apart by its set-up."""
    leading = _leading(frame, trials, size)
    room = size - 2 - sum(column.width + _GAP for column in leading) + _GAP
    varied = [_Column(name, _needed(name, trials)) for name in _varied(frame, trials)]
    epochs = _Column("epochs", 7)
    beside, alone = (_fitting(varied, room - taken) for taken in (epochs.width + _GAP, 0))
    chosen = alone if len(alone) > len(beside) else [epochs, *beside]
    room -= sum(column.width + _GAP for column in chosen)
    if any(view.seconds for view in trials) and room >= 6 + _GAP:
        chosen.append(_Column("time", 6))
    return [*leading, *chosen]


def _leading(frame: Frame, trials: Sequence[TrialView], size: int) -> list[_Column]:
    metric = cell(frame.metric, min(_NAME_WIDTH, max(8, cell_len(frame.metric))), right=True).strip()
    longest = max(len(view.id) for view in trials)
    states = [_state(frame, view)[2] for view in trials]
    failed = max(
        (len(word) for view, word in zip(trials, states, strict=True) if _has_failed(view)), default=0
    )
    is_wide = size >= _WIDE
    columns = [_Column("trial", max(5, longest), right=False)]
    columns += [_Column("state", max(map(len, ("state", *states))), right=False)] if is_wide else []
    return [*columns, _Column(metric, max(8, cell_len(metric), 0 if is_wide else failed))]


def _needed(name: str, trials: Sequence[TrialView]) -> int:
    widest = max(cell_len(name), *(cell_len(_value(view, name)) for view in trials))
    return min(widest, _NAME_WIDTH)


def _fitting(columns: Sequence[_Column], room: int) -> list[_Column]:
    """Those of them for which there is room; each needs a gap before it. A set-up's name is cut rather than
    left out, since it is what such trials are known by."""
    chosen = []
    for column in columns:
        if column.name == "name" and _LEAST_NAME <= room - _GAP < column.width:
            column = _Column("name", room - _GAP)
        if column.width + _GAP <= room:
            chosen.append(column)
            room -= column.width + _GAP
    return chosen


def _varied(frame: Frame, trials: Sequence[TrialView]) -> list[str]:
    """Hyperparameters that tell these trials apart, seeds and names included."""
    names = [
        column_of(name)
        for name in frame.snapshot.roadmap.space.names
        if len({str(view.setup.get(name)) for view in trials}) > 1
    ]
    named = ["name"] if any(view.name for view in trials) else []
    seeds = ["seed"] if any(view.repetition for view in trials) else []
    parents = ["from"] if any(view.parent for view in trials) else []
    return named + seeds + parents + names


def _value(view: TrialView, name: str) -> str:
    if (held := parameter(name)) is not None:
        return format_value(view.setup[held]) if held in view.setup else ""
    own = {"name": view.name, "seed": str(view.repetition + 1), "from": view.parent or ""}
    return own.get(name, "")


def _row(
    frame: Frame, view: TrialView, columns: Sequence[_Column], size: int, is_marked: bool, is_best: bool
) -> Line:
    glyph, role, word = _state(frame, view)
    base = "cursor" if is_marked else ""
    star = ("★", "good") if is_best else (glyph, role)
    spans = [Span(star[0] + " ", base or star[1])]
    for at, column in enumerate(columns):
        value, tint = _cell(frame, view, column.name, word, role, size)
        shown = cell(value, column.width, right=column.right)
        spans.append(Span(" " * (_GAP if at else 0) + shown, base or tint))
    made = fit(spans, size)
    action = f"screen.pick('{view.id}')"
    return tuple(Span(span.text, span.role or base, action) for span in made)


def _has_failed(view: TrialView) -> bool:
    return view.outcome is not None and view.outcome != "completed"


def _state(frame: Frame, view: TrialView) -> tuple[str, str, str]:
    return state_of(view, frame.snapshot.is_engine_alive)


def _cell(frame: Frame, view: TrialView, name: str, word: str, role: str, size: int) -> tuple[str, str]:
    """A cell's text and its role; a column of no known name is the score's."""
    known = {
        "trial": (view.id, "strong" if view.status == "running" else ""),
        "state": (word, role),
        "epochs": (f"{view.epoch}/{view.epochs}", "dim"),
        "time": (fmt.duration(view.seconds) if view.seconds else "", "dim"),
    }
    if name in known:
        return known[name]
    if name in ("seed", "from", "name") or parameter(name) in frame.snapshot.roadmap.space.names:
        return _value(view, name), ""
    if size < _WIDE and _has_failed(view):
        return word, role
    return _score(frame, view)


def _score(frame: Frame, view: TrialView) -> tuple[str, str]:
    """The score in words; one that is not final is dim."""
    value = score(frame, view)
    return ("" if value is None else fmt.number(value)), "dim" if view.best_value is None else ""
