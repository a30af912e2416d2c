"""A day of a run that streams, looked at twice a second, in a few minutes: does the view grow?"""

from __future__ import annotations

import time
from pathlib import Path

from staycourse_tui.frames import Request
from staycourse_tui.pictures.run import ViewState, draw
from staycourse_tui.poller import Poller
from viewing.large_run import write_large_run
from viewing.place import LARGE, say, streaming
from viewing.streaming import TICK_S

GROWTH_MB = 4.0  # an interpreter's own ups and downs
_DRAWN_EVERY = 20  # polls
_TRIALS, _EPOCHS, _EPOCH_S = 200, 60, 60.0


def day(folder: Path, hours: float) -> None:
    """Each simulated half second is written by another process and then read here, as the app reads it."""
    rows = _TRIALS * _EPOCHS * 20
    run = write_large_run(folder / "day-1", _TRIALS, rows, running=_TRIALS // 2)
    poller, began = Poller(run, lambda message: None), time.perf_counter()
    poller.ask(Request(has_pace=True))
    sampled: list[float] = []
    with streaming(run, "--simulate", str(hours), "--epoch-seconds", str(_EPOCH_S)) as engine:
        assert engine.stdin is not None
        assert engine.stdout is not None
        ticks = round(3600 * hours / TICK_S)
        for tick in range(1, ticks + 1):
            engine.stdin.write("\n")
            engine.stdin.flush()
            engine.stdout.readline()
            frame = poller.read()
            if tick % _DRAWN_EVERY == 0:
                draw(frame, ViewState(), LARGE)
            if tick % (ticks // 24) == 0:
                sampled.append(_resident_mb())
    took = time.perf_counter() - began
    ended = sum(view.status == "ended" for view in frame.snapshot.trials) - _TRIALS // 2 + 1
    say(f"day: {hours:g} simulated hours in {took:.0f} s, {ticks:,} polls, {ended} trials ended meanwhile")
    say("memory, MB, at each twenty-fourth: " + " ".join(f"{value:.1f}" for value in sampled))
    growth = sampled[-1] - sampled[len(sampled) // 4]
    said = "ok" if growth <= GROWTH_MB else "MISSED"
    say(f"growth after the first quarter: {growth:.1f} MB   budget {GROWTH_MB:g}  {said}")


def _resident_mb() -> float:
    with open("/proc/self/statm", encoding="utf-8") as file:
        return int(file.read().split()[1]) * 4096 / 1e6
