"""A script's process group: started, read, asked to end, killed."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import time
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from staycourse.core.text import one_line
from staycourse.hardware.lifetime import die_with_parent
from staycourse.task.command.lines import Line, Lines
from staycourse.training.output import Log

_CHUNK = 1 << 16
_MOST_CHUNKS, _MOST_AT_END = 16, 1024
_LAST_LINES = 40
# A progress bar is written over many times a second; the log keeps one of its states a second.
_PASSING_EVERY_S = 1.0
_PATIENCE_S = 20.0
_HEARD = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)


class Script:
    """One run of the program. Everything that it starts belongs to it: what is left of its group when it ends
    is killed. `code` is its exit code, minus a signal's number, None while it runs; `was_ended` tells that it
    was asked to end; `last_lines` are those of its output, harmless."""

    def __init__(self, arguments: Sequence[str], folder: Path, environment: Mapping[str, str]) -> None:
        """Raises OSError if the program cannot be started."""
        parent = os.getpid()
        self._process = subprocess.Popen(
            list(arguments),
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=lambda: _settle(parent),  # a worker has one thread
        )
        assert self._process.stdout is not None
        self._output = self._process.stdout.fileno()
        os.set_blocking(self._output, False)
        self._lines, self._log = Lines(), Log(1)
        self._passed_at = 0.0
        self.code: int | None = None
        self.was_ended = False
        self.last_lines: deque[str] = deque(maxlen=_LAST_LINES)
        self.cpu_seconds, self.peak_bytes = 0.0, 0

    @property
    def pid(self) -> int:
        return self._process.pid

    def read(self, patience: float) -> list[Line]:
        """The lines that came, waited for at most so many seconds; notes when the program has ended."""
        # Asked before the output is read: what was printed before the end is then in the pipe.
        is_over = self._reap()
        with contextlib.suppress(InterruptedError):
            select.select([self._output], [], [], 0.0 if is_over else patience)
        lines = self._lines.feed(self._take(), is_last=is_over)
        for line in lines:
            self._keep(line)
        return lines

    def end(self, patience: float = _PATIENCE_S) -> list[Line]:
        """SIGTERM to the whole group, SIGKILL to what is left of it after so many seconds; the last lines."""
        self.was_ended = True
        self._signal(signal.SIGTERM)
        deadline, lines = time.monotonic() + patience, []
        while self.code is None and time.monotonic() < deadline:
            lines += self.read(0.05)
        return lines + self.kill()

    def kill(self) -> list[Line]:
        """SIGKILL to whoever is left of the group; returns once the program is gone."""
        self._signal(signal.SIGKILL)
        lines: list[Line] = []
        while self.code is None:
            lines += self.read(0.02)
        return lines

    def resident_bytes(self) -> float:
        """Memory of the program and all below it."""
        total = 0
        for member in self._family():
            with contextlib.suppress(psutil.Error):
                total += member.memory_info().rss
        return float(total)

    def has_open(self, path: Path) -> bool:
        """Whether the program, or one below it, has the file open."""
        wanted = str(path.resolve())
        for member in self._family():
            with contextlib.suppress(psutil.Error, OSError):
                if any(file.path == wanted for file in member.open_files()):
                    return True
        return False

    def _family(self) -> list[psutil.Process]:
        try:
            leader = psutil.Process(self.pid)
            return [leader, *leader.children(recursive=True)]
        except psutil.Error:
            return []

    def _reap(self) -> bool:
        if self.code is not None:
            return True
        pid, status, usage = os.wait4(self.pid, os.WNOHANG)
        if pid == 0:
            return False
        self.code = self._process.returncode = os.waitstatus_to_exitcode(status)
        self.cpu_seconds = usage.ru_utime + usage.ru_stime
        self.peak_bytes = usage.ru_maxrss * 1024
        self._signal(signal.SIGKILL)
        return True

    def _signal(self, number: signal.Signals) -> None:
        """To the group, which can outlive its leader; its number cannot come round again before that."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    def _take(self) -> bytes:
        parts = []
        with contextlib.suppress(BlockingIOError):
            while data := os.read(self._output, _CHUNK):
                parts.append(data)
                if len(parts) >= (_MOST_CHUNKS if self.code is None else _MOST_AT_END):
                    break  # rules are to be heard between two floods, and who outlives the program may print
        return b"".join(parts)

    def _keep(self, line: Line) -> None:
        now = time.monotonic()
        if line.is_passing:
            if now - self._passed_at < _PASSING_EVERY_S:
                return
            self._passed_at = now
        else:
            self.last_lines.append(one_line(line.text))
        self._log.write(line.text.encode("utf-8", "replace") + b"\n")


def _settle(parent: int) -> None:
    """In the child, before the program: it hears signals like any other, and goes with its worker."""
    for number in _HEARD:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    die_with_parent(parent)
