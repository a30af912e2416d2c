"""Stands where a supervisor stands: holds a run's lock and, with --training, goes on writing its trial."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from staycourse.record.lock import RunLock
from staycourse.record.paths import RunPaths
from staycourse.record.store import Store


def main(folder: str, *options: str) -> None:
    paths = RunPaths(Path(folder))
    lock = RunLock(paths.lock)
    lock.acquire()
    sys.stdout.write("holding\n")
    sys.stdout.flush()
    if "--training" in options:
        _train(paths)
    sys.stdin.read()
    lock.release()


def _train(paths: RunPaths) -> None:
    store = Store(paths)
    trial = [t for t in store.state.trials.values() if t.end is None][-1].id
    epoch = 31
    while epoch < 60:
        epoch += 1
        step = 24 * epoch
        value = 0.2 - 0.002 * (epoch - 31)
        rows = [("val_loss", step, epoch, value), ("train_loss", step, epoch, 0.9 * value)]
        rows += [("train_loss_step", step - back, epoch, 0.9 * value) for back in range(1, 24, 4)]
        store.add_metrics(trial, rows)
        store.add_timing(trial, [("samples_per_s", step, epoch, 2900.0 + epoch)])
        store.add_progress(trial, step=step, epoch=epoch, steps_per_epoch=24)
        store.add_hardware([("cpu", "util_percent", 50.0 + epoch % 7)])
        store.flush()
        time.sleep(0.5)


if __name__ == "__main__":
    main(*sys.argv[1:])
