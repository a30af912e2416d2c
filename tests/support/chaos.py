"""Kills of a run's processes at random instants, and at those at which they could do most harm.

`undisturbed(place)` runs the campaign once in peace; `Chaos(...).run(place)` runs it under kills, resumes it
after each death of its supervisor, and returns the name of the finished run. Everything random is drawn from
one generator, so that the same seed makes the same choices; when they meet what is up to the machine.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psutil
from tests.support.chaos_campaign import BATCH, NAME, write_campaign
from tests.support.tiny import Place, wait_until

from staycourse.record.lock import is_held
from staycourse.supervise.linux import is_running

TARGETS = ("supervisor", "worker", "loader worker", "fork server")
INSTANTS = ("any", "mid-epoch", "mid-checkpoint", "mid-commit")
_SUSPENDED = 75
_LONGEST_PAUSE = 4.0
_AIM_FOR = 8.0
_LONGEST_WAIT = 300.0
_LOOK_EVERY = 0.0005
_STARTED = "SELECT json_extract(body, '$.pid') FROM ledger WHERE kind = 'trial started'"


class Broken(AssertionError):
    """The campaign did what no kill may make it do; the message says what."""


@dataclass(frozen=True)
class Kill:
    """Who is killed, of what signal, and when."""

    target: str
    number: signal.Signals
    instant: str


@dataclass
class Tally:
    """What was done: kills by target, signal and instant, and how often a run was resumed."""

    kills: Counter[Kill] = field(default_factory=Counter)
    resumes: int = 0

    @property
    def count(self) -> int:
        return self.kills.total()


def undisturbed(place: Place, epochs: int, slots: int = 1) -> str:
    """Run the campaign in peace; returns the run's name. Raises Broken if it does not finish."""
    path = write_campaign(place.folder, epochs, slots)
    done = place.run("run", path, "--no-ui", "--devices", "cpu", timeout=1800)
    if done.returncode:
        raise Broken(f"undisturbed, the campaign ended with {done.returncode}: {done.stdout}{done.stderr}")
    return f"{NAME}-1"


class Chaos:
    """Kills up to `kills` processes, of campaigns one after the other; `tally` counts them."""

    def __init__(self, kills: int, chance: random.Random, epochs: int, slots: int = 1) -> None:
        self.tally = Tally()
        self._most, self._chance, self._epochs, self._slots = kills, chance, epochs, slots
        self._plans = self._drawn()

    @property
    def is_over(self) -> bool:
        """Whether all kills were made."""
        return self.tally.count >= self._most

    def run(self, place: Place) -> str:
        """One campaign to its end, killed again and again; returns the run's name. Raises Broken."""
        words: list[str | Path] = ["run", write_campaign(place.folder, self._epochs, self._slots)]
        words += ["--devices", "cpu"]
        run = f"{NAME}-1"
        while True:
            code, said, is_hit = self._session(place, run, words)
            if code == 0:
                wait_until(lambda: not place.processes(), 60, "everybody is gone")
                return run
            if code != _SUSPENDED or not is_hit:
                raise Broken(f"{words[0]} ended with exit code {code}: {said}")
            words = ["resume", run]
            self.tally.resumes += 1

    def _session(self, place: Place, run: str, words: list[str | Path]) -> tuple[int, str, bool]:
        """One command to its end; (exit code, what it printed, whether its supervisor was hit)."""
        before = _supervisor(place, run)
        printed = place.folder / "printed.txt"
        with printed.open("w") as output:
            view = subprocess.Popen(
                place.command(*words, "--no-ui"),
                cwd=place.folder,
                env=place.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
            try:
                wait_until(lambda: _supervisor(place, run) not in (0, before) or view.poll() is not None, 120)
                is_hit = self._disturb(place, run, view)
                return view.wait(600), printed.read_text(), is_hit
            finally:
                view.kill()
                view.wait()

    def _disturb(self, place: Place, run: str, view: subprocess.Popen[bytes]) -> bool:
        """Kill until the supervisor is hit (True), the campaign is over or enough was killed."""
        while not self.is_over and view.poll() is None:
            kill = next(self._plans)
            aimed = self._aimed(place, run, kill, view)
            if aimed is None:
                break
            pid, instant = aimed
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, kill.number)
                self.tally.kills[replace(kill, instant=instant)] += 1
                if kill.target == "supervisor":
                    return True
                if kill.number == signal.SIGKILL:
                    wait_until(lambda pid=pid: not _lives(pid), 20, "who was killed is dead")
        return False

    def _aimed(
        self, place: Place, run: str, kill: Kill, view: subprocess.Popen[bytes]
    ) -> tuple[int, str] | None:
        """Wait for the instant; (pid to be killed, instant), None if the session is over before.

        An instant that does not come within some seconds is any instant. Raises Broken if nobody of whom
        is to be killed appears for minutes.
        """
        pause = self._chance.uniform(0.0, _LONGEST_PAUSE if kill.instant == "any" else 1.0)
        begin = time.monotonic() + pause
        has_come = _INSTANTS[kill.instant](place.runs / run)
        pid = 0
        while view.poll() is None:
            now = time.monotonic()
            if not _lives(pid):
                pid = self._target(place, run, kill.target)
                time.sleep(0.02)
                if now > begin + _LONGEST_WAIT:
                    raise Broken(f"{run} hangs: no {kill.target} for {_LONGEST_WAIT:.0f} s")
            elif now > begin and has_come():
                return pid, kill.instant
            elif now > begin + _AIM_FOR:
                return pid, "any"
            else:
                time.sleep(_LOOK_EVERY if now > begin else 0.02)
        return None

    def _target(self, place: Place, run: str, target: str) -> int:
        """A process of that kind; 0 where there is none now."""
        found = sorted(_family(_supervisor(place, run), place, run).get(target, []))
        return self._chance.choice(found) if found else 0

    def _drawn(self) -> Iterator[Kill]:
        """Targets and instants in turn, each turn in an order of its own, so that none is left out."""
        while True:
            turn = [(target, instant) for target in TARGETS for instant in INSTANTS]
            self._chance.shuffle(turn)
            for target, instant in turn:
                # It is the supervisor's to answer; all others have to stay deaf to it.
                share = 0.5 if target == "supervisor" else 0.2
                is_asked = self._chance.random() < share
                yield Kill(target, signal.SIGTERM if is_asked else signal.SIGKILL, instant)


def _supervisor(place: Place, run: str) -> int:
    """Its process id as the lock names it, 0 while nobody holds that."""
    lock = place.runs / run / "lock"
    if not is_held(lock):
        return 0
    try:
        return int((lock.read_text().split() or [0])[0])
    except (OSError, ValueError):
        return 0


def _family(supervisor: int, place: Place, run: str) -> dict[str, list[int]]:
    """The run's processes by what they are."""
    found: dict[str, list[int]] = {"supervisor": [supervisor] if supervisor else []}
    workers = {pid for (pid,) in place.rows(_STARTED, run)} if supervisor else set()
    with contextlib.suppress(psutil.Error):
        for server in psutil.Process(supervisor).children() if supervisor else []:
            found.setdefault("fork server", []).append(server.pid)
            for child in server.children():
                if child.pid in workers:
                    found.setdefault("worker", []).append(child.pid)
                    found.setdefault("loader worker", []).extend(p.pid for p in child.children())
    return found


def _lives(pid: int) -> bool:
    return bool(pid) and is_running(pid)


def _any(folder: Path) -> Callable[[], bool]:
    return lambda: True


def _mid_checkpoint(folder: Path) -> Callable[[], bool]:
    """While a checkpoint is written."""
    return lambda: any((folder / "trials").glob("*/*.tmp"))


def _mid_commit(folder: Path) -> Callable[[], bool]:
    """As the write-ahead log grows or begins anew."""
    log, before = folder / "run.db-wal", _stamp(folder / "run.db-wal")

    def has_come() -> bool:
        nonlocal before
        last, before = before, _stamp(log)
        return last is not None and before is not None and before != last

    return has_come


def _mid_epoch(folder: Path) -> Callable[[], bool]:
    """Some batches into an epoch, as the task itself tells."""
    place, before = folder.parents[1] / BATCH, _stamp(folder.parents[1] / BATCH)

    def has_come() -> bool:
        text = place.read_text() if place.exists() else ""
        return text.isdigit() and int(text) >= 2 and _stamp(place) != before

    return has_come


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns


_INSTANTS: dict[str, Callable[[Path], Callable[[], Any]]] = {
    "any": _any,
    "mid-epoch": _mid_epoch,
    "mid-checkpoint": _mid_checkpoint,
    "mid-commit": _mid_commit,
}
