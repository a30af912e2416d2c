"""The supervisor's end of the fork server: starts it, orders forks, hears of exits."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from staycourse.core.text import one_line
from staycourse.supervise import orphans
from staycourse.supervise.channel import Inbox, Outbox
from staycourse.supervise.linux import kill_tree

_MOST = 1 << 16
_NO_EXIT, _PAUSE = 70, 2.0
# Libraries that start threads while they are imported would make the server more than one thread; a worker
# sets its own number of torch's threads. A vocabulary made from a set has another order under another hash
# seed, so a trial would not go on with the model that it began with.
_SURROUNDINGS = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
    orphans.FORK_MARK: orphans.NO_FORK,
}


@dataclass
class Child:
    """A forked process: its pipes, and what is known of it. `pid` is 0 until the server has answered,
    `code` None while it lives (negative: minus the signal). `is_lost` tells that it went with the server,
    `refused` why the system did not let it be forked; it is over only a while later, so that what asks for
    it again does not ask all the time."""

    name: str
    orders: Outbox
    events: Inbox
    pid: int = 0
    started: float = 0.0
    code: int | None = None
    peak_bytes: int = 0
    is_lost: bool = False
    refused: str = ""
    over_from: float = 0.0
    first: list[dict[str, Any]] = field(default_factory=list)

    @property
    def is_over(self) -> bool:
        """It has exited and everything it said is read."""
        return self.code is not None and self.events.is_closed and time.monotonic() >= self.over_from

    @property
    def is_own_end(self) -> bool:
        """Whether its end says anything of what it did."""
        return not self.is_lost and not self.refused


class Spawner:
    """Owns one fork server at a time. `children` are those that have not been let go of; they and all below
    them carry the run in their environment. `failed_starts` counts the servers in a row that died before
    they had forked anything, `start_failure` is what the last of these said."""

    def __init__(self, log: Path, run: Path | None = None) -> None:
        self._log = log
        self._mark = {orphans.MARK: orphans.mark(run)} if run is not None else {}
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._is_ready = self._has_forked = False
        self._words_from = 0
        self.failed_starts, self.start_failure = 0, ""
        self.children: dict[str, Child] = {}

    @property
    def is_alive(self) -> bool:
        return self._control is not None

    @property
    def server(self) -> int:
        """The server's process id, 0 while there is none."""
        return self._process.pid if self._process is not None and self.is_alive else 0

    def fileno(self) -> int:
        assert self._control is not None
        return self._control.fileno()

    def start(self) -> None:
        """Start the server; it answers once torch is imported, orders wait in the socket until then."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._is_ready = self._has_forked = False
        with self._log.open("ab") as log, theirs:
            self._words_from = log.tell()
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "staycourse.supervise.fork_server", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                env={**os.environ, **_SURROUNDINGS, **self._mark},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        ours.setblocking(False)
        self._control = ours

    def fork(self, name: str, target: str, log: Path, environment: Mapping[str, str] | None = None) -> Child:
        """Order a child that runs `target` ("worker", "search", "data", "resident"); its first order may go
        at once.

        A server that has died since the last look is started again.
        """
        if self._control is None:
            self.start()
        assert self._control is not None
        orders_read, orders_write = os.pipe()
        events_read, events_write = os.pipe()
        order = {"name": name, "target": target, "log": str(log), "environment": dict(environment or {})}
        child = Child(name, Outbox(orders_write), Inbox(events_read))
        self.children[name] = child
        try:
            socket.send_fds(self._control, [json.dumps(order).encode()], [orders_read, events_write])
        except OSError:
            self._lost()
        finally:
            os.close(orders_read)
            os.close(events_write)
        return child

    def kill(self, child: Child) -> None:
        """SIGKILL a child, through the server, for which its pid cannot have come round again."""
        if self._control is not None and child.code is None:
            try:
                self._control.send(json.dumps({"kill": child.name}).encode())
            except OSError:
                self._lost()

    def receive(self) -> list[Child]:
        """Take what the server says, and give the children what they had no room for; the children of whom
        it said something."""
        for listener in self.children.values():
            listener.orders.flush()
        heard: list[Child] = []
        while self._control is not None:
            try:
                data = self._control.recv(_MOST)
            except BlockingIOError:
                break
            except ConnectionError:
                data = b""
            if not data:
                heard += self._lost()
                break
            if child := self._note(json.loads(data)):
                heard.append(child)
        return heard

    def let_go(self, child: Child) -> None:
        """Close the pipes of a child that is over."""
        child.orders.close()
        child.events.close()
        self.children.pop(child.name, None)

    def close(self) -> None:
        """End the server, and with it every child. One that has not begun to serve does not listen yet."""
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._process is not None:
            try:
                self._process.wait(timeout=10 if self._is_ready else 0)
            except subprocess.TimeoutExpired:
                kill_tree(self._process.pid)
                self._process.wait()
                orphans.kill_adopted()

    def _note(self, message: dict[str, Any]) -> Child | None:
        if "ready" in message:
            self._is_ready = True
        if "forked" in message:
            self._has_forked, self.failed_starts = True, 0
        name = message.get("forked") or message.get("exited") or message.get("refused")
        child = self.children.get(name) if isinstance(name, str) else None
        if child is None:
            return None
        if "forked" in message:
            child.pid, child.started = message["pid"], message["started"]
        elif "refused" in message:
            child.code, child.refused = _NO_EXIT, one_line(message["why"])
            child.over_from = time.monotonic() + _PAUSE
        else:
            child.code, child.peak_bytes = message["code"], message["peak_bytes"]
        return child

    def _lost(self) -> list[Child]:
        """The server has died: so have, by the kernel's hand or ours, all its children."""
        if self._control is None:
            return []
        self._control.close()
        self._control = None
        for child in self.children.values():
            if child.code is None:
                if child.pid:
                    kill_tree(child.pid, child.started)
                child.code, child.is_lost = -9, True
        if self._process is not None:
            kill_tree(self._process.pid)
            self._process.wait()
            if not self._has_forked:
                self.failed_starts, self.start_failure = self.failed_starts + 1, self._last_words()
        # What the workers had started, loader workers too, has become ours.
        orphans.kill_adopted()
        return list(self.children.values())

    def _last_words(self) -> str:
        """The last line in the log since the server was started, or how it ended."""
        assert self._process is not None
        with self._log.open("rb") as log:
            log.seek(max(self._words_from, self._log.stat().st_size - _MOST))
            lines = log.read().decode("utf-8", "replace").split("\n")
        return next(
            (text for line in reversed(lines) if (text := one_line(line))),
            f"exit code {self._process.returncode}",
        )
