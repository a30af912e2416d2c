"""Imitates an engine whose trial trains, for bench/view.py: `python bench/viewing/streaming.py RUN`.

Writes what a supervisor writes in half a second, every half second. With `--simulate HOURS` it does so for
each line on its standard input and answers with a line, without any pause, and the times that it writes
begin so many hours ago. Its trials end and others follow.
"""

from __future__ import annotations

import argparse
import contextlib
import math
import sqlite3
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from staycourse.core import events as ev
from staycourse.core.state import TrialState
from staycourse.record import clock
from staycourse.record.lock import RunLock
from staycourse.record.paths import RunPaths
from staycourse.record.store import Store

TICK_S = 0.5
_ROWS = 20  # of train_loss_step, an epoch
_STEPS = 100  # an epoch, where nothing is known


class Engine:
    """Writes a run on. An epoch takes `epoch_s` seconds of its time."""

    def __init__(self, folder: Path, epoch_s: float) -> None:
        self._store = Store(RunPaths(folder))
        self._per_epoch = max(1, round(epoch_s / TICK_S))
        self._trial: TrialState = next(t for t in self._store.state.trials.values() if t.end is None)
        self._number = len(self._store.state.trials)
        self._curve: list[tuple[int, float]] = []
        self._ticks = 0
        epoch, self._steps = _standing(folder, self._trial.id)
        self._rows = min(_ROWS, self._steps)
        self._begin(epoch)

    def tick(self) -> None:
        """What comes in half a second."""
        self._ticks += 1
        self._in_epoch += 1
        done = self._in_epoch / self._per_epoch
        step = round(self._steps * (self._epoch + done))
        trial = self._trial.id
        if int(self._rows * done) > self._told:
            self._told = int(self._rows * done)
            self._store.add_metrics(trial, [("train_loss_step", step, self._epoch + 1, self._loss(done))])
        if self._ticks % 2 == 0:
            self._every_second(trial, step)
        self._store.add_progress(trial, step=step, epoch=self._epoch, steps_per_epoch=self._steps)
        if self._in_epoch == self._per_epoch:
            self._end_epoch(trial, step)
        self._store.flush()
        if self._ticks % round(600 / TICK_S) == 0:
            self._store.thin_hardware()

    def _begin(self, epoch: int) -> None:
        self._epoch, self._in_epoch, self._told = epoch, 0, 0
        self._curve = [(number, self._loss(0, number)) for number in range(1, epoch + 1)]

    def _every_second(self, trial: str, step: int) -> None:
        wave = math.sin(self._ticks / 20)
        timing = {
            "samples_per_s": 2914 + 30 * wave, "step_ms": 50 + wave, "wait_ms": 1.5, "wait_share": 0.03,
            "rss_bytes": 6e8,
        }  # fmt: skip
        self._store.add_timing(
            trial, [(name, step, self._epoch + 1, value) for name, value in timing.items()]
        )
        cpu = {
            "util_percent": 71 + 20 * wave, "memory_used_bytes": 12 * 2**30, "memory_total_bytes": 64 * 2**30,
            "run_cpu_percent": 101.0, "run_rss_bytes": 0.6 * 2**30, "load_1m": 1.4,
        }  # fmt: skip
        self._store.add_hardware([("cpu", name, value) for name, value in cpu.items()])

    def _end_epoch(self, trial: str, step: int) -> None:
        self._epoch, self._in_epoch, self._told = self._epoch + 1, 0, 0
        value = self._loss(0)
        self._curve.append((self._epoch, value))
        rows = [("train_loss", step, self._epoch, 0.9 * value), ("val_loss", step, self._epoch, value)]
        self._store.add_metrics(trial, rows)
        if self._epoch >= self._trial.plan.epochs:
            self._end_trial(step)

    def _end_trial(self, step: int) -> None:
        epoch, best = min(self._curve, key=lambda point: point[1])
        detail, seconds = f"all {self._epoch} epochs done", self._epoch * self._per_epoch * TICK_S
        self._number += 1
        plan = self._trial.plan
        setup = {**plan.setup, "lr": float(plan.setup["lr"]) * 1.01}
        trial = f"t{self._number}"
        self._store.append(
            ev.TrialEnded(
                self._trial.id, "completed", "epochs", detail, self._epoch, step, self._curve, seconds, epoch,
                best, self._store.prove_metrics(self._trial.id),
            ),
            replace(plan, trial=trial, key=f"{plan.key}-{trial}", setup=setup),
            ev.TrialStarted(trial, 1, "cpu0", 4712, 1.0),
        )  # fmt: skip
        self._trial = self._store.state.trials[trial]
        self._begin(0)

    def _loss(self, done: float, epoch: int | None = None) -> float:
        at = (self._epoch if epoch is None else epoch) + done
        return 0.2 + 2 * math.exp(-at / 9) * (1 + 0.02 * math.sin(7 * at))


def _standing(folder: Path, trial: str) -> tuple[int, int]:
    """(finished epochs, steps of an epoch) of a trial."""
    with contextlib.closing(sqlite3.connect(RunPaths(folder).database)) as db:
        sql = "SELECT coalesce(max(epoch), 0) FROM metric WHERE trial = ? AND name = 'train_loss'"
        (epoch,) = db.execute(sql, (trial,)).fetchone()
        (steps,) = db.execute("SELECT steps_per_epoch FROM trial WHERE id = ?", (trial,)).fetchone()
    return epoch, steps or _STEPS


def simulated_clock(hours: float) -> Any:
    """Begins so many hours ago; every look takes a tick's time on, once a call of `tick`."""
    begin, ticks = datetime.now(UTC) - timedelta(hours=hours), 0

    def advance() -> None:
        nonlocal ticks
        ticks += 1
        moment = clock.to_text(begin + timedelta(seconds=ticks * TICK_S))
        clock.now = lambda: moment

    advance()
    return advance


def _moments(simulated_hours: float | None) -> Iterator[None]:
    """One for each tick to be made."""
    if simulated_hours is None:
        due = time.monotonic()
        while True:
            due += TICK_S
            time.sleep(max(0.0, due - time.monotonic()))
            yield
    advance = simulated_clock(simulated_hours)
    for _ in sys.stdin:
        advance()
        yield
        sys.stdout.write("\n")
        sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--epoch-seconds", type=float, default=5.0)
    parser.add_argument("--simulate", type=float, metavar="HOURS")
    args = parser.parse_args()
    lock = RunLock(RunPaths(args.run).lock)
    lock.acquire()
    engine = Engine(args.run, args.epoch_seconds)
    sys.stdout.write("writing\n")
    sys.stdout.flush()
    for _ in _moments(args.simulate):
        engine.tick()


if __name__ == "__main__":
    main()
