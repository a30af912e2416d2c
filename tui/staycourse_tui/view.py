"""From a frame to the lines of every pane. Pure, so that a whole screen can be read as text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from staycourse_tui.frames import Frame
from staycourse_tui.keys import LEAVE, RUN_KEYS
from staycourse_tui.layout import Box, Wishes, arrange, device_rows, joints, queue_width, shows_all
from staycourse_tui.panes import curves, devices, log
from staycourse_tui.panes.banner import banner
from staycourse_tui.panes.header import header
from staycourse_tui.panes.queue import HEADING, queue, whole_queue
from staycourse_tui.panes.trial import trial_pane, trial_title
from staycourse_tui.panes.trials import trial_table
from staycourse_tui.widgets.lines import Line, Span, fit, join, line, rule, spread, width

PANES = ("queue", "trials", "curves", "log")


@dataclass(frozen=True)
class ViewState:
    """What the keys have set. `up` is how far the log is scrolled back, `down` how far the queue is
    scrolled on, `phase` whose trials are listed (None: the running one's), `unread` for how many seconds
    the run could not be read."""

    focus: str = "curves"
    log_axis: bool = True
    by_step: bool = False
    full: bool = False
    frozen: str = ""
    selected: str | None = None
    phase: int | None = None
    up: int = 0
    down: int = 0
    top: int = 0
    message: str = ""
    unread: float | None = None


@dataclass(frozen=True)
class Drawn:
    """Boxes, the lines of each pane, and the state with its scrolling brought into bounds; `ids` are the
    trials listed and `page` the rows of the focused pane."""

    boxes: list[Box]
    lines: Mapping[str, list[Line]]
    state: ViewState
    ids: tuple[str, ...] = ()
    page: int = 1


@dataclass
class _Drawing:
    frame: Frame
    state: ViewState
    boxes: list[Box]
    size: tuple[int, int]
    ids: tuple[str, ...] = ()
    pages: dict[str, int] = field(default_factory=dict)


def draw(frame: Frame, state: ViewState, size: tuple[int, int]) -> Drawn:
    """Everything at a size of (columns, rows)."""
    columns, rows = size
    snapshot = frame.snapshot
    wishes = Wishes(
        banner=len(banner(frame, columns)),
        phases=len(snapshot.phases),
        queue=len(whole_queue(snapshot, queue_width(columns, rows))),
        devices=_device_rows(frame),
        lines=len(devices.device_lines(snapshot, columns, device_rows(rows))),
    )
    boxes = arrange(columns, rows, state.focus, state.full, wishes)
    drawing = _Drawing(frame, state, boxes, size)
    crossings = joints(boxes)
    lines = {box.pane: _framed(drawing, box, crossings) for box in boxes}
    return Drawn(boxes, lines, drawing.state, drawing.ids, drawing.pages.get(state.focus, 1))


def _framed(drawing: _Drawing, box: Box, crossings: Mapping[tuple[int, int], str]) -> list[Line]:
    title, content = _PANES[box.pane](drawing, box)
    size, blank = box.inner_width, " " * box.gap
    lines = [(*fit(made, size), Span(blank)) for made in content[: box.inner_height]]
    lines += [fit((), size + box.gap)] * (box.inner_height - len(lines))
    if box.divider:
        first = box.y + box.titled
        walls = [crossings.get((box.x, first + at), "│") for at in range(len(lines))]
        lines = [(Span(wall + " ", "rule"), *made) for wall, made in zip(walls, lines, strict=True)]
    if box.titled:
        head, right = title
        start = crossings.get((box.x, box.y), "├") + "─" if box.divider else "─"
        top = (*rule(head, box.width - box.gap, right, start), Span("─" * box.gap, "rule"))
        lines.insert(0, _crossed(top, box, crossings))
    return lines


def _crossed(made: Line, box: Box, crossings: Mapping[tuple[int, int], str]) -> Line:
    """The rule with a crossing wherever a divider meets its dashes."""
    spans: list[Span] = []
    x = box.x
    for span in made:
        text = span.text
        if span.role == "rule":
            text = "".join(crossings.get((x + at, box.y), char) for at, char in enumerate(text))
        spans.append(Span(text, span.role, span.action))
        x += width([span])
    return tuple(spans)


Title = tuple[Line, Line]
_NONE: Title = ((), ())


def _title(drawing: _Drawing, pane: str, *rest: Span) -> Line:
    is_focused = drawing.state.focus == pane and shows_all(*drawing.size)
    return line(Span(pane, "accent" if is_focused else "title"), *rest)


def _header(drawing: _Drawing, box: Box) -> tuple[Title, list[Line]]:
    state = drawing.state
    return _NONE, [header(drawing.frame.snapshot, box.width, state.frozen, state.unread)]


def _banner(drawing: _Drawing, box: Box) -> tuple[Title, list[Line]]:
    return _NONE, banner(drawing.frame, box.width)


def _devices(drawing: _Drawing, box: Box) -> tuple[Title, list[Line]]:
    return _NONE, devices.device_lines(drawing.frame.snapshot, box.width, box.height)


def _machine(drawing: _Drawing, box: Box) -> tuple[Title, list[Line]]:
    lines = devices.device_pane(drawing.frame, box.inner_width, box.inner_height)
    return (line(Span("devices", "title")), ()), lines


def _loader(drawing: _Drawing, box: Box) -> tuple[Title, list[Line]]:
    return (line(Span("data loading", "title")), ()), devices.loader_pane(
        drawing.frame.snapshot, box.inner_width
    )


def _queue(drawing: _Drawing, box: Box) -> tuple[Title, list[Line]]:
    snapshot, state = drawing.frame.snapshot, drawing.state
    title = _title(drawing, "queue"), line(Span(HEADING, "dim"))
    drawing.pages["queue"] = box.inner_height
    if state.focus != "queue":
        return title, queue(snapshot, box.inner_width, box.inner_height)
    lines = whole_queue(snapshot, box.inner_width)
    down = min(state.down, max(0, len(lines) - box.inner_height))
    drawing.state = replace(drawing.state, down=down)
    return title, lines[down:]


def _trial(drawing: _Drawing, box: Box) -> tuple[Title, list[Line]]:
    return (trial_title(drawing.frame), ()), trial_pane(drawing.frame, box.inner_width, box.inner_height)


def _trials(drawing: _Drawing, box: Box) -> tuple[Title, list[Line]]:
    frame, state = drawing.frame, drawing.state
    phases = frame.snapshot.phases
    at = listed_phase(frame, state)
    table = trial_table(frame, at, box.inner_width, box.inner_height, state.top, frame.focus)
    drawing.ids = table.ids
    drawing.pages["trials"] = table.page
    drawing.state = replace(drawing.state, top=table.top)
    place = Span(f"  phase {at + 1}/{len(phases)} {phases[at].kind}", "dim")
    shown = (
        f"{min(table.top + table.page, len(table.ids))} of {len(table.ids)}"
        if len(table.ids) > table.page
        else ""
    )
    return (_title(drawing, "trials", place), line(Span(shown, "dim")) if shown else ()), table.lines


def listed_phase(frame: Frame, state: ViewState) -> int:
    """The phase whose trials are listed: the one chosen, else that of the trial in focus."""
    if state.phase is not None:
        return state.phase
    trial = frame.focused
    return trial.phase if trial else 0


def _curves(drawing: _Drawing, box: Box) -> tuple[Title, list[Line]]:
    frame, state = drawing.frame, drawing.state
    series = curves.metric_series(frame, state.by_step)
    axes = curves.axes_of(frame, state.log_axis, state.by_step)
    name = frame.metric
    trial = frame.focused
    is_alone = all(other.pane != "train" for other in drawing.boxes)
    if is_alone and trial is not None and frame.snapshot.phases[trial.phase].kind == "final":
        series, name = curves.train_series(frame, state.by_step)[:1], "train_loss"
    if not series:
        title = line(Span(name, "title"))
        return (title, ()), curves.empty(curves.why_empty(frame), box.inner_width, box.inner_height)
    title = curves.title(name, series, state.log_axis)
    if state.focus == "curves" and shows_all(*drawing.size):
        title = (Span(title[0].text, "accent"), *title[1:])
    return (title, ()), curves.chart(series, axes, box.inner_width, box.inner_height)


def _train(drawing: _Drawing, box: Box) -> tuple[Title, list[Line]]:
    frame, state = drawing.frame, drawing.state
    series = curves.train_series(frame, state.by_step)
    if not series:
        return (line(Span("train_loss", "title")), ()), curves.empty(
            "no step yet", box.inner_width, box.inner_height
        )
    axes = curves.axes_of(frame, state.log_axis, state.by_step)
    title = curves.title("train_loss", series, state.log_axis)
    return (title, ()), curves.chart(series, axes, box.inner_width, box.inner_height)


def _log(drawing: _Drawing, box: Box) -> tuple[Title, list[Line]]:
    entries, state = drawing.frame.snapshot.log, drawing.state
    rows = box.inner_height
    drawing.pages["log"] = rows
    if state.focus != "log":
        return (_title(drawing, "log"), ()), log.newest(entries, box.inner_width, rows)
    lines, up = log.whole_log(entries, box.inner_width, rows, state.up)
    drawing.state = replace(drawing.state, up=up)
    back = line(Span(f"{up} lines back", "dim")) if up else ()
    return (_title(drawing, "log"), back), lines


def _footer(drawing: _Drawing, box: Box) -> tuple[Title, list[Line]]:
    return _NONE, [footer(drawing.state, box.width)]


def footer(state: ViewState, size: int) -> Line:
    """The message if there is one, else the keys; as many as fit, with help and leaving always."""
    if state.message:
        return fit(line(Span(state.message, "accent")), size)
    labels = {"y": "linear" if state.log_axis else "log", "t": "epoch" if state.by_step else "step"}
    labels |= {"space": "go on" if state.frozen else "freeze", "f": "back" if state.full else "full"}
    items = []
    for key in RUN_KEYS:
        if key.label:
            is_here = key.action == f"focus_pane('{state.focus}')"
            label = labels.get(key.shown, key.label)
            items.append(_key(key.shown, label, f"screen.{key.action}", is_here))
    right = join([items.pop(), _key("d", LEAVE.label, f"app.{LEAVE.action}", False)])
    for gap in ("   ", "  "):
        made = join(items, gap)
        if width(made) + width(right) + 2 <= size:
            return spread(made, right, size)
    while items and width(join(items, "  ")) + width(right) + 2 > size:
        items.pop()
    return spread(join(items, "  "), right, size)


def _key(shown: str, label: str, action: str, is_here: bool) -> Line:
    return (Span(shown, "key", action), Span(" " + label, "strong" if is_here else "dim", action))


def _device_rows(frame: Frame) -> int:
    gpus = sum(name.startswith("gpu") for name in frame.snapshot.hardware.devices)
    return 2 * gpus if gpus else 4


_PANES: dict[str, Callable[[_Drawing, Box], tuple[Title, list[Line]]]] = {
    "header": _header,
    "banner": _banner,
    "devices": _devices,
    "machine": _machine,
    "loader": _loader,
    "queue": _queue,
    "trial": _trial,
    "trials": _trials,
    "curves": _curves,
    "train": _train,
    "log": _log,
    "footer": _footer,
}
