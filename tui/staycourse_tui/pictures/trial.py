"""One trial: set-up, rules, timings, curves, and what it has printed. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from staycourse.client import TrialView
from staycourse_tui import formatting as fmt
from staycourse_tui.frames import Frame
from staycourse_tui.keys import TRIAL_KEYS
from staycourse_tui.layout import Box, is_tiny, joints, shows_all, slowdown_rows
from staycourse_tui.panes import curves
from staycourse_tui.panes.header import header
from staycourse_tui.panes.output import output_lines
from staycourse_tui.panes.rules import rule_lines
from staycourse_tui.panes.slowdowns import slowdown_lines, verdicts_on
from staycourse_tui.panes.timings import timing_lines
from staycourse_tui.panes.trial import facts_of, result_lines, setup_lines, state_of
from staycourse_tui.pictures.framing import Picture, Shown, Title, footer, framed, only_header
from staycourse_tui.session import X_AXES, after
from staycourse_tui.widgets.lines import Line, Span, flow, line

_LEFT = 44


@dataclass(frozen=True)
class TrialState(Shown):
    """What the keys have set: `whole` is the pane that has the whole window ("" for none), `up` how far its
    output is scrolled back."""

    log_axis: bool = True
    x_axis: str = X_AXES[0]
    whole: str = ""
    up: int = 0


@dataclass(frozen=True)
class TrialDrawn:
    """The picture, how far up the output is, and how many of its rows are seen."""

    picture: Picture
    up: int
    page: int


@dataclass
class _Drawing:
    frame: Frame
    trial: TrialView
    state: TrialState
    page: int = 1
    is_column: bool = True
    has_train: bool = True


def draw_trial(frame: Frame, state: TrialState, size: tuple[int, int]) -> TrialDrawn:
    """The screen of the frame's trial in focus at a size of (columns, rows)."""
    columns, rows = size
    head = header(frame.snapshot, columns, state.frozen, state.unread)
    trial = frame.focused
    if is_tiny(columns, rows) or trial is None:
        return TrialDrawn(only_header(head, columns), state.up, 1)
    drawing = _Drawing(frame, trial, state)
    slow = slowdown_lines(verdicts_on(trial), columns, slowdown_rows(rows) + 1)
    boxes = [replace(box, y=box.y + len(slow)) for box in _boxes(drawing, columns, rows, len(slow))]
    drawing.has_train = any(box.pane == "train" for box in boxes)
    crossings = joints(boxes)
    lines = {box.pane: framed(box, *_PANES[box.pane](drawing, box), crossings) for box in boxes}
    lines["header"] = [head]
    lines["slowdowns"] = slow
    above = [Box("header", 0, 0, columns, 1), *([Box("slowdowns", 0, 1, columns, len(slow))] if slow else [])]
    all_boxes = [*above, *boxes, Box("footer", 0, rows - 1, columns, 1)]
    lines["footer"] = [footer(TRIAL_KEYS, columns, state.message, _labels(state))]
    return TrialDrawn(Picture(all_boxes, lines), drawing.state.up, drawing.page)


def _boxes(drawing: _Drawing, columns: int, rows: int, slow: int) -> list[Box]:
    """Panes between the first line and the last one, less those of what holds the trial up."""
    room = rows - 2 - slow
    if drawing.state.whole:
        return [Box(drawing.state.whole, 0, 1, columns, room, titled=True)]
    if not shows_all(columns, rows):
        return _compact(drawing, columns, room)
    output = max(5, room // 4)
    body = room - output
    boxes = _left_column(drawing, body)
    curve = round(body * 0.62)
    right = columns - _LEFT
    boxes += [
        Box("curves", _LEFT, 1, right, curve, titled=True, divider=True),
        Box("train", _LEFT, 1 + curve, right, body - curve, titled=True, divider=True),
        Box("output", 0, 1 + body, columns, output, titled=True),
    ]
    return boxes


def _left_column(drawing: _Drawing, rows: int) -> list[Box]:
    """Set-up, rules and timings below each other; the set-up flows where a column of it would push the rules
    out of the window."""
    top = Box("setup", 0, 1, _LEFT, 99, titled=True, gap=1)
    rules = len(_rules(drawing, top)[1]) + 1
    drawing.is_column = len(_setup(drawing, top)[1]) + 1 + rules <= rows - 3
    setup = max(3, min(len(_setup(drawing, top)[1]) + 1, rows - rules))
    rules = min(rules, rows - setup)
    boxes = [
        replace(top, height=setup),
        replace(top, pane="rules", y=1 + setup, height=rules),
        replace(top, pane="timings", y=1 + setup + rules, height=rows - setup - rules),
    ]
    return [box for box in boxes if box.height > 1]


def _compact(drawing: _Drawing, columns: int, room: int) -> list[Box]:
    """Facts, curves and output below each other; the output gives way to the facts."""
    output, curve = (2, 4) if room < 18 else (4, 7)
    wanted = 1 + len(_all_facts(drawing, columns))
    if wanted > room - output - curve:
        output = 0 if room < 18 else 2
    facts = min(wanted, room - output - curve)
    curve = room - facts - output
    boxes = [
        Box("facts", 0, 1, columns, facts, titled=True),
        Box("curves", 0, 1 + facts, columns, curve, titled=True),
        Box("output", 0, 1 + facts + curve, columns, output, titled=True),
    ]
    return [box for box in boxes if box.height]


def _name(drawing: _Drawing) -> Line:
    glyph, role, word = state_of(drawing.trial, drawing.frame.snapshot.is_engine_alive)
    mark = [Span(" ● marked", "accent")] if drawing.trial.id in drawing.frame.marked else []
    return line(Span(drawing.trial.id, "title"), Span(f" {glyph} {word}", role), *mark)


def _facts(drawing: _Drawing, box: Box) -> tuple[Title, list[Line]]:
    """Everything in words, where there are no panes for its parts."""
    lines = _all_facts(drawing, box.inner_width)
    hidden = len(lines) - box.inner_height
    more = line(Span(f"{fmt.plural(hidden, 'line')} hidden", "dim")) if hidden > 0 else ()
    return (_name(drawing), more), lines


def _all_facts(drawing: _Drawing, size: int) -> list[Line]:
    frame, trial = drawing.frame, drawing.trial
    return [
        *result_lines(frame, trial, size),
        *flow(setup_lines(frame.snapshot, trial.setup, size), size),
        *flow(facts_of(frame, trial), size),
        *rule_lines(frame, trial, size, flows=True),
        *flow(timing_lines(frame, size), size),
    ]


def _setup(drawing: _Drawing, box: Box) -> tuple[Title, list[Line]]:
    frame, trial, size = drawing.frame, drawing.trial, box.inner_width
    setup = setup_lines(frame.snapshot, trial.setup, size, is_column=drawing.is_column)
    lines = [
        *result_lines(frame, trial, size),
        *(setup if drawing.is_column else flow(setup, size)),
        *flow(facts_of(frame, trial), size),
    ]
    return (_name(drawing), ()), lines


def _rules(drawing: _Drawing, box: Box) -> tuple[Title, list[Line]]:
    title = line(Span("what ends it", "title"), Span("  LOCKED", "lock"))
    if drawing.trial.status == "ended":
        title = line(Span("its rules", "title"))
    return (title, ()), rule_lines(drawing.frame, drawing.trial, box.inner_width)


def _timings(drawing: _Drawing, box: Box) -> tuple[Title, list[Line]]:
    lines = timing_lines(drawing.frame, box.inner_width)
    if len(lines) > box.inner_height:
        lines = flow(lines, box.inner_width)
    return (line(Span("timings", "title")), ()), lines


def _curves(drawing: _Drawing, box: Box) -> tuple[Title, list[Line]]:
    frame, state = drawing.frame, drawing.state
    series = curves.metric_series(frame, state.x_axis)
    name = frame.metric
    is_others = all(one.label != drawing.trial.id for one in series) and drawing.trial.step
    if not series or (is_others and not drawing.has_train):
        series, name = curves.train_series(frame, state.x_axis)[:1], "train_loss"
    return _chart(drawing, box, series, name, curves.why_empty(frame))


def _train(drawing: _Drawing, box: Box) -> tuple[Title, list[Line]]:
    series = curves.train_series(drawing.frame, drawing.state.x_axis)
    return _chart(drawing, box, series, "train_loss", "no step yet")


def _chart(
    drawing: _Drawing, box: Box, series: list[curves.Series], name: str, why: str
) -> tuple[Title, list[Line]]:
    state = drawing.state
    if not series:
        return (line(Span(name, "title")), ()), curves.empty(why, box.inner_width, box.inner_height)
    axes = curves.axes_of(drawing.frame, state.log_axis, state.x_axis)
    title = curves.title(name, series, state.log_axis)
    return (title, ()), curves.chart(series, axes, box.inner_width, box.inner_height)


def _output(drawing: _Drawing, box: Box) -> tuple[Title, list[Line]]:
    frame = drawing.frame
    text = frame.output if frame.output_of == drawing.trial.id else ""
    lines, up = output_lines(text, box.inner_width, box.inner_height, drawing.state.up)
    drawing.state, drawing.page = replace(drawing.state, up=up), box.inner_height
    if not text.strip():
        lines = [line(Span("it has printed nothing", "dim"))]
    back = line(Span(f"{up} lines back", "dim")) if up else ()
    return (line(Span("its output", "title")), back), lines


def _labels(state: TrialState) -> dict[str, str]:
    return {
        "y": "linear" if state.log_axis else "log",
        "t": after(state.x_axis),
        "space": "go on" if state.frozen else "freeze",
        "f": "back" if state.whole == "curves" else "full",
        "o": "back" if state.whole == "output" else "output",
    }


_PANES: dict[str, Callable[[_Drawing, Box], tuple[Title, list[Line]]]] = {
    "facts": _facts,
    "setup": _setup,
    "rules": _rules,
    "timings": _timings,
    "curves": _curves,
    "train": _train,
    "output": _output,
}
