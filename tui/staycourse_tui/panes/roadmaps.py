"""The roadmaps of this folder, a line each, with what their check says."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from staycourse.client import RunSummary
from staycourse_tui import formatting as fmt
from staycourse_tui.home import FoundRoadmap, HomeFrame
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

_LEAST_NAME, _MOST_NAME = 26, 40
_READING = "reading the roadmaps of this folder"
NONE = (
    "no roadmap in this folder, nor in roadmaps/: copy roadmaps/quickstart.toml of staycourse with its "
    "tasks, or write one; `staycourse schema` lets an editor help with it"
)


def roadmap_list(frame: HomeFrame, size: int, rows: int, at: int | None, top: int, is_focused: bool) -> List:
    """The roadmaps, the one at `at` in sight."""
    found = frame.roadmaps
    if not found:
        said = frame.roadmaps_failure or (_READING if found is None else NONE)
        return sentence_list(said, size)
    first = max(cell_len(check_words(one)[2]) for one in found) + 3
    room = size - first - 2
    longest = max(cell_len(str(one.path)) for one in found)
    columns = fitting(_columns(frame, found), room - min(longest, _MOST_NAME if size >= 80 else _LEAST_NAME))
    top, shown = visible(len(found), at or 0, top, rows)
    lines = []
    for index in shown:
        one = found[index]
        name, told = Span(str(one.path), "strong"), one.problems[0] if one.problems else ""
        made = list_line(check_words(one), first, name, columns, index, told, size)
        lines.append(clickable(made, f"screen.pick('roadmaps', {index})", is_focused and index == at))
    return List(lines, heads(columns), top)


def check_words(found: FoundRoadmap) -> tuple[str, str, str]:
    """Glyph, role and word of what reading the roadmap has shown."""
    if found.roadmap is None:
        return "✗", "bad", fmt.plural(len(found.problems), "error")
    if found.roadmap.warnings:
        return "!", "warn", fmt.plural(len(found.roadmap.warnings), "warning")
    return "✓", "good", "reads well"


def _columns(frame: HomeFrame, found: Sequence[FoundRoadmap]) -> list[Column]:
    plans = [one.roadmap.plan() if one.roadmap else None for one in found]
    newest = [frame.runs_of(one.roadmap)[:1] if one.roadmap else [] for one in found]
    return [
        Column("phases", [str(len(plan)) if plan else "" for plan in plans], 2),
        Column("trials", [fmt.count(sum(p.trials for p in plan)) if plan else "" for plan in plans], 0),
        Column("epochs", [fmt.count(sum(p.total_epochs for p in plan)) if plan else "" for plan in plans], 1),
        Column("last run", [_last(frame, runs) for runs in newest], 3, "dim"),
    ]


def _last(frame: HomeFrame, runs: Sequence[RunSummary]) -> str:
    for run in runs:
        if run.is_engine_alive:
            return "runs now"
        if run.sealed is not None:
            return fmt.ago(run.sealed, frame.now)
    return ""
