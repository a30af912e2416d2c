"""Real terminals: tmux, a pseudo-terminal that is hung up, and what the app imports."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.support.sample_run import engine_for, write_run

ROOT = Path(__file__).parents[2]
PYTHONPATH = f"{ROOT / 'engine'}:{ROOT / 'tui'}"
needs_tmux = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")


def wait_for(condition: Callable[[], bool], what: Callable[[], str], seconds: float = 20.0) -> None:
    """Look until the condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what()
        select.select([], [], [], 0.05)


class Tmux:
    """A tmux server of its own with one window."""

    def __init__(self, command: str, size: tuple[int, int]) -> None:
        self._socket = f"staycourse-{uuid.uuid4().hex[:8]}"
        self("new-session", "-d", "-x", str(size[0]), "-y", str(size[1]), command)

    def __call__(self, *arguments: str) -> str:
        command = ["tmux", "-L", self._socket, "-f", "/dev/null", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout

    def screen(self) -> str:
        return self("capture-pane", "-p")

    def press(self, *keys: str) -> None:
        self("send-keys", *keys)

    def pid(self) -> int:
        return int(self("list-panes", "-F", "#{pane_pid}"))

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


def view(run: Path) -> str:
    return f"env PYTHONPATH={PYTHONPATH} {sys.executable} -m staycourse_tui {run}"


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@needs_tmux
def test_attach_detach_and_attach_again_at_another_size(tmp_path: Path) -> None:
    run = write_run(tmp_path / "digits-1", "running")
    with engine_for(run, training=True) as engine, tmux(f"{view(run)}; exec cat", (80, 24)) as small:
        small.expect("● digits-1", "3/5 grid", "─ queue", "60 epochs", "? help  d detach")
        small.press("x")
        small.expect("t38", "rules", "patience 0/5")
        small.press("d")
        text = small.expect("the run goes on", "staycourse attach digits-1")
        assert "queue" not in text
        assert engine.poll() is None
        with tmux(view(run), (160, 48)) as large:
            first = large.expect("● digits-1", "─ devices", "─ train_loss", "─ log")
            assert len(first.splitlines()) == 48
            epoch = first.partition("epoch ")[2].split("/")[0]
            wait_for(lambda: f"epoch {epoch}/60" not in large.screen(), large.screen)
            large("resize-window", "-x", "60", "-y", "16")
            large.expect("1 Queue  2 Trials", "▶ grid")
            large.press("C-c")
            wait_for(lambda: not large.screen().strip(), large.screen)
        assert engine.poll() is None


@needs_tmux
@pytest.mark.parametrize("term", ["screen", "xterm-256color"])
def test_mouse_bytes_of_old_terminals_neither_crash_nor_press_keys(
    sample_runs: dict[str, Path], term: str
) -> None:
    with tmux(f"env TERM={term} {view(sample_runs['suspended'])}", (80, 24)) as server:
        server.expect("suspended-1", "? help  d detach")
        # ESC [ M and three bytes: a button, and a place whose bytes are no UTF-8 or the letters q and d.
        for place in ("ff fe", "71 64", "e4 71"):
            server("send-keys", "-H", "1b", "5b", "4d", "20", *place.split())
        server.press("4")
        server.expect("suspended: the engine was told", "t38 trains on cpu0")
        assert is_alive(server.pid())


@needs_tmux
def test_killing_the_window_ends_the_app_and_not_the_run(tmp_path: Path) -> None:
    run = write_run(tmp_path / "digits-1", "running")
    with engine_for(run) as engine, tmux(f"exec {view(run)}", (80, 24)) as server:
        server.expect("● digits-1")
        app = server.pid()
        server("kill-server")
        wait_for(lambda: not is_alive(app), lambda: f"process {app} still lives", 5.0)
        assert engine.poll() is None


@pytest.mark.parametrize("ignored", [False, True], ids=["hang-up", "hang-up ignored, as under nohup"])
def test_a_hang_up_ends_the_app_at_once(sample_runs: dict[str, Path], ignored: bool) -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        if ignored:
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
        os.environ.update(PYTHONPATH=PYTHONPATH, TERM="xterm-256color")
        os.execv(sys.executable, [sys.executable, "-m", "staycourse_tui", str(sample_runs["running"])])
    seen = b""
    deadline = time.monotonic() + 20
    while b"LOCKED" not in seen and time.monotonic() < deadline:
        if select.select([terminal], [], [], 0.1)[0]:
            seen += os.read(terminal, 65536)
    assert b"LOCKED" in seen
    os.close(terminal)
    wait_for(lambda: os.waitpid(pid, os.WNOHANG)[0] == pid, lambda: "still there", 5.0)


def test_the_app_never_imports_torch() -> None:
    code = (
        "import sys, staycourse_tui.app, staycourse_tui.screens.plan, staycourse_tui.screens.run;"
        "print([name for name in ('torch', 'numpy', 'pynvml', 'matplotlib') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": PYTHONPATH},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"


def test_it_says_how_to_be_called(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "staycourse_tui", str(tmp_path)]
    done = subprocess.run(
        command, env={"PYTHONPATH": PYTHONPATH}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2 and "no run folder" in done.stderr and "Traceback" not in done.stderr
