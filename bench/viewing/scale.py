"""Attaching to a very large run, and following it."""

from __future__ import annotations

import statistics
import time
from pathlib import Path

from tests.support.sample_run import engine_for

from staycourse.client import RunClient
from viewing.large_run import write_large_run
from viewing.place import LARGE, environment, say, streaming, verdict, view_of
from viewing.terminal import terminal

ATTACH_BUDGET_S, MEMORY_BUDGET = 1.0, 200e6
POLL_AIM_S = 0.02
_POLLS = 60


def scale(folder: Path, trials: int, rows: int, rounds: int, seconds: float) -> None:
    """Process start to a main screen with data, several times; then a while in motion."""
    began = time.perf_counter()
    run = write_large_run(folder / "large-1", trials, rows)
    took, size = time.perf_counter() - began, (run / "run.db").stat().st_size
    say(
        f"scale: {trials:,} trials, {rows:,} metric rows, {LARGE[0]}x{LARGE[1]}; "
        f"run.db of {size / 1e6:,.0f} MB, made in {took:.0f} s"
    )
    words = ("grid", f"t{trials}")
    with engine_for(run):
        attached, memory = _attach(run, words, folder, rounds)
    _row("attach: start to data, s", statistics.median(attached), ATTACH_BUDGET_S, _range(attached))
    _row("memory at most, MB", max(memory) / 1e6, MEMORY_BUDGET / 1e6)
    with streaming(run):
        polls = _polls(run)
        _row("a later poll, ms", 1000 * statistics.median(polls), 1000 * POLL_AIM_S, _range(polls, 1000))
        with terminal(view_of(run), LARGE, environment(folder)) as shown:
            shown.painted(*words)
            shown.watched(3.0)
            load = shown.watched(seconds)
    say(f"{'CPU while it streams, %':<28} {100 * load.cpu:>8.1f}")
    say(f"{'traffic meanwhile, kB/s':<28} {load.bytes_per_second / 1000:>8.2f}")


def _attach(run: Path, words: tuple[str, ...], folder: Path, rounds: int) -> tuple[list[float], list[int]]:
    """Seconds of each round and its largest resident size, after one that fills the caches."""
    attached, memory = [], []
    for _ in range(rounds + 1):
        with terminal(view_of(run), LARGE, environment(folder)) as shown:
            attached.append(shown.painted(*words).words)
            shown.watched(3.0)
            memory.append(shown.memory()[1])
    return attached[1:], memory[1:]


def _polls(run: Path) -> list[float]:
    """Seconds that each poll of a client takes, the first left out, while the running trial trains."""
    client = RunClient(run)
    client.poll()
    took = []
    for _ in range(_POLLS):
        time.sleep(0.1)
        began = time.perf_counter()
        client.poll()
        took.append(time.perf_counter() - began)
    return took


def _range(values: list[float], factor: float = 1.0) -> str:
    return f"({factor * min(values):.3g} .. {factor * max(values):.3g})"


def _row(name: str, value: float, budget: float, more: str = "") -> None:
    say(f"{name:<28} {value:>8.3g}   {more:<18} budget {budget:g}  {verdict(value, budget)}")
