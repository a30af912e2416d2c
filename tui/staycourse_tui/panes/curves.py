"""Charts of the metric and of the training loss."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from staycourse.core.pace import seconds_at
from staycourse_tui.frames import CurvePoint, Frame
from staycourse_tui.widgets.lines import Line, Span, cell, fit, line, shorten
from staycourse_tui.widgets.plot import Canvas, Point, Scale, decimate, scale_of, tick_label, ticks

_TRAIN, _TRAIN_STEP = "train_loss", "train_loss_step"
_UNITS = ((3600.0, "hours"), (60.0, "minutes"), (1.0, "seconds"))


@dataclass(frozen=True)
class Series:
    """A curve: whose it is, its colour's role, its points by the chart's x."""

    label: str
    role: str
    points: Sequence[Point]
    word: str = ""


@dataclass(frozen=True)
class Axes:
    """`x` is what runs to the right: "epoch", "step" or "time" in seconds; it ends at `x_max`, the planned
    length."""

    log: bool
    x: str
    x_max: float


def metric_series(frame: Frame, x: str) -> list[Series]:
    """The objective's metric: the trial in focus, the best, others; drawn last first."""
    return _series(frame, frame.metric, x)


def train_series(frame: Frame, x: str) -> list[Series]:
    """The training loss: of the trial in focus step by step, of the others by epoch."""
    found = _series(frame, _TRAIN, x)
    fine = frame.curves.get((frame.focus or "", _TRAIN_STEP), ())
    if not fine or frame.focus is None:
        return found
    points = _x(frame, frame.focus, fine, x)
    if found and found[0].label == frame.focus:
        return [Series(found[0].label, "s0", points, found[0].word), *found[1:]]
    return [Series(frame.focus, "s0", points), *found]


def axes_of(frame: Frame, log: bool, x: str) -> Axes:
    """The x axis is as long as the longest trial shown was planned, so that it stands still."""
    shown = [view for name in (frame.focus, *frame.compared) if (view := frame.trial(name))]
    epochs = max((view.epochs for view in shown), default=1)
    if x == "epoch":
        return Axes(log, x, float(epochs))
    rates = [
        points[-1][0] / points[-1][1]
        for (trial, name), points in frame.curves.items()
        if points and points[-1][1] and name != _TRAIN_STEP
    ]
    steps = max(rates, default=1.0) * epochs
    if x == "step":
        return Axes(log, x, steps)
    longest = [seconds_at(pace, round(steps)) or 0.0 for pace in frame.pace.values()]
    return Axes(log, x, max(longest, default=0.0) or 1.0)


def title(name: str, series: Sequence[Series], log: bool) -> Line:
    """`val_loss (log)  t27 running  t24 best  t19`."""
    values = [value for one in series for _, value in one.points if math.isfinite(value)]
    is_log = log and bool(values) and all(value > 0 for value in values)
    why = "" if is_log or not log or not values else ", not all above zero"
    spans = [Span(name, "title"), Span(f" ({'log' if is_log else 'linear'}{why})", "dim")]
    for one in series:
        spans.append(Span(f"  {one.label}{' ' + one.word if one.word else ''}", one.role))
    return line(*spans)


def chart(series: Sequence[Series], axes: Axes, size: int, rows: int) -> list[Line]:
    """The curves over their axes in `rows` lines of `size` cells; the last line is the x axis."""
    height = rows - 1
    values = [value for one in series for _, value in one.points]
    if values and not any(map(math.isfinite, values)):
        return empty(f"nothing to draw: every value so far is {values[-1]}", size, rows)
    scale = scale_of(values, axes.log)
    marks = {
        round((1 - scale.unit(value)) * (height - 1)): tick_label(value)
        for value in ticks(scale, max(2, height // 2))
    }
    gutter = max((len(label) for label in marks.values()), default=1) + 1
    margin = max((cell_len(one.label) for one in series), default=0) + 1
    width = size - gutter - 1 - margin
    if width < 8 or height < 2:
        return [fit(line(Span("no room for curves", "dim")), size)]
    canvas = Canvas(width, height)
    for at in range(len(series) - 1, -1, -1):
        canvas.curve(decimate(series[at].points, axes.x_max, 2 * width), scale, at)
    labels = _end_labels(series, axes, scale, canvas)
    lines = []
    for y in range(height):
        left = Span(f"{marks.get(y, ''):>{gutter}}", "dim"), Span("┤" if y in marks else "│", "rule")
        lines.append(fit((*left, *_row(canvas, y, series, labels, margin)), size))
    return [*lines, _x_axis(axes, gutter + 1, width, size)]


def empty(text: str, size: int, rows: int) -> list[Line]:
    """A sentence in the middle of an empty chart."""
    text = shorten(text, size)
    said = fit(line(Span(" " * ((size - cell_len(text)) // 2)), Span(text, "dim")), size)
    blank = fit((), size)
    return [said if row == rows // 2 else blank for row in range(rows)]


def why_empty(frame: Frame) -> str:
    """Why there is no curve of the metric."""
    trial = frame.focused
    if trial is None:
        return "waiting for the first trial" if frame.snapshot.is_engine_alive else "no trial has begun"
    if frame.snapshot.phases[trial.phase].kind == "final":
        return f"final trains on all the data: nothing is held out, so there is no {frame.metric}"
    if (trial.id, frame.metric) not in frame.curves:
        return f"reading the curve of {trial.id}"
    if trial.status == "ended":
        return f"{trial.id} has no {frame.metric}"
    if not trial.step:
        return "waiting for the first step"
    return f"waiting for the first epoch's end: {frame.metric} comes then"


def _series(frame: Frame, metric: str, x: str) -> list[Series]:
    found = []
    best = best_of(frame)
    for trial in (frame.focus, *frame.compared):
        if trial is None:
            continue
        points = _x(frame, trial, frame.curves.get((trial, metric), ()), x)
        if not points:
            continue
        view = frame.trial(trial)
        role = "s0" if trial == frame.focus else "s1" if trial == best else _marked_role(frame, trial)
        is_live = view is not None and view.status == "running" and frame.snapshot.is_engine_alive
        word = (
            "running" if is_live else "best" if trial == best else "marked" if trial in frame.marked else ""
        )
        found.append(Series(trial, role, points, word))
    return found


def best_of(frame: Frame) -> str | None:
    """The best trial of the phase in focus; the run's where the phase has none yet."""
    trial = frame.focused
    leaders = frame.snapshot.phases[trial.phase].leaders if trial else ()
    return leaders[0] if leaders else frame.snapshot.best_trial


def _marked_role(frame: Frame, trial: str) -> str:
    """Marked trials have colours of their own, others are grey."""
    return f"m{frame.marked.index(trial)}" if trial in frame.marked else "s2"


def _x(frame: Frame, trial: str, points: Sequence[CurvePoint], x: str) -> list[Point]:
    if x == "epoch":
        return _by_epoch(points)
    if x == "step":
        return [(float(step), value) for step, _, value in points]
    pace = frame.pace.get(trial, ())
    timed = [(seconds_at(pace, step), value) for step, _, value in points]
    return [(seconds, value) for seconds, value in timed if seconds is not None]


def _by_epoch(points: Sequence[CurvePoint]) -> list[Point]:
    """Epochs with fractions: a point inside an epoch lies between its ends by its step."""
    last: dict[int, int] = {}
    for step, epoch, _ in points:
        last[epoch] = max(step, last.get(epoch, 0))
    lengths = [last[epoch] - last.get(epoch - 1, 0) for epoch in last if epoch - 1 in last or epoch == 1]
    usual = max(lengths, default=1)
    found = []
    for step, epoch, value in points:
        before = last.get(epoch - 1, last[epoch] - usual)
        is_open = epoch == max(last)
        length = max(usual if is_open else last[epoch] - before, last[epoch] - before, 1)
        found.append((epoch - 1 + (step - before) / length, value))
    return found


def _row(
    canvas: Canvas, y: int, series: Sequence[Series], labels: Mapping[tuple[int, int], Span], margin: int
) -> list[Span]:
    """A row of cells with the labels that stand in it."""
    spans: list[Span] = []
    x = 0
    while x < canvas.width + margin:
        if label := labels.get((x, y)):
            spans.append(label)
            x += cell_len(label.text)
            continue
        char, owner = canvas.cell(x, y) if x < canvas.width else (" ", -1)
        role = series[owner].role if owner >= 0 else ""
        if spans and spans[-1].role == role:
            spans[-1] = Span(spans[-1].text + char, role)
        else:
            spans.append(Span(char, role))
        x += 1
    return spans


def _end_labels(
    series: Sequence[Series], axes: Axes, scale: Scale, canvas: Canvas
) -> dict[tuple[int, int], Span]:
    """Each curve's name by (column, row): beside its last value where the place is free, else in the
    margin."""
    labels: dict[tuple[int, int], Span] = {}
    taken: set[tuple[int, int]] = set()
    for one in series:
        finite = [(x, value) for x, value in one.points if math.isfinite(value)]
        if not finite:
            continue
        x, value = finite[-1]
        row = canvas.row(scale, value) // 4
        after = round(min(1.0, x / axes.x_max) * (2 * canvas.width - 1)) // 2 + 2
        near = [at for at in (row, row - 1, row + 1, row - 2, row + 2) if 0 <= at < canvas.height]
        for column, at in [*((after, at) for at in near), *((canvas.width + 1, at) for at in near)]:
            cells = {(x, at) for x in range(column - 1, column + cell_len(one.label) + 1)}
            fits = column > canvas.width or column + cell_len(one.label) <= canvas.width
            if fits and not cells & taken and not any(_is_drawn(canvas, *spot) for spot in cells):
                labels[column, at] = Span(one.label, one.role)
                taken |= cells
                break
    return labels


def _is_drawn(canvas: Canvas, x: int, y: int) -> bool:
    return x < canvas.width and canvas.cell(x, y)[1] >= 0


def _x_axis(axes: Axes, start: int, width: int, size: int) -> Line:
    """Round marks below their columns; the last one carries the unit."""
    scale, unit = (1.0, axes.x + "s") if axes.x != "time" else _time_unit(axes.x_max)
    x_max = axes.x_max / scale
    is_whole = axes.x != "time" or x_max >= 10
    end = f"{x_max:,.0f} {unit}" if is_whole else f"{x_max:.1f} {unit}"
    text = [" "] * size
    edge = min(size, start + width + (size - start - width)) - cell_len(end)
    for value in ticks(Scale(0.0, x_max), max(4, width // 14)):
        label = f"{value:,.0f}" if is_whole else tick_label(value)
        at = start + round(value / x_max * (width - 1)) - (len(label) // 2 if value else 0)
        if (not is_whole or value == round(value)) and at + len(label) + 2 <= edge:
            text[at : at + len(label)] = label
    return line(Span(cell("".join(text[:edge]), edge) + end, "dim"))


def _time_unit(seconds: float) -> tuple[float, str]:
    """The unit in which an axis of that length has round marks, in seconds, and its name."""
    return next(((size, name) for size, name in _UNITS if seconds >= 3 * size), _UNITS[-1])
