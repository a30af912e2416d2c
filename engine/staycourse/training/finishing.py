"""What is left of a trial that has ended: its files, and its last word."""

from __future__ import annotations

from functools import partial
from typing import Any

from staycourse.core.metric_names import resolve
from staycourse.training.checkpoint import BEST, LAST, Checkpoints
from staycourse.training.export import export
from staycourse.training.full_disk import FullDisk
from staycourse.training.state import State
from staycourse.training.trial import Trial


def finish(
    trial: Trial, state: State, checkpoints: Checkpoints, last: dict[str, Any], disk: FullDisk
) -> dict[str, Any]:
    """Tidy up, take the weights away if they are the campaign's; returns the body of the `ended` message.

    `last` are hash and size of `last.pt`. Raises Stopped if the order to stop comes while the disk is full.
    """
    job, ended = trial.job, state.ended
    assert ended is not None
    checkpoints.drop_older_best()
    files = {LAST: last}
    if (best := checkpoints.best_facts()) is not None:
        files[BEST] = best
    if job.final is not None and ended.outcome == "completed":
        take_away = partial(export, job, trial.stepper.kept, state.epoch, state.step)
        files |= disk.waiting_out(take_away, state.step)
    name = resolve(job.metric, state.curves)
    return {
        **vars(ended),
        "best": None if state.best is None else {"epoch": state.best[0], "value": state.best[1]},
        "curve": [list(point) for point in state.curves[name]] if name is not None else [],
        "seconds": state.seconds,
        "files": files,
    }
