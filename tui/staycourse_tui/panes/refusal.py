"""The calm answer to a key with which other tools stop a training."""

from __future__ import annotations

from rich.cells import cell_len

from staycourse_tui.frames import Frame
from staycourse_tui.panes.rules import latest_end


def refusal(frame: Frame, size: int) -> str:
    """What ends the trial in focus, and when at the latest, in one line of `size` cells."""
    snapshot = frame.snapshot
    running = {live.trial: live for live in snapshot.live} if snapshot.is_engine_alive else {}
    live = running.get(frame.focus or "") or next(iter(running.values()), None)
    trial = frame.trial(live.trial) if live else None
    if live is None or trial is None:
        return _longest(
            ["no trial is running; declared rules alone end trials", "only declared rules end trials"], size
        )
    sooner = ", ".join(text for text in live.nearness if not text.startswith("epoch "))
    when = latest_end(frame, trial)
    latest = f"epoch {trial.epochs}{f' ({when})' if when else ''} at the latest"
    near = f"{sooner}, or {latest}" if sooner else latest
    return _longest(
        [
            *([f"{trial.id} ends by its rules alone: {'; '.join(trial.rules)}. Now {near}."] * bool(sooner)),
            f"{trial.id} ends by its rules alone: {near}",
            f"only its rules end {trial.id}: {near}",
            f"only rules end {trial.id}: {sooner or 'none sooner'}; epoch {trial.epochs} at the latest",
            f"only its rules end {trial.id}",
        ],
        size,
    )


def _longest(forms: list[str], size: int) -> str:
    return next((form for form in forms if cell_len(form) <= size), forms[-1])
