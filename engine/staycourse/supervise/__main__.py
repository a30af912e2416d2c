"""The supervisor's process: `python -m staycourse.supervise RUN`."""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

from staycourse.core.problems import UserError
from staycourse.core.roadmap import Roadmap
from staycourse.core.state import RunStatus
from staycourse.hardware.gpus import open_nvml
from staycourse.hardware.lifetime import become_subreaper
from staycourse.record.damage import DamagedRun, is_damage
from staycourse.record.lock import RunLock
from staycourse.record.paths import RunPaths
from staycourse.record.sealed_roadmap import sealed_roadmap
from staycourse.record.store import Store
from staycourse.record.verification.sources import is_sealed_roadmap
from staycourse.supervise.disk import Disk
from staycourse.supervise.engine import FINISHED, SUSPENDED, UNFINISHED, Engine
from staycourse.supervise.options import Options
from staycourse.supervise.signals import block_none, ignore_all_but_sigterm
from staycourse.supervise.slots import make_slots

log = logging.getLogger("staycourse")


class StopSignal:
    """SIGTERM sets a flag and wakes the loop: checkpoints, goodbye, exit code 75. It is the only signal that
    the engine hears. SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM and the like are ignored, by the fork
    server and the workers as well, and so are the terminal's stops. SIGKILL, and the signals of a fault
    (SIGSEGV, SIGABRT, SIGBUS, ...) sent by hand, are that end minus the goodbye: what was running is owed.
    A supervisor stopped by SIGSTOP goes on with SIGCONT, and takes nothing of that time for a hang."""

    def __init__(self) -> None:
        self.is_set = False
        self.wake, end = os.pipe()
        for descriptor in (self.wake, end):
            os.set_blocking(descriptor, False)
        signal.set_wakeup_fd(end, warn_on_full_buffer=False)
        ignore_all_but_sigterm()
        signal.signal(signal.SIGTERM, self._set)
        block_none()

    def _set(self, *_: object) -> None:
        self.is_set = True


def supervise(paths: RunPaths, options: Options) -> int:
    """One session of the run. Raises UserError if another process supervises it, or for bad options."""
    stop = StopSignal()
    become_subreaper()
    lock = RunLock(paths.lock)
    here = Disk(paths.root, log.error, lambda: stop.is_set)
    here.waiting_out(lock.acquire)
    store = here.waiting_out(lambda: Store(paths))
    if store.state.status.is_over:
        return _leave_over(store, lock)
    roadmap = load_roadmap(paths, store)
    nvml = open_nvml()
    slots = make_slots(options, roadmap.limits.slots, nvml, os.environ)
    engine = Engine(roadmap, store, slots, nvml, options, wake=stop.wake, stop_requested=lambda: stop.is_set)
    code = SUSPENDED
    try:
        code = engine.run()
    finally:
        store.close(final=code in (FINISHED, UNFINISHED))
        lock.release()
    if code in (FINISHED, UNFINISHED):
        write_report(paths)
    return code


def _leave_over(store: Store, lock: RunLock) -> int:
    """The run ended while this engine was on its way to the lock: nothing follows an end. Raises UserError
    if that was to abandon it."""
    state, name = store.state, store.paths.name
    store.close(final=True)
    lock.release()
    if state.status is RunStatus.ABANDONED:
        raise UserError(f"{name} was abandoned ({state.reason}); it cannot be resumed")
    log.info("%s is finished already", name)
    return FINISHED


def load_roadmap(paths: RunPaths, store: Store) -> Roadmap:
    """The sealed roadmap as this run follows it. Raises DamagedRun if its copy is not what was sealed."""
    assert store.state.sealed is not None, "a run begins with its seal"
    if not is_sealed_roadmap(paths, store.state.sealed):
        raise DamagedRun(f"{paths.name}: roadmap.toml was changed since it was sealed; put it back as it was")
    return sealed_roadmap(paths, store.state.sealed).followed(store.state.sealed)


def write_report(paths: RunPaths) -> None:
    """In a process of its own: figures need a library that the engine does without."""
    command = [sys.executable, "-P", "-m", "staycourse.report", str(paths.root)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        log.error("the report could not be written: %s", result.stderr)


def main() -> int:
    parser = argparse.ArgumentParser(prog="staycourse.supervise")
    parser.add_argument("run", type=Path)
    parser.add_argument("--options", default="{}", help="JSON")
    arguments = parser.parse_args()
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )
    try:
        return supervise(RunPaths(arguments.run), Options.from_json(json.loads(arguments.options)))
    except UserError as error:
        return _say(str(error), error.exit_code)
    except sqlite3.DatabaseError as error:
        if is_damage(error):
            return _say(f"{arguments.run / 'run.db'} is damaged: {error}", DamagedRun.exit_code)
        log.exception("the engine stopped by a fault of its own; resume goes on")
        return SUSPENDED
    except Exception:
        log.exception("the engine stopped by a fault of its own; resume goes on")
        return SUSPENDED


def _say(text: str, code: int) -> int:
    """The engine's last word, where its log still takes one; the exit code is the same without."""
    try:
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()
    except OSError:
        # What is left in the buffer would be tried again at the exit, and change its code.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
    return code


if __name__ == "__main__":
    sys.exit(main())
