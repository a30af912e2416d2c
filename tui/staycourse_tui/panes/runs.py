"""The runs, a line each, with how they stand."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from staycourse.client import RunSummary
from staycourse_tui import formatting as fmt
from staycourse_tui.home import HomeFrame
from staycourse_tui.panes.header import GLYPHS
from staycourse_tui.panes.lists import (
    Column,
    List,
    clickable,
    fitting,
    heads,
    list_line,
    sentence_list,
    visible,
)
from staycourse_tui.widgets.lines import Span

_LEAST_NAME = 14
_READING = "reading the runs"
NONE = "no run yet: enter on a roadmap shows its plan, and enter there seals and starts it"
_OTHERS = {
    "damaged": ("✗", "bad", "damaged"),
    "unreadable": ("✗", "bad", "unreadable"),
    "unread": ("·", "dim", "reading"),
}


def run_list(frame: HomeFrame, size: int, rows: int, at: int | None, top: int, is_focused: bool) -> List:
    """The runs, the one at `at` in sight."""
    runs = frame.runs
    if not runs:
        said = frame.runs_failure or (_READING if runs is None else NONE)
        return sentence_list(said, size)
    first = max(cell_len(standing(run)[2]) for run in runs) + 3
    names = min(max(cell_len(run.name) for run in runs), size // 3)
    columns = fitting(_columns(frame, runs), size - first - max(_LEAST_NAME, names))
    top, shown = visible(len(runs), at or 0, top, rows)
    lines = []
    for index in shown:
        run = runs[index]
        name = Span(run.name, "strong" if run.is_engine_alive else "")
        made = list_line(standing(run), first, name, columns, index, run.problem, size)
        lines.append(clickable(made, f"screen.pick('runs', {index})", is_focused and index == at))
    return List(lines, heads(columns), top)


def standing(run: RunSummary) -> tuple[str, str, str]:
    """Glyph, role and word of how a run stands."""
    if run.unanswered:
        return "?", "warn", "no answer"
    if run.status in _OTHERS:
        return _OTHERS[run.status]
    return (*GLYPHS[run.status], run.status)


def _columns(frame: HomeFrame, runs: Sequence[RunSummary]) -> list[Column]:
    return [
        Column("phase", [_phase(run) for run in runs], 4),
        Column("trials", [f"{run.ended}/{run.trials}" if run.phases else "" for run in runs], 0),
        Column("best", [fmt.number(run.best) if run.best is not None else "" for run in runs], 1),
        Column("since", [_since(frame, run) for run in runs], 2, "dim"),
        Column("ETA", [_eta(run) for run in runs], 3),
    ]


def _phase(run: RunSummary) -> str:
    return f"{run.phase.index + 1}/{len(run.phases)} {run.phase.kind}" if run.phase else ""


def _since(frame: HomeFrame, run: RunSummary) -> str:
    """For how long a run has been going, or when it ended."""
    if run.is_engine_alive:
        return fmt.duration(run.elapsed(frame.now))
    return fmt.ago(run.last, frame.now) if run.last is not None else ""


def _eta(run: RunSummary) -> str:
    if not run.is_engine_alive or run.status != "running":
        return ""
    return fmt.remaining(run.eta.seconds) if run.eta else "?"
