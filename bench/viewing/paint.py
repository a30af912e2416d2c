"""How soon the app paints, beside the smallest Textual app there is."""

from __future__ import annotations

import statistics
import sys
from pathlib import Path

from tests.support.sample_run import engine_for, write_run

from viewing.place import SMALL, environment, say, view_of
from viewing.terminal import Painted, terminal

_MINIMAL = """
from textual.app import App
from textual.widgets import Static
class Minimal(App):
    def compose(self):
        yield Static("hello world")
Minimal().run()
"""


def paint(folder: Path, rounds: int) -> None:
    """Takes turns, after a round that does not count: it fills the caches and compiles."""
    run = write_run(folder / "digits-1", "running")
    programs = {
        "minimal Textual app": ([sys.executable, "-c", _MINIMAL], ("hello world",)),
        "staycourse": (view_of(run), ("grid", "t38")),
    }
    found: dict[str, list[Painted]] = {name: [] for name in programs}
    with engine_for(run):
        for number in range(rounds + 1):
            for name in sorted(programs, reverse=bool(number % 2)):
                command, words = programs[name]
                with terminal(command, SMALL, environment(folder)) as shown:
                    painted = shown.painted(*words)
                if number:
                    found[name].append(painted)
    say(f"paint: {rounds} rounds, interleaved, at {SMALL[0]}x{SMALL[1]}; medians (ranges) in ms")
    say(f"{'':<22} {'first byte':>20} {'with its data':>20}")
    for name, times in found.items():
        first, words = [p.first for p in times], [p.words for p in times]
        say(f"{name:<22} {_spread(first):>20} {_spread(words):>20}")
    minimal, own = found.values()
    ratios = [
        statistics.median(mine / theirs for mine, theirs in zip(one, other, strict=True))
        for one, other in (
            ([p.first for p in own], [p.first for p in minimal]),
            ([p.words for p in own], [p.words for p in minimal]),
        )
    ]
    say(f"{'ratio':<22} {ratios[0]:>20.2f} {ratios[1]:>20.2f}")


def _spread(seconds: list[float]) -> str:
    low, middle, high = min(seconds), statistics.median(seconds), max(seconds)
    return f"{1000 * middle:.0f} ({1000 * low:.0f} .. {1000 * high:.0f})"
