"""What the app writes to its terminal and computes, at rest and while a run streams, beside htop and btop."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.support.sample_run import write_run

from viewing.place import LARGE, SMALL, environment, say, streaming, verdict, view_of
from viewing.terminal import Load, Size, terminal

BUDGETS = {SMALL: 2000, LARGE: 10_000}  # bytes a second
_SETTLED_S = 3.0
_OTHERS = {"htop": ["htop"], "btop": ["btop", "--utf-force"]}


def traffic(folder: Path, seconds: float) -> None:
    """One program after the other, each watched once it has painted."""
    say(f"traffic: {seconds:.0f} s each, begun {_SETTLED_S:.0f} s after the first picture")
    say(f"{'':<28} {'size':>8} {'kB/s':>8} {'CPU, %':>8}   budget")
    for state in ("finished", "suspended"):
        run = write_run(folder / f"{state}-1", state)
        for size in BUDGETS:
            _row(f"staycourse, {state}", size, _watch(view_of(run), ("grid",), size, folder, seconds), True)
    run = write_run(folder / "streaming-1", "running")
    with streaming(run):
        for size in BUDGETS:
            _row("staycourse, streaming", size, _watch(view_of(run), ("t38",), size, folder, seconds), True)
    for name, command in _OTHERS.items():
        if shutil.which(name) is None:
            say(f"{name:<28} not installed")
            continue
        for size in BUDGETS:
            _row(name, size, _watch(command, (), size, folder, seconds), False)


def _watch(command: list[str], words: tuple[str, ...], size: Size, folder: Path, seconds: float) -> Load:
    with terminal(command, size, environment(folder)) as shown:
        shown.painted(*words)
        shown.watched(_SETTLED_S)
        return shown.watched(seconds)


def _row(name: str, size: Size, load: Load, has_budget: bool) -> None:
    budget = BUDGETS[size]
    said = f"{budget / 1000:g} kB/s  {verdict(load.bytes_per_second, budget)}" if has_budget else ""
    at = f"{size[0]}x{size[1]}"
    say(f"{name:<28} {at:>8} {load.bytes_per_second / 1000:>8.2f} {100 * load.cpu:>8.1f}   {said}".rstrip())
