"""A supervisor's start, until it has taken the run up or has left."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import IO

from staycourse.core.problems import UserError
from staycourse.hardware.gpus import lasting_devices
from staycourse.record.index import enlist
from staycourse.record.lock import is_held, refuse_if_held
from staycourse.record.paths import RunPaths
from staycourse.supervise.options import Options

SUSPENDED = 75
_START_WITHIN, _WAITS_AFTER = 60.0, 10.0


def never() -> bool:
    """No SIGTERM is heard."""
    return False


def start_engine(
    paths: RunPaths,
    options: Options,
    is_terminated: Callable[[], bool] = never,
    *,
    is_rehearsal: bool = False,
) -> None:
    """Start a supervisor in a session of its own and wait until it has taken the run up.

    A rehearsal is not put on the user's list, and its engine does not outlive a wait that is broken off.
    `is_terminated` says whether SIGTERM has come, which is passed on. Raises UserError, with the engine's own
    words, if it does not take the run up.
    """
    refuse_if_held(paths.lock)
    if is_terminated():
        raise EngineLeft(f"{paths.name}: no engine was started (SIGTERM); {_goes_on(paths)}", SUSPENDED)
    if not is_rehearsal:
        enlist(paths.root)  # as it lies now: it may have been moved since it was sealed
    command = [sys.executable, "-P", "-m", "staycourse.supervise", str(paths.root)]
    command += ["--options", json.dumps(_lasting(options).to_json())]
    begin, head = paths.log.stat().st_size if paths.log.exists() else 0, _head(paths)
    with _log(paths) as log:
        process = subprocess.Popen(
            command, cwd=paths.root, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    try:
        _await_engine(paths, process, begin, head, is_terminated)
    except BaseException:
        if is_rehearsal:
            process.kill()
            process.wait()
        raise


def _lasting(options: Options) -> Options:
    """The options as they hold in another environment, at boot say."""
    return replace(options, devices=lasting_devices(os.environ, options.devices))


def _log(paths: RunPaths) -> IO[bytes]:
    try:
        return paths.log.open("ab")
    except OSError as error:
        raise unwritable(paths, error) from None


def unwritable(paths: RunPaths, error: OSError) -> UserError:
    """The refusal of a run folder that cannot be written."""
    why = error.strerror or str(error)
    return UserError(f"{paths.root}: the run folder cannot be written ({why}); nothing was started")


class EngineLeft(UserError):
    """The engine left at once; its own words, and its exit code. One that was killed is suspended."""

    def __init__(self, words: str, code: int) -> None:
        super().__init__(words)
        self.exit_code = SUSPENDED if code < 0 else code if code in (2, 4, SUSPENDED) else 2


def _await_engine(
    paths: RunPaths,
    process: subprocess.Popen[bytes],
    begin: int,
    head: bytes,
    is_terminated: Callable[[], bool],
) -> None:
    """Until the supervisor has recorded something or has died; a run may be over before the first look.

    One that holds the lock and records nothing for long waits for something, a full disk say.
    """
    now = time.monotonic()
    deadline, waits_from = now + _START_WITHIN, now + _WAITS_AFTER
    is_passed_on = False
    while (now := time.monotonic()) < deadline:
        code = process.poll()
        if code == 0 or _head(paths) != head or (now > waits_from and is_held(paths.lock)):
            return
        if code is not None:
            raise EngineLeft(_last_words(paths, code, begin), code)
        if is_terminated() and not is_passed_on:
            process.terminate()
            is_passed_on = True
        time.sleep(0.02)
    raise UserError(f"the engine did not start within {_START_WITHIN:.0f} s: see {paths.log}")


def _last_words(paths: RunPaths, code: int, begin: int) -> str:
    """What the engine has said in its log, which had `begin` bytes before it. One that was killed may have
    said something, but not why."""
    if code < 0:
        name = signal.Signals(-code).name
        return f"{paths.name}: the engine was killed by {name} while it started; {_goes_on(paths)}"
    with paths.log.open("rb") as log:
        log.seek(begin)
        words = log.read().decode("utf-8", "replace").strip().splitlines()
    return words[-1] if words else f"the engine left with exit code {code}"


def _goes_on(paths: RunPaths) -> str:
    return f"`staycourse resume {paths.name}` goes on"


def _head(paths: RunPaths) -> bytes:
    try:
        return paths.head.read_bytes()
    except OSError:
        return b""
