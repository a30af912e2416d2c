"""Which files nothing can need any more: checkpoints once a phase has closed, what a teacher has said of the
samples once the run is over."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from staycourse.core.events import CheckpointsDropped
from staycourse.core.state import RunState
from staycourse.record.paths import RunPaths


def droppable(state: RunState) -> list[str]:
    """Ended trials whose checkpoints the rest of the campaign cannot need: all but those that the last
    handoff ranks (a reader may want their weights)."""
    ranked = {trial for ranked in state.handoffs[-1].ranking for trial in ranked.trials}
    return [
        trial.id
        for trial in state.trials.values()
        if trial.end is not None and trial.id not in ranked and trial.id not in state.dropped
    ]


def drop(state: RunState, paths: RunPaths, phase: int) -> CheckpointsDropped | None:
    """The event to record before `delete` is called; None if there is nothing to drop."""
    left = {trial: _left(state, paths, trial) for trial in droppable(state)}
    trials = [trial for trial, files in left.items() if files]
    if not trials:
        return None
    size = sum(path.stat().st_size for trial in trials for path in left[trial])
    return CheckpointsDropped(phase, trials, size)


def delete(state: RunState, trials: Iterable[str], paths: RunPaths) -> None:
    """Delete what a recorded event names."""
    for trial in trials:
        for path in _left(state, paths, trial):
            path.unlink(missing_ok=True)


def _left(state: RunState, paths: RunPaths, trial: str) -> list[Path]:
    """The checkpoints of a trial, and what a script has left under names of its own."""
    end = state.trials[trial].end if trial in state.trials else None
    own = [paths.trial(trial) / name for name in (end.files if end else ())]
    return list(dict.fromkeys([*paths.checkpoint_files(trial), *(path for path in own if path.is_file())]))


def delete_teacher(paths: RunPaths) -> None:
    """Delete what a teacher has said of the samples, which can always be asked again."""
    shutil.rmtree(paths.teacher, ignore_errors=True)
