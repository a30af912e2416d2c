"""The whole campaign in miniature, through the real engine, killed and resumed: bugs before the seal."""

from __future__ import annotations

import contextlib
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from staycourse.client import RunClient, Snapshot
from staycourse.core.state import RunState, RunStatus
from staycourse.record.lock import holder_of, is_held
from staycourse.record.paths import RunPaths
from staycourse.supervise.launch import prepare, resume
from staycourse.supervise.linux import kill_tree, started_at
from staycourse.supervise.options import Options
from staycourse.supervise.starting import start_engine
from staycourse.task.checking import Checked

_POLL = 0.1
_REPORT_WITHIN = 60.0
Say = Callable[[str], None]


@dataclass(frozen=True)
class Rehearsal:
    """What a rehearsal found; `problems` is empty if nothing stands against the seal."""

    problems: tuple[str, ...]

    @property
    def is_good(self) -> bool:
        return not self.problems


def rehearse(checked: Checked, options: Options, say: Say) -> Rehearsal:
    """Two set-ups a phase, two epochs of two batches; `say` gets a line an event, and the verdict.

    The first trial of each phase is killed in its second epoch and goes on from its checkpoint; the engine
    is killed once and resumed.
    """
    with tempfile.TemporaryDirectory(prefix="staycourse-rehearsal-") as folder:
        paths = prepare(checked, Path(folder), options, is_rehearsal=True)
        try:
            start_engine(paths, options, is_rehearsal=True)
            problems = _follow(paths, options, say)
        finally:
            _kill_engine(paths)
    for problem in problems:
        say(f"PROBLEM: {problem}")
    say(
        "the rehearsal found nothing against the seal"
        if not problems
        else f"the rehearsal found {len(problems)} problem{'s' if len(problems) > 1 else ''}"
    )
    return Rehearsal(tuple(problems))


def _follow(paths: RunPaths, options: Options, say: Say) -> list[str]:
    client, said, is_killed = RunClient(paths.root), 0, False
    for snapshot in _snapshots(client):
        for line in snapshot.log:
            if line.seq > said:
                said = line.seq
                say(line.text)
        if not is_killed and client.state.handoffs and not snapshot.status.is_over:
            is_killed = True
            say("the engine is killed and resumed")
            _kill_engine(paths)
            resume(paths, options, is_rehearsal=True)
        elif not snapshot.is_engine_alive:
            return _problems(client.state, paths)
    raise AssertionError("snapshots come until the engine is gone")


def _snapshots(client: RunClient) -> Iterator[Snapshot]:
    while True:
        with contextlib.suppress(sqlite3.OperationalError):  # the database is changing its mode
            yield client.poll()
        time.sleep(_POLL)


def _problems(state: RunState, paths: RunPaths) -> list[str]:
    """What went wrong, in the order in which its user would have met it."""
    problems: list[str] = []
    for trial in state.trials.values():
        end = trial.end
        errors = [error for failure, error, _ in trial.errors if failure == "error"]
        if end is not None and end.rule == "failure":
            problems.append(f"{trial.id}: {end.outcome}: {end.detail}")
        elif errors:
            problems.append(f"{trial.id}: {errors[0]}")
        if end is not None and end.differing:
            problems.append(
                f"{trial.id}: after a kill, {end.differing} of {end.replayed} metric rows came out "
                "differently: the task keeps something outside its model and optimizer"
            )
    if state.status is not RunStatus.FINISHED:
        problems.append(f"the run ended as {state.status}: {state.reason}")
    elif not _report_is_there(paths):
        problems.append(f"the report could not be written: {_last_line(paths)}")
    return list(dict.fromkeys(problems))


def _report_is_there(paths: RunPaths) -> bool:
    deadline = time.monotonic() + _REPORT_WITHIN
    while not paths.report.is_file():
        if time.monotonic() > deadline or "the report could not be written" in paths.log.read_text():
            return False
        time.sleep(_POLL)
    return True


def _last_line(paths: RunPaths) -> str:
    lines = paths.log.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "see the engine's log"


def _kill_engine(paths: RunPaths) -> None:
    """SIGKILL the supervisor, if there is one, and wait until it and its family are gone."""
    if holder := holder_of(paths.lock):
        kill_tree(holder.pid, started_at(holder.pid))
    while is_held(paths.lock):
        time.sleep(_POLL)
