"""What may end a trial: each rule, how near it is, and when the trial ends at the latest. Pure."""

from __future__ import annotations

import re

from staycourse.client import TrialView
from staycourse_tui import formatting as fmt
from staycourse_tui.frames import Frame
from staycourse_tui.widgets.lines import Line, Span, flow, line, wrap_text

_COUNTED = re.compile(r"(\d+)/(\d+)")
_BAR = 12


def rule_lines(frame: Frame, trial: TrialView, size: int, *, flows: bool = False) -> list[Line]:
    """The rules of a trial; of one that runs, a bar for each that counts, and its latest end. One below the
    other, or beside each other where it `flows`."""
    live = frame.live(trial.id)
    role = "dim" if live else ""
    words = [made for text in trial.rules for made in wrap_text(text, size, role, 0 if flows else 2)]
    counted = [_bar(text) for text in live.nearness] if live else []
    latest = latest_end(frame, trial)
    lines = [*counted, *([line(Span(f"at the latest {latest}"))] if latest else []), *words]
    return flow(lines, size) if flows else lines


def _bar(nearness: str) -> Line:
    """`████░░░░ patience 2/5`."""
    counted = _COUNTED.search(nearness)
    if counted is None:
        return line(Span(nearness))
    done, of = int(counted[1]), max(1, int(counted[2]))
    filled = min(_BAR, _BAR * done // of)
    # Beside "epoch 32/60", the one that goes on, it would read as another count of the same.
    said = f"{done}/{of} epochs done" if nearness.startswith("epoch ") else nearness
    return line(Span("█" * filled, "lock"), Span("░" * (_BAR - filled), "dim"), Span(f" {said}"))


def latest_end(frame: Frame, trial: TrialView) -> str:
    """`in about 12m`: when the last of its epochs is done at the pace of its newest steps; empty where that
    is not known yet."""
    live = frame.live(trial.id)
    if live is None or not trial.steps_per_epoch or "step_ms" not in live.timing:
        return ""
    left = max(0, trial.epochs * trial.steps_per_epoch - trial.step)
    return f"in about {fmt.rough(left * live.timing['step_ms'] / 1000)}"
