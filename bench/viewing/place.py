"""Where the parts of bench/view.py find the app, and how they say what they found."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from viewing.terminal import Size

ROOT = Path(__file__).resolve().parents[2]
SMALL: Size = (80, 24)
LARGE: Size = (160, 48)


def environment(folder: Path) -> dict[str, str]:
    """A terminal as most are, settings of nobody, and byte code kept as an installed program keeps it."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {
        **kept,
        "HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder / "config"),
        "XDG_STATE_HOME": str(folder / "state"),
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "LANG": "C.UTF-8",
        "PYTHONPATH": os.pathsep.join(str(ROOT / part) for part in ("engine", "tui", "bench", ".")),
    }


def view_of(run: Path) -> list[str]:
    """The command that opens the view of a run."""
    return [sys.executable, "-m", "staycourse_tui", str(run)]


@contextmanager
def streaming(run: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """An engine that writes the run on (viewing/streaming.py)."""
    command = [sys.executable, "-m", "viewing.streaming", str(run), *options]
    process = subprocess.Popen(
        command, env=environment(run.parent), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        if process.stdout.readline().strip() != "writing":
            raise SystemExit("the imitated engine did not start")
        yield process
    finally:
        process.kill()
        process.communicate()


def say(text: str = "") -> None:
    """A line of the table, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def verdict(value: float, budget: float) -> str:
    """Whether a figure keeps within its budget."""
    return "ok" if value <= budget else "MISSED"
