"""The fork server: torch imported, one thread, no tensor operation ever; every trial is a fork of it.

Its orders come over a socket from the supervisor. On end of file it kills all its descendants: a dead
supervisor leaves nobody behind.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import selectors
import signal
import socket
import sys
import time
from contextlib import suppress
from typing import Any, NoReturn

import psutil

from staycourse.hardware.lifetime import become_subreaper, die_with_parent, outlive_parent
from staycourse.supervise import orphans
from staycourse.supervise.linux import started_at

_TARGETS = {
    "worker": "staycourse.training.worker",
    "search": "staycourse.search.process",
    "data": "staycourse.task.data_check",
    "resident": "staycourse.training.resident_loader",
}
_BLOCKED = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
_MOST = 1 << 16
_PAUSE = 0.002


class ForkServer:
    """Serves until its socket ends. `children` maps a pid to the supervisor's name for it."""

    def __init__(self, control: socket.socket) -> None:
        # Not by a flag of recv_fds: Python 3.11 does not pass it on.
        control.setblocking(False)
        self._control = control
        self._children: dict[int, str] = {}
        self._workers: set[int] = set()
        self._killed_orphans: dict[int, int] = {}
        self._wake, self._wake_end = os.pipe()
        for descriptor in (self._wake, self._wake_end):
            os.set_blocking(descriptor, False)

    def serve(self) -> None:
        """Fork and reap until the supervisor has gone."""
        signal.set_wakeup_fd(self._wake_end, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        selector = selectors.DefaultSelector()
        selector.register(self._control, selectors.EVENT_READ)
        selector.register(self._wake, selectors.EVENT_READ)
        self._say({"ready": os.getpid()})
        while True:
            selector.select()
            with suppress(BlockingIOError):
                os.read(self._wake, _MOST)
            self._reap()
            if not self._take_orders():
                return

    def _take_orders(self) -> bool:
        """Take what is in the socket; False at its end."""
        while True:
            try:
                data, descriptors, _, _ = socket.recv_fds(self._control, _MOST, 8)
            except BlockingIOError:
                return True
            except ConnectionError:
                return False
            if not data:
                return False
            self._obey(json.loads(data), descriptors)

    def _obey(self, order: dict[str, Any], descriptors: list[int]) -> None:
        if "kill" in order:
            self._kill(order["kill"])
            return
        server = os.getpid()
        try:
            pid = os.fork()
            if pid == 0:
                self._become(order, descriptors, server)
        except OSError as error:
            # No more processes or no memory, for now: nobody's fault, and least of all that of who lives.
            self._say({"refused": order["name"], "why": str(error)})
            return
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
        self._children[pid] = order["name"]
        if order["target"] == "worker":
            self._workers.add(pid)
        self._say({"forked": order["name"], "pid": pid, "started": started_at(pid)})

    def _kill(self, name: str) -> None:
        for pid, known in self._children.items():
            if known == name:
                os.kill(pid, signal.SIGKILL)

    def _reap(self) -> None:
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            name = self._children.pop(pid, None)
            self._workers.discard(pid)
            # One that was killed as an orphan may just have started another.
            if name is not None or pid in self._killed_orphans:
                self._kill_orphans(self._killed_orphans.pop(pid, pid))
            if name is not None:
                code = os.waitstatus_to_exitcode(status)
                self._say({"exited": name, "code": code, "peak_bytes": usage.ru_maxrss * 1024})

    def _kill_orphans(self, dead: int) -> None:
        """What a dead worker leaves behind has become our child; so has what a living one set free. What
        nobody can be told of any more, for it cleared its environment, goes when no worker lives."""
        for child in psutil.Process().children():
            if child.pid in self._children:
                continue
            fork = orphans.fork_of(child.pid)
            if fork == dead or (fork not in self._children and not self._workers):
                self._killed_orphans[child.pid] = dead
                for member in [*_below(child), child]:
                    with suppress(psutil.Error):
                        member.kill()

    def _say(self, message: dict[str, Any]) -> None:
        with suppress(OSError):
            self._control.send(json.dumps(message).encode())

    def _become(self, order: dict[str, Any], descriptors: list[int], server: int) -> NoReturn:
        """In the child: leave everything of the server's behind and run the target."""
        code = 70
        try:
            os.setsid()
            die_with_parent(server)
            orphans.mark_fork()
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_BLOCK, _BLOCKED)
            self._control.close()
            os.close(self._wake)
            os.close(self._wake_end)
            for descriptor in descriptors:
                # What outlives the worker is not to keep its end from being heard.
                os.set_inheritable(descriptor, False)
            _redirect(order["log"])
            os.environ.update(order.get("environment", {}))
            target = importlib.import_module(_TARGETS[order["target"]])
            target.main(*descriptors)
            code = 0
        except BaseException:
            # Ours, not the user's: user code's exceptions end inside the target.
            sys.excepthook(*sys.exc_info())
        finally:
            with suppress(Exception):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(code)


def _redirect(log: str) -> None:
    """Standard output and error go to the log, standard input is empty."""
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    for opened in (null, descriptor):
        if opened > 2:
            os.close(opened)


def kill_descendants() -> None:
    """Kill until nobody is left; grandchildren in sessions of their own have become our children."""
    me = psutil.Process()
    while family := me.children(recursive=True):
        for member in family:
            with suppress(psutil.Error):
                member.kill()
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        time.sleep(_PAUSE)


def _below(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.Error:
        return []


def main() -> None:
    """Import what every worker needs, then serve the socket whose descriptor is the first argument."""
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    become_subreaper()
    # As long as the socket is not listened to; then its end says the same, and leaves time to kill.
    die_with_parent(os.getppid())
    control = socket.socket(fileno=int(sys.argv[1]))
    control.set_inheritable(False)
    import torch  # noqa: F401  # before any fork, so that no trial pays for it

    importlib.import_module(_TARGETS["worker"])
    gc.collect()
    gc.freeze()
    outlive_parent()
    try:
        ForkServer(control).serve()
    finally:
        kill_descendants()


if __name__ == "__main__":
    main()
