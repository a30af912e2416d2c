"""From what was found to the lines of the home screen's panes. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from staycourse.client import RunSummary
from staycourse_tui import formatting as fmt
from staycourse_tui.home import FoundRoadmap, HomeFrame
from staycourse_tui.keys import HOME_KEYS, LEAVE_HOME
from staycourse_tui.layout import Box, is_tiny, joints
from staycourse_tui.panes import roadmaps, runs
from staycourse_tui.panes.banner import short_path
from staycourse_tui.panes.lists import List
from staycourse_tui.panes.roadmap_details import roadmap_details
from staycourse_tui.panes.run_details import run_details
from staycourse_tui.pictures.framing import NO_TITLE, Picture, Title, footer, framed
from staycourse_tui.pictures.home_layout import arrange_home
from staycourse_tui.widgets.lines import Line, Span, cell_middle, fit, join, line, spread, width

PANES = ("roadmaps", "runs", "details")
LISTS = PANES[:2]


@dataclass(frozen=True)
class HomeState:
    """What the keys have set. `focus` is the pane that they work on, empty as long as none was chosen, `list`
    the list that the details belong to. `chosen` and `tops` hold the line of each list and its first one in
    sight; `down` is how far the details are scrolled."""

    focus: str = ""
    list: str = ""
    chosen: tuple[Path | None, Path | None] = (None, None)
    tops: tuple[int, int] = (0, 0)
    down: int = 0
    message: str = ""


@dataclass(frozen=True)
class Drawn:
    """The picture, and the state with its scrolling brought into bounds; `pages` are each pane's rows."""

    picture: Picture
    state: HomeState
    pages: dict[str, int]


@dataclass
class _Drawing:
    frame: HomeFrame
    state: HomeState
    pages: dict[str, int] = field(default_factory=dict)


def settled(frame: HomeFrame, state: HomeState) -> HomeState:
    """The state with a focus: a run that goes on is what one comes for, else the roadmaps, if there are any;
    and with a line in each list, the first one where the chosen one is gone."""
    is_running = bool(frame.runs) and frame.runs is not None and frame.runs[0].is_engine_alive
    first = "runs" if is_running or (frame.runs and frame.roadmaps == ()) else "roadmaps"
    shown = state.list or first
    chosen = []
    for name, at in zip(LISTS, state.chosen, strict=True):
        paths = paths_of(frame, name)
        chosen.append(at if at in paths or not paths else paths[0])
    return replace(state, focus=state.focus or first, list=shown, chosen=(chosen[0], chosen[1]))


def paths_of(frame: HomeFrame, name: str) -> list[Path]:
    """What tells the lines of a list apart."""
    if name == "roadmaps":
        return [found.path for found in frame.roadmaps or ()]
    return [run.folder for run in frame.runs or ()]


def roadmap_at(frame: HomeFrame, state: HomeState) -> FoundRoadmap | None:
    """The roadmap that the cursor is at."""
    return next((found for found in frame.roadmaps or () if found.path == state.chosen[0]), None)


def run_at(frame: HomeFrame, state: HomeState) -> RunSummary | None:
    """The run that the cursor is at."""
    return next((run for run in frame.runs or () if run.folder == state.chosen[1]), None)


def draw(frame: HomeFrame, state: HomeState, size: tuple[int, int]) -> Drawn:
    """Everything at a size of (columns, rows)."""
    drawing = _Drawing(frame, settled(frame, state))
    if is_tiny(*size):
        status = fit(join([(Span("staycourse", "strong"),), *_counts(frame)]), size[0])
        picture = Picture([Box("header", 0, 0, size[0], 1)], {"header": [status]})
        return Drawn(picture, drawing.state, {})
    wanted = len(frame.roadmaps) if frame.roadmaps else _rows_of_sentence(frame, size[0])
    boxes = arrange_home(*size, drawing.state.focus, wanted, len(frame.runs or ()))
    crossings = joints(boxes)
    lines = {box.pane: framed(box, *_PANES[box.pane](drawing, box), crossings) for box in boxes}
    return Drawn(Picture(boxes, lines), drawing.state, drawing.pages)


def _rows_of_sentence(frame: HomeFrame, columns: int) -> int:
    """Rows of what stands where no roadmap does, in the narrower of the two layouts."""
    return len(roadmaps.roadmap_list(frame, round(columns * 0.6), 1, None, 0, False).lines)


def _counts(frame: HomeFrame) -> list[Line]:
    parts: list[Line] = []
    if frame.roadmaps is not None:
        parts.append((Span(fmt.plural(len(frame.roadmaps), "roadmap"), "dim"),))
    if frame.runs is not None:
        parts.append((Span(fmt.plural(len(frame.runs), "run"), "dim"),))
        words = [runs.standing(run) for run in frame.runs]
        for wanted in ("running", "suspended", "failed"):
            found = [(glyph, role) for glyph, role, word in words if word == wanted]
            parts += [(Span(f"{found[0][0]} {len(found)} {wanted}", found[0][1]),)] if found else []
    return parts


def _header(drawing: _Drawing, box: Box) -> tuple[Title, list[Line]]:
    head = line(Span("staycourse", "strong"), Span("  "))
    counts = _counts(drawing.frame)
    while width(join(counts)) > box.width - width(head):
        counts.pop(0)
    room = box.width - width(head) - width(join(counts)) - 2
    place = cell_middle(short_path(drawing.frame.place), room) if room >= 12 else ""
    return NO_TITLE, [spread(line(*head, Span(place, "dim")), join(counts), box.width)]


def _title(drawing: _Drawing, pane: str, *rest: Span) -> Line:
    return line(Span(pane, "accent" if drawing.state.focus == pane else "title"), *rest)


def _roadmaps(drawing: _Drawing, box: Box) -> tuple[Title, list[Line]]:
    return _list(drawing, box, roadmaps.roadmap_list)


def _runs(drawing: _Drawing, box: Box) -> tuple[Title, list[Line]]:
    return _list(drawing, box, runs.run_list)


def _list(
    drawing: _Drawing, box: Box, make: Callable[[HomeFrame, int, int, int | None, int, bool], List]
) -> tuple[Title, list[Line]]:
    state, which = drawing.state, LISTS.index(box.pane)
    paths, chosen = paths_of(drawing.frame, box.pane), state.chosen[which]
    at = paths.index(chosen) if chosen in paths else None
    rows, size = box.inner_height, box.inner_width
    made = make(drawing.frame, size, rows, at, state.tops[which], state.list == box.pane)
    tops = [made.top if index == which else top for index, top in enumerate(state.tops)]
    drawing.state = replace(state, tops=(tops[0], tops[1]))
    drawing.pages[box.pane] = rows
    shown = f"  {made.top + 1}–{made.top + len(made.lines)} of {len(paths)}" if len(paths) > rows else ""
    failure = drawing.frame.roadmaps_failure if box.pane == "roadmaps" else drawing.frame.runs_failure
    place = Span(f"  {failure}", "warn") if failure and paths else Span(shown, "dim")
    return (_title(drawing, box.pane, place), made.heads), made.lines


def _details(drawing: _Drawing, box: Box) -> tuple[Title, list[Line]]:
    frame, state = drawing.frame, drawing.state
    lines: list[Line] = [line(Span("nothing to tell of yet", "dim"))]
    name = ""
    if state.list == "roadmaps" and (found := roadmap_at(frame, state)):
        lines, name = roadmap_details(frame, found, box.inner_width), str(found.path)
    elif state.list == "runs" and (run := run_at(frame, state)):
        lines, name = run_details(frame, run, box.inner_width), run.name
    rows = box.inner_height
    down = min(state.down, max(0, len(lines) - rows))
    drawing.state = replace(state, down=down)
    drawing.pages["details"] = rows
    below = len(lines) - rows - down
    more = line(Span(f"↓ {below} more", "dim")) if below > 0 else ()
    shown = Span(f"  {cell_middle(name, max(5, box.inner_width - 24))}" if name else "", "dim")
    return (_title(drawing, "details", shown), more), lines[down : down + rows]


def _footer(drawing: _Drawing, box: Box) -> tuple[Title, list[Line]]:
    state = drawing.state
    here = f"focus_pane('{state.focus}')"
    return NO_TITLE, [footer(HOME_KEYS, box.width, state.message, here=here, leaving=LEAVE_HOME)]


_PANES: dict[str, Callable[[_Drawing, Box], tuple[Title, list[Line]]]] = {
    "header": _header,
    "roadmaps": _roadmaps,
    "runs": _runs,
    "details": _details,
    "footer": _footer,
}
