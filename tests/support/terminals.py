"""Real terminals: tmux, and pseudo-terminals whose bytes are seen as they come."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import shutil
import struct
import subprocess
import sys
import termios
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PYTHONPATH = f"{ROOT / 'engine'}:{ROOT / 'tui'}"
needs_tmux = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")


def wait_for(condition: Callable[[], object], what: Callable[[], str], seconds: float = 20.0) -> None:
    """Look until the condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what()
        select.select([], [], [], 0.05)


def is_alive(pid: int) -> bool:
    """Whether there is a process of that id which has not ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def view_of(run: Path) -> list[str]:
    """The command that shows a run without a guardian."""
    return [sys.executable, "-m", "staycourse_tui", str(run)]


class Tmux:
    """A tmux server of its own with one window; `socket` is its name."""

    def __init__(self, command: str, size: tuple[int, int]) -> None:
        self.socket = f"staycourse-{uuid.uuid4().hex[:8]}"
        self("new-session", "-d", "-x", str(size[0]), "-y", str(size[1]), command)

    def __call__(self, *arguments: str) -> str:
        command = ["tmux", "-L", self.socket, "-f", "/dev/null", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout

    def screen(self) -> str:
        return self("capture-pane", "-p")

    def press(self, *keys: str) -> None:
        self("send-keys", *keys)

    def type(self, text: str) -> None:
        """A line for a shell."""
        self("send-keys", "-l", text)
        self.press("Enter")

    def pid(self) -> int:
        return int(self("list-panes", "-F", "#{pane_pid}"))

    def modes(self) -> str:
        """Alternate screen, mouse, cursor and line wrap: `0 0 1 1` where an app has left nothing on."""
        return self("display", "-p", "#{alternate_on} #{mouse_any_flag} #{cursor_flag} #{wrap_flag}").strip()

    def expect(self, *words: str) -> str:
        wait_for(lambda: all(word in self.screen() for word in words), self.screen)
        return self.screen()


@contextlib.contextmanager
def tmux(command: str, size: tuple[int, int]) -> Iterator[Tmux]:
    server = Tmux(command, size)
    try:
        yield server
    finally:
        server("kill-server")


class Pty:
    """A command on a pseudo-terminal. `seen` is every byte that it has written and that was read here."""

    def __init__(
        self, command: Sequence[str], size: tuple[int, int] = (80, 24), env: Mapping[str, str] | None = None
    ) -> None:
        environment = {**os.environ, "PYTHONPATH": PYTHONPATH, "TERM": "xterm-256color", **(env or {})}
        self.seen = b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
            os.execvpe(command[0], list(command), environment)

    def read(self, seconds: float = 0.0) -> bytes:
        """What comes within so many seconds; empty at the end."""
        if not select.select([self.fd], [], [], seconds)[0]:
            return b""
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            return b""
        self.seen += data
        return data

    def expect(self, *words: bytes, seconds: float = 20.0) -> None:
        """Read until all of these have come."""

        def has_come() -> bool:
            self.read(0.05)
            return all(word in self.seen for word in words)

        wait_for(has_come, lambda: repr(self.seen[-3000:]), seconds)

    def press(self, keys: bytes) -> None:
        os.write(self.fd, keys)

    def wait(self, seconds: float = 10.0, *, is_reading: bool = True) -> int:
        """The exit code, negative for a signal; with everything that it writes until then read, or not."""
        ended: list[int] = []

        def has_ended() -> bool:
            if is_reading:
                self.read(0.02)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            ended.extend([status] if pid else [])
            return bool(pid)

        wait_for(has_ended, lambda: f"process {self.pid} still lives: {self.seen[-2000:]!r}", seconds)
        while is_reading and self.read(0.05):
            pass
        self.pid = 0
        return os.waitstatus_to_exitcode(ended[0])

    def close(self) -> None:
        if self.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, 9)
            os.waitpid(self.pid, 0)
        with contextlib.suppress(OSError):
            os.close(self.fd)


@contextlib.contextmanager
def on_pty(
    command: Sequence[str], size: tuple[int, int] = (80, 24), env: Mapping[str, str] | None = None
) -> Iterator[Pty]:
    terminal = Pty(command, size, env)
    try:
        yield terminal
    finally:
        terminal.close()


def left_on(written: bytes) -> set[str]:
    """The modes that these bytes have changed for good: private modes by number, `kitty` and `title` where
    more was pushed than popped."""
    state = {"7": "h", "25": "h"}  # line wrap and the cursor are there to begin with
    changed = set()
    for numbers, switched in re.findall(r"\x1b\[\?([\d;]+)([hl])", written.decode("utf-8", "replace")):
        for number in numbers.split(";"):
            changed ^= {number} if switched != state.get(number, "l") else set()
            state[number] = switched
    if len(re.findall(rb"\x1b\[>\d+u", written)) > len(re.findall(rb"\x1b\[<\d*u", written)):
        changed.add("kitty")
    if written.count(b"\x1b[22;2t") > written.count(b"\x1b[23;2t"):
        changed.add("title")
    return changed
