"""Where a trial's time goes: throughput, steps and what they are made of, epochs, memory. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from staycourse_tui import formatting as fmt
from staycourse_tui.frames import Frame
from staycourse_tui.panes.devices import step_lines
from staycourse_tui.widgets.lines import Line, Span

# A slower change of the epochs' time is no trend that anybody would see.
_LEAST_TREND = 0.01


def _epoch(timing: Mapping[str, float]) -> str:
    trend = timing.get("epoch_trend", 0.0)
    shown = f" ({trend:+.0%} an epoch)" if abs(trend) >= _LEAST_TREND else ""
    return fmt.age(timing["epoch_s"]) + shown


def _validation(timing: Mapping[str, float]) -> str:
    waits = timing.get("validation_wait_share")
    shown = f", {fmt.share(waits)} waiting" if waits is not None else ""
    return fmt.milliseconds(1000 * timing["validation_s"]) + shown


# The figure that has to be known, its name, and what is said of it.
_SHOWN: tuple[tuple[str, str, Callable[[Mapping[str, float]], str]], ...] = (
    ("samples_per_s", "samples", lambda timing: f"{fmt.compact(timing['samples_per_s'])}/s"),
    ("step_ms", "step", lambda timing: fmt.milliseconds(timing["step_ms"])),
    ("wait_share", "waits for data", lambda timing: fmt.share(timing["wait_share"])),
    ("epoch_s", "epoch", _epoch),
    ("validation_s", "validation", _validation),
    ("checkpoint_s", "checkpoint", lambda timing: fmt.milliseconds(1000 * timing["checkpoint_s"])),
    ("rss_bytes", "memory", lambda timing: f"{fmt.gigabytes(timing['rss_bytes'])}G"),
    ("device_memory_bytes", "GPU memory", lambda timing: f"{fmt.gigabytes(timing['device_memory_bytes'])}G"),
)


def timing_lines(frame: Frame, size: int) -> list[Line]:
    """One figure a line, the trial's newest; the step's parts below them."""
    timing = frame.timing
    trial = frame.focused
    lines: list[Line] = [
        (Span(f"{name} ", "dim"), Span(words(timing))) for key, name, words in _SHOWN if key in timing
    ]
    if trial is not None and trial.seconds is not None:
        lines.insert(0, (Span("trained for ", "dim"), Span(fmt.age(trial.seconds))))
    if not lines:
        return [(Span("no figures yet" if frame.live(frame.focus) else "no figures", "dim"),)]
    return lines + step_lines([timing], size)
