"""A child process that is asked one question, and whatever the task's code has started in it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from typing import IO, Any

import psutil

from staycourse.core.text import one_line

_MOST_WORDS = 64_000
_living: set[subprocess.Popen[bytes]] = set()


@contextlib.contextmanager
def child(module: str, request: Mapping[str, Any]) -> Iterator[Child]:
    """`python -m module`, a JSON request on its standard input, the answer on its standard output.

    Both are files and no pipes: a daemon of the task's would hold a pipe open, and its end be waited for. The
    child has a session of its own; what is left of that is killed in the end.
    """
    with (
        tempfile.TemporaryFile() as asked,
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as error,
    ):
        asked.write(json.dumps(request).encode())
        asked.seek(0)
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", module],
            stdin=asked,
            stdout=out,
            stderr=error,
            env={**os.environ, "PYTHONHASHSEED": "0", "OPENBLAS_NUM_THREADS": "1"},  # as a worker has it
            start_new_session=True,
        )
        _living.add(process)
        try:
            yield Child(process, out, error)
        finally:
            process.kill()
            process.wait()
            _kill_session(process.pid)
            _living.discard(process)


def end_children(patience: float = 0.0) -> None:
    """Kill every child that is still asked, on whatever thread: for who no longer waits for the answer. What
    it has started goes as soon as that thread has heard of it; wait for that, so many seconds at most."""
    for process in list(_living):
        process.kill()
    deadline = time.monotonic() + patience
    while _living and time.monotonic() < deadline:
        time.sleep(0.01)


class Child:
    """One that was asked; it is to answer within `patience` seconds from now."""

    def __init__(
        self, process: subprocess.Popen[bytes], out: IO[bytes], error: IO[bytes], patience: float = 600.0
    ) -> None:
        self._process, self._out, self._error, self._patience = process, out, error, patience
        self._deadline = time.monotonic() + patience

    def answer(self) -> dict[str, Any]:
        """The child's answer, or {"died": its last words}."""
        try:
            code = self._process.wait(max(0.0, self._deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            return {"died": f"no answer within {self._patience:.0f} s"}
        try:
            answer = json.loads(_end_of(self._out))
        except ValueError:
            return {"died": self._last_words(code)}
        return answer if isinstance(answer, dict) else {"died": "no answer"}

    def _last_words(self, code: int) -> str:
        how = f"exit code {code}" if code >= 0 else f"killed by {signal.Signals(-code).name}"
        last = _end_of(self._error, _MOST_WORDS).decode("utf-8", "replace").strip().splitlines()[-1:]
        return f"{how}; its last words: {one_line(last[0])}" if last else how


def _end_of(file: IO[bytes], most: int | None = None) -> bytes:
    size = file.seek(0, os.SEEK_END)
    file.seek(0 if most is None else max(0, size - most))
    return file.read()


def _kill_session(leader: int) -> None:
    for pid in psutil.pids():
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if os.getsid(pid) == leader:
                os.kill(pid, signal.SIGKILL)
