"""A program in a terminal of its own: how soon it paints, how much it writes, what it takes."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import select
import subprocess
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

Size = tuple[int, int]  # columns, rows

_ESCAPES = re.compile(rb"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]PX^_].*?(?:\x07|\x1b\\)|\x1b[ -/]*[0-~]", re.DOTALL)
# A terminal of today says that it can hold back a frame until it is whole; some programs ask.
_ASKED, _ANSWER = b"\x1b[?2026$p", b"\x1b[?2026;2$y"
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Painted:
    """Seconds from the start of the process to its first visible byte, and until all words stood there."""

    first: float
    words: float


@dataclass(frozen=True)
class Load:
    """What a program did over some seconds: bytes a second to the terminal, and the share of one CPU."""

    bytes_per_second: float
    cpu: float


class Terminal:
    """A pseudo-terminal of a fixed size with a program in it."""

    def __init__(self, command: Sequence[str], size: Size, environment: Mapping[str, str]) -> None:
        self._master, slave = os.openpty()
        termios.tcsetwinsize(slave, (size[1], size[0]))
        self._began = time.perf_counter()
        self._process = subprocess.Popen(
            command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=dict(environment),
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(slave)
        self._output = b""

    def painted(self, *words: str, timeout: float = 60.0) -> Painted:
        """Wait until all of the words have been written. Ends the benchmark where they are not."""
        first = None
        while time.perf_counter() - self._began < timeout:
            self._output += self._read(0.05)
            now = time.perf_counter() - self._began
            if first is None and _ESCAPES.sub(b"", self._output).strip():
                first = now
            if first is not None and all(word.encode() in self._output for word in words):
                return Painted(first, now)
        self.close()
        raise SystemExit(f"{words} not shown within {timeout:.0f} s:\n{self._output[-2000:]!r}")

    def watched(self, seconds: float) -> Load:
        """Read for so long."""
        began, cpu, count = time.perf_counter(), self._cpu(), 0
        while (left := began + seconds - time.perf_counter()) > 0:
            count += len(self._read(left))
        took = time.perf_counter() - began
        return Load(count / took, (self._cpu() - cpu) / took)

    def memory(self) -> tuple[int, int]:
        """(resident bytes now, and at most so far)."""
        with open(f"/proc/{self._process.pid}/status", encoding="utf-8") as file:
            fields = dict(line.split(":", 1) for line in file)
        return int(fields["VmRSS"].split()[0]) * 1024, int(fields["VmHWM"].split()[0]) * 1024

    def close(self) -> None:
        """End the program."""
        if self._process.poll() is not None:
            return
        self._process.kill()
        self._process.wait()
        os.close(self._master)

    def _cpu(self) -> float:
        """Seconds that the process has computed, all its threads together."""
        with open(f"/proc/{self._process.pid}/stat", encoding="utf-8") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def _read(self, timeout: float) -> bytes:
        if not select.select([self._master], [], [], timeout)[0]:
            return b""
        try:
            data = os.read(self._master, 65536)
        except OSError:  # nobody has the other end open any more
            raise SystemExit(f"the program has left:\n{self._output[-2000:]!r}") from None
        if _ASKED in data:
            os.write(self._master, _ANSWER)
        return data


@contextlib.contextmanager
def terminal(command: Sequence[str], size: Size, environment: Mapping[str, str]) -> Iterator[Terminal]:
    """The program in its terminal, ended afterwards."""
    opened = Terminal(command, size, environment)
    try:
        yield opened
    finally:
        opened.close()
