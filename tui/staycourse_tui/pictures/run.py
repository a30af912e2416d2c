"""From a frame to the lines of every pane. Pure, so that a whole screen can be read as text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from staycourse_tui.frames import Frame
from staycourse_tui.keys import RUN_KEYS
from staycourse_tui.layout import (
    Box,
    Wishes,
    arrange,
    device_rows,
    joints,
    queue_width,
    shows_all,
    slowdown_rows,
)
from staycourse_tui.panes import curves, devices, log
from staycourse_tui.panes.banner import banner
from staycourse_tui.panes.header import header
from staycourse_tui.panes.queue import HEADING, queue, whole_queue
from staycourse_tui.panes.slowdowns import running_verdicts, slowdown_lines
from staycourse_tui.panes.trial import trial_pane, trial_title
from staycourse_tui.panes.trials import trial_table
from staycourse_tui.pictures.framing import NO_TITLE, Picture, Shown, Title, footer, framed
from staycourse_tui.session import X_AXES, after
from staycourse_tui.widgets.lines import Line, Span, line, shorten

PANES = ("queue", "trials", "curves", "log")


@dataclass(frozen=True)
class ViewState(Shown):
    """What the keys have set. `up` is how far the log is scrolled back, `down` how far the queue is
    scrolled on, `phase` whose trials are listed (None: the running one's), `unread` for how many seconds
    the run could not be read."""

    focus: str = "curves"
    log_axis: bool = True
    x_axis: str = X_AXES[0]
    full: bool = False
    selected: str | None = None
    phase: int | None = None
    up: int = 0
    down: int = 0
    top: int = 0


@dataclass(frozen=True)
class Drawn:
    """The picture, and the state with its scrolling brought into bounds; `ids` are the trials listed and
    `page` the rows of the focused pane."""

    picture: Picture
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
        slowdowns=len(slowdown_lines(running_verdicts(snapshot), columns, slowdown_rows(rows))),
    )
    boxes = arrange(columns, rows, state.focus, state.full, wishes)
    drawing = _Drawing(frame, state, boxes, size)
    crossings = joints(boxes)
    lines = {box.pane: framed(box, *_PANES[box.pane](drawing, box), crossings) for box in boxes}
    return Drawn(Picture(boxes, lines), drawing.state, drawing.ids, drawing.pages.get(state.focus, 1))


def _title(drawing: _Drawing, pane: str, *rest: Span) -> Line:
    is_focused = drawing.state.focus == pane and shows_all(*drawing.size)
    return line(Span(pane, "accent" if is_focused else "title"), *rest)


def _header(drawing: _Drawing, box: Box) -> tuple[Title, list[Line]]:
    state = drawing.state
    return NO_TITLE, [header(drawing.frame.snapshot, box.width, state.frozen, state.unread)]


def _banner(drawing: _Drawing, box: Box) -> tuple[Title, list[Line]]:
    return NO_TITLE, banner(drawing.frame, box.width)


def _devices(drawing: _Drawing, box: Box) -> tuple[Title, list[Line]]:
    return NO_TITLE, devices.device_lines(drawing.frame.snapshot, box.width, box.height)


def _slowdowns(drawing: _Drawing, box: Box) -> tuple[Title, list[Line]]:
    return NO_TITLE, slowdown_lines(running_verdicts(drawing.frame.snapshot), box.width, box.height)


def _machine(drawing: _Drawing, box: Box) -> tuple[Title, list[Line]]:
    frame = drawing.frame
    lines = devices.device_pane(frame, box.inner_width, box.inner_height)
    age = devices.age_of_readings(frame.snapshot)
    models = ", ".join(dict.fromkeys(model.removeprefix("NVIDIA ") for model in frame.gpus))
    kinds = Span(
        "  " + shorten(models, box.inner_width - len("devices") - 6) if models and not age else "", "dim"
    )
    return (line(Span("devices", "title"), kinds), age), lines


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
    amount = len(table.ids)
    last = min(table.top + table.page, amount)
    shown = line(Span(f"{table.top + 1}–{last} of {amount}", "dim")) if amount > table.page else ()
    return (_title(drawing, "trials", place), shown), table.lines


def listed_phase(frame: Frame, state: ViewState) -> int:
    """The phase whose trials are listed: the one chosen, else that of the trial in focus."""
    if state.phase is not None:
        return state.phase
    trial = frame.focused
    return trial.phase if trial else 0


def _curves(drawing: _Drawing, box: Box) -> tuple[Title, list[Line]]:
    frame, state = drawing.frame, drawing.state
    series = curves.metric_series(frame, state.x_axis)
    axes = curves.axes_of(frame, state.log_axis, state.x_axis)
    name = frame.metric
    trial = frame.focused
    is_alone = all(other.pane != "train" for other in drawing.boxes)
    if is_alone and trial is not None and frame.snapshot.phases[trial.phase].kind == "final":
        series, name = curves.train_series(frame, state.x_axis)[:1], "train_loss"
    if not series:
        title = line(Span(name, "title"))
        return (title, ()), curves.empty(curves.why_empty(frame), box.inner_width, box.inner_height)
    title = curves.title(name, series, state.log_axis)
    if state.focus == "curves" and shows_all(*drawing.size):
        title = (Span(title[0].text, "accent"), *title[1:])
    return (title, ()), curves.chart(series, axes, box.inner_width, box.inner_height)


def _train(drawing: _Drawing, box: Box) -> tuple[Title, list[Line]]:
    frame, state = drawing.frame, drawing.state
    series = curves.train_series(frame, state.x_axis)
    if not series:
        return (line(Span("train_loss", "title")), ()), curves.empty(
            "no step yet", box.inner_width, box.inner_height
        )
    axes = curves.axes_of(frame, state.log_axis, state.x_axis)
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
    state = drawing.state
    return NO_TITLE, [
        footer(RUN_KEYS, box.width, state.message, labels_of(state), f"focus_pane('{state.focus}')")
    ]


def labels_of(state: ViewState) -> dict[str, str]:
    """What the keys would change to, by the keys as they are shown."""
    labels = {"y": "linear" if state.log_axis else "log", "t": after(state.x_axis)}
    return labels | {"space": "go on" if state.frozen else "freeze", "f": "back" if state.full else "full"}


def _device_rows(frame: Frame) -> int:
    gpus = sum(name.startswith("gpu") for name in frame.snapshot.hardware.devices)
    return 4 * gpus if 0 < gpus < 3 else 2 * gpus if gpus else 4


_PANES: dict[str, Callable[[_Drawing, Box], tuple[Title, list[Line]]]] = {
    "header": _header,
    "banner": _banner,
    "devices": _devices,
    "slowdowns": _slowdowns,
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
