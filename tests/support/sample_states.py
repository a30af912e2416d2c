"""Runs in the states that the screens are looked at in, all of one moment."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.support.clocks import MOMENT, standing_clock
from tests.support.sample_run import ROADMAP, engine_for, write_run

from staycourse.core.roadmap import parse
from staycourse.record.paths import RunPaths
from staycourse_tui import session
from staycourse_tui.offer import Offer
from staycourse_tui.screens import check, home

ZONE = "CET-1"  # an hour east of Greenwich, in the form that needs no table of zones
NAME = "digits-1"
REPORT = (Path(__file__).parent / "sample_report.md").read_text(encoding="utf-8")
SEAL = "3f9a61c2" + "0" * 56

# What stands for a state: how it is written, and whether an engine has its lock.
_WRITTEN = {
    "planned": ("sealed", False),
    "empty": ("empty", True),
    "running": ("running", True),
    "silent": ("running", True),
    "unreadable": ("running", True),
    "failed": ("failed", False),
    "suspended": ("suspended", False),
    "done": ("finished", False),
}
_WEEK = (("sealed", 6), ("suspended", 5), ("finished", 2), ("failed", 1), ("running", 0))
STATES = tuple(_WRITTEN)
# What an engine may have seen to hold its running trial up.
SLOWDOWNS = (
    (
        "growing",
        "epochs grow: 41 s, 44 s, 48 s … 62 s, and memory with them (2.10 to 3.40 GiB): losses kept with "
        "their graphs?",
    ),
    ("starved", "starved: 63% of a step waits for data; 2 workers, 6 would do"),
)
SILENCE = 41.0  # seconds after the moment of writing, a second after the last sign of life


@contextlib.contextmanager
def run_in(state: str, folder: Path, **options: Any) -> Iterator[Path]:
    """A run in that state below `folder`, its engine alive where it has one; `options` as of a Campaign."""
    written, has_engine = _WRITTEN[state]
    gpus = 2 if state in ("running", "silent", "unreadable", "suspended") else 0
    with standing_clock():
        run = write_run(folder / NAME, written, gpus=gpus, **options)
    _print(run, "t38" if written in ("running", "suspended") else "t49")
    if written == "finished":
        RunPaths(run).report.write_text(REPORT, encoding="utf-8")
    with engine_for(run) if has_engine else contextlib.nullcontext():
        yield run


@contextlib.contextmanager
def runs_in(folder: Path) -> Iterator[None]:
    """Runs of the last week in that folder, the newest one with its engine alive."""
    for number, (state, days) in enumerate(_WEEK, 1):
        with standing_clock(MOMENT - timedelta(days=days)):
            write_run(folder / f"digits-{number}", state, gpus=1)
    with engine_for(folder / f"digits-{len(_WEEK)}"):
        yield


def _print(run: Path, trial: str) -> None:
    """What a trial of a task with a progress bar has printed."""
    log = RunPaths(run).trial_log(trial)
    log.parent.mkdir(parents=True)
    lines = ["digits: 1,797 images of 8 x 8", "model: 10,826 parameters"]
    rates = [1.6e-2 * 0.98**epoch for epoch in range(31)]
    lines += [f"epoch {epoch}: 24 batches, learning rate {rate:.3g}" for epoch, rate in enumerate(rates, 1)]
    log.write_text("\n".join(lines), encoding="utf-8")


def offer(seal: object = None, rehearse: object = None) -> Offer:
    """The sample campaign, offered to be sealed."""
    facts = {
        "samples": 1797,
        "split": {"train": 1437, "validation": 360},
        "parameters": 10826,
        "fingerprint": "f" * 64,
    }
    notes = ("hyperparameter 'momentum' is read under optimizer sgd only",)
    return Offer(parse(ROADMAP), "roadmaps/digits.toml", notes, facts, seal, rehearse, SEAL)  # type: ignore[arg-type]


@contextlib.contextmanager
def still(place: Path) -> Iterator[SimpleNamespace]:
    """Have the screens of this process depend on nothing outside: one time zone, a terminal of all colours
    without a user's settings, folders told from `place` on, and a clock whose seconds are moved by hand
    (`now`). What is read of runs has a clock of its own, see standing_clock."""
    clock = SimpleNamespace(now=1000.0, monotonic=lambda: clock.now)
    with pytest.MonkeyPatch.context() as patch:
        environment = {"TZ": ZONE, "TERM": "xterm-256color", "COLORTERM": "truecolor", "HOME": str(place)}
        for name, value in environment.items():
            patch.setenv(name, value)
        for name in ("NO_COLOR", "COLORFGBG"):
            patch.delenv(name, raising=False)
        for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME"):
            patch.setenv(name, str(place / name.lower()))
        time.tzset()
        for module in (session, check):
            patch.setattr(module, "time", clock)
        patch.setattr(home, "datetime", SimpleNamespace(now=lambda zone: MOMENT))
        yield clock
    time.tzset()
