"""Where a trial's time goes: throughput, steps and what they are made of, epochs, memory. Pure."""

from __future__ import annotations

from staycourse_tui import formatting as fmt
from staycourse_tui.frames import Frame
from staycourse_tui.panes.devices import step_lines
from staycourse_tui.widgets.lines import Line, Span

_SHOWN = (
    ("samples_per_s", "samples", lambda value: f"{fmt.compact(value)}/s"),
    ("step_ms", "step", fmt.milliseconds),
    ("wait_share", "waits for data", fmt.share),
    ("epoch_s", "epoch", fmt.age),
    ("validation_s", "validation", lambda value: fmt.milliseconds(1000 * value)),
    ("checkpoint_s", "checkpoint", lambda value: fmt.milliseconds(1000 * value)),
    ("rss_bytes", "memory", lambda value: f"{fmt.gigabytes(value)}G"),
    ("device_memory_bytes", "GPU memory", lambda value: f"{fmt.gigabytes(value)}G"),
)


def timing_lines(frame: Frame, size: int) -> list[Line]:
    """One figure a line, the trial's newest; the step's parts below them."""
    timing = frame.timing
    trial = frame.focused
    lines: list[Line] = [
        (Span(f"{name} ", "dim"), Span(words(timing[key]))) for key, name, words in _SHOWN if key in timing
    ]
    if trial is not None and trial.seconds is not None:
        lines.insert(0, (Span("trained for ", "dim"), Span(fmt.age(trial.seconds))))
    if not lines:
        return [(Span("no figures yet" if frame.live(frame.focus) else "no figures", "dim"),)]
    return lines + step_lines([timing], size)
