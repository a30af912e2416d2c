"""Checkpoints and weights against the hashes in the ledger."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from staycourse.core import events as ev
from staycourse.core.state import RunState
from staycourse.record.files import file_sha256
from staycourse.record.paths import RunPaths
from staycourse.record.verification.fault import Fault


def check_files(
    paths: RunPaths, state: RunState, ends: Mapping[str, ev.TrialEnded], dropped_since: Callable[[], set[str]]
) -> int:
    """How many files were hashed. `dropped_since` reads the ledger again: a run that is going on may drop a
    checkpoint between one look and the next."""
    dropped = set(state.dropped)
    checked = 0
    for trial, end in ends.items():
        for name, facts in end.files.items():
            path = _place(paths, trial, name)
            if trial in dropped and path.parent != paths.final:
                continue
            try:
                _check_file(paths, path, str(facts["sha256"]), f"trial {trial}'s last event")
            except Fault:
                dropped |= dropped_since()
                if trial not in dropped:
                    raise
                continue
            checked += 1
    for name, value in state.files.items():
        _check_file(paths, paths.final / name, str(value), "the last event")
    return checked + len(state.files) + _check_unfinished(paths, state, dropped_since)


def _place(paths: RunPaths, trial: str, name: str) -> Path:
    """A script may have left a file of the name that the weights have; else they lie in `final/`."""
    own = paths.trial(trial) / name
    return paths.weights if name == paths.weights.name and not own.exists() else own


def _check_file(paths: RunPaths, path: Path, sha256: str, by: str) -> None:
    where = path.relative_to(paths.root)
    found = _hash_or_none(path)
    if found is None:
        raise Fault(f"{where} is missing")
    if found != sha256:
        raise Fault(f"{where} is not the file that {by} names")


def _check_unfinished(paths: RunPaths, state: RunState, dropped_since: Callable[[], set[str]]) -> int:
    """The checkpoints of trials that have not ended, by the hashes that were written before they got their
    name. The list grows while one looks, so it is read after the file was hashed; and by then the trial may
    have ended, and all of it been dropped."""
    checked = 0
    for trial in state.trials.values():
        for path in paths.checkpoint_files(trial.id) if trial.end is None else []:
            if path.suffix != ".pt" or (found := _hash_or_none(path)) is None:
                continue
            if found not in _known(paths, trial.id) and trial.id not in dropped_since():
                raise Fault(f"{path.relative_to(paths.root)} is damaged or was replaced")
            checked += 1
    return checked


def _hash_or_none(path: Path) -> str | None:
    """None if it is gone: the next generation has just taken its place, say."""
    try:
        return file_sha256(path) if path.is_file() else None
    except FileNotFoundError:
        return None


def _known(paths: RunPaths, trial: str) -> list[Any]:
    try:
        found: list[Any] = json.loads(paths.checkpoint_hashes(trial).read_text())["sha256"]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return found
