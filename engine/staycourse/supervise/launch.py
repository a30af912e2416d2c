"""From a checked roadmap to a running engine, and back to one after a stop."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import staycourse
from staycourse.core.events import RunAbandoned, RunSealed
from staycourse.core.problems import UserError
from staycourse.core.state import RunState, RunStatus
from staycourse.hardware.gpus import open_nvml
from staycourse.record.damage import DamagedRun
from staycourse.record.files import file_sha256, sync_tree, write_atomically
from staycourse.record.index import enlist, runs_in
from staycourse.record.lock import RunLock, holder_of, is_held, refuse_without_locks
from staycourse.record.paths import RunPaths, next_run_folder
from staycourse.record.store import Store
from staycourse.supervise import checkpoints
from staycourse.supervise.options import Options
from staycourse.supervise.sealing import Sealing, sealed_parts
from staycourse.supervise.slots import make_slots
from staycourse.supervise.starting import never, start_engine, unwritable
from staycourse.task.checking import Checked


def prepare(checked: Checked, runs: Path, options: Options, *, is_rehearsal: bool = False) -> RunPaths:
    """Seal a checked roadmap: the run folder with its copies and the ledger's first event.

    Raises UserError if the folder cannot be written, its file system has no locks that hold, or the options
    cannot be followed.
    """
    nvml = open_nvml()
    make_slots(options, checked.roadmap.limits.slots, nvml, os.environ)
    sealing = sealed_parts(checked, options, nvml)
    try:
        ancestor = _ancestor(runs, checked.roadmap.name)
        runs.mkdir(parents=True, exist_ok=True)
        refuse_without_locks(runs)
        paths = RunPaths(next_run_folder(runs, checked.roadmap.name))
        _fill(paths, checked)
        facts = _kept_apart(checked.facts, paths)
        sync_tree(paths.root)  # before the seal is: what it is taken over has to outlive a power cut as well
        store = Store(paths)
        store.append(_seal_event(checked, facts, sealing, ancestor, is_rehearsal))
        store.close(final=False)
    except (OSError, sqlite3.OperationalError) as error:
        why = getattr(error, "strerror", None) or error
        raise UserError(f"{runs}: the run folder cannot be written ({why})") from None
    if not is_rehearsal:
        enlist(paths.root)
    return paths


def resume(
    paths: RunPaths,
    options: Options,
    is_terminated: Callable[[], bool] = never,
    *,
    is_rehearsal: bool = False,
) -> None:
    """Go on with a run that has no supervisor. Raises UserError if it is over or has one."""
    state = read_state(paths)
    if state.status is RunStatus.ABANDONED:
        raise UserError(f"{paths.name} was abandoned ({state.reason}); it cannot be resumed")
    start_engine(paths, options, is_terminated, is_rehearsal=is_rehearsal)


def abandon(paths: RunPaths, reason: str) -> None:
    """Give up a whole campaign as its last event. Raises UserError if it has a supervisor or is over."""
    # Before the lock is taken: a look at the lock's file from this process would let go of it. What is
    # over is not opened for writing again.
    _refuse_if_over(paths, read_state(paths))
    lock = RunLock(paths.lock)
    try:
        lock.acquire()
    except OSError as error:
        raise unwritable(paths, error) from None
    try:
        store = Store(paths)
        _refuse_if_over(paths, store.state)
        store.append(RunAbandoned(reason))
        checkpoints.delete_teacher(paths)
        store.close(final=True)
    finally:
        lock.release()


def _refuse_if_over(paths: RunPaths, state: RunState) -> None:
    if state.status.is_over:
        raise UserError(f"{paths.name} is {state.status} already")


def read_state(paths: RunPaths) -> RunState:
    """The run's state, read without writing."""
    from staycourse.client import RunClient

    client = RunClient(paths.root)
    client.poll()
    return client.state


class OutOfReach(Exception):
    """A supervisor that this process cannot send a signal to."""


def request_stop(paths: RunPaths) -> bool:
    """Pass a SIGTERM on to the supervisor; False if there is none, or one that has only just taken the lock.
    Raises OutOfReach for another user's, or one on another host.

    It is known by the lock: the ledger may still name that of the session before, whose process id may be
    somebody else's by now.
    """
    holder = holder_of(paths.lock) if is_held(paths.lock) else None
    if holder is None:
        return False
    if not holder.is_here:
        raise OutOfReach(str(holder))
    try:
        os.kill(holder.pid, signal.SIGTERM)
    except ProcessLookupError:
        return False
    except PermissionError:
        raise OutOfReach(str(holder)) from None
    return True


def _fill(paths: RunPaths, checked: Checked) -> None:
    shutil.copytree(checked.code, paths.code, dirs_exist_ok=True, symlinks=True)
    for folder in (paths.trials, paths.final):
        folder.mkdir()
    paths.roadmap.write_text(checked.text, encoding="utf-8")


def _kept_apart(facts: Mapping[str, Any], paths: RunPaths) -> dict[str, Any]:
    """The facts with the lists of files, which may be long, each in a file that they name by its SHA-256."""
    kept = dict(facts)
    if files := facts.get("data_files"):
        told = {"kind": files["kind"], "count": len(files["files"]), "left_out": files["left_out"]}
        kept["data_files"] = told | _written(paths.data_files, files)
    if outside := facts.get("outside"):
        told = {name: value for name, value in outside.items() if name != "manifest"}
        kept["outside"] = told | _written(paths.outside, outside["manifest"])
    return kept


def _written(path: Path, body: Mapping[str, Any]) -> dict[str, str]:
    write_atomically(path, json.dumps(body), durable=True)
    return {"sha256": file_sha256(path)}


def _seal_event(
    checked: Checked,
    facts: Mapping[str, Any],
    sealing: Sealing,
    ancestor: Mapping[str, Any] | None,
    is_rehearsal: bool,
) -> RunSealed:
    return RunSealed(
        seal=sealing.seal,
        parts=sealing.parts,
        roadmap=str(checked.path),
        folder=str(checked.path.parent),
        code=sealing.code,
        facts=facts,
        environment=sealing.environment,
        command=shlex.join(["staycourse", "run", str(checked.path)]),
        version=staycourse.__version__,
        rehearsal=is_rehearsal,
        ancestor=ancestor,
        lineage=checked.lineage.to_json() if checked.lineage else None,
    )


def _ancestor(runs: Path, name: str) -> dict[str, Any] | None:
    """The newest abandoned run of that roadmap's name, which the new one has to own up to."""
    for run in runs_in(runs):
        paths = RunPaths(run)
        if run.name.rpartition("-")[0] != name:
            continue
        try:
            state = read_state(paths)
        except DamagedRun as error:
            return {"run": run.name, "reason": str(error), "head": ""}  # it may be one, or may not
        if state.status is RunStatus.ABANDONED:
            head = paths.head.read_text().split() if paths.head.exists() else ["", ""]
            return {"run": run.name, "reason": state.reason, "head": head[1]}
        return None
    return None
