"""A terminal that nobody reads: the app neither waits nor grows, and can be ended."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.sample_run import engine_for, write_run
from tests.support.terminals import Pty, is_alive, on_pty, view_of, wait_for

SIZE = (200, 60)
PRESSES = 60  # each draws the whole screen anew, some 20 kB


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Path]:
    """A run that an engine goes on with."""
    folder = write_run(tmp_path / "digits-1", "running")
    with engine_for(folder, training=True) as engine:
        yield folder
        assert engine.poll() is None


def rows(run: Path) -> int:
    with contextlib.closing(sqlite3.connect(f"file:{run / 'run.db'}?mode=ro", uri=True, timeout=10)) as db:
        return int(db.execute("SELECT count(*) FROM metric").fetchone()[0])


def resident(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def worked(pid: int) -> int:
    """Clock ticks of CPU time."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def press(terminal: Pty, keys: bytes) -> None:
    """Press keys as fast as a keyboard repeats them, and wait until the app is at rest again."""
    for at in range(len(keys)):
        terminal.press(keys[at : at + 1])
        select.select([], [], [], 0.03)
    before = worked(terminal.pid)

    def is_at_rest() -> bool:
        nonlocal before
        select.select([], [], [], 0.3)
        was, before = before, worked(terminal.pid)
        return before - was < 8

    wait_for(is_at_rest, lambda: "the app is never at rest")


def test_the_app_draws_nothing_for_it_and_all_once_it_reads_again(run: Path) -> None:
    with on_pty(view_of(run), SIZE) as terminal:
        terminal.expect(b"LOCKED", b"trains on")
        press(terminal, b"f" * (PRESSES // 3))
        before, size = rows(run), resident(terminal.pid)
        press(terminal, b"f" * PRESSES + b"y")
        wait_for(lambda: rows(run) > before, lambda: "the engine waits")
        assert resident(terminal.pid) < size + 8 * 2**20
        terminal.seen = b""
        terminal.expect(b"inear)")  # behind the other axis' name, of which "(l" stays
        assert len(terminal.seen) < PRESSES * 4_000
        terminal.press(b"q")
        assert terminal.wait() == 0
        assert terminal.seen.rstrip().endswith(b"digits-1")


def test_sigterm_ends_the_app_and_its_guardian(run: Path) -> None:
    attach = [sys.executable, "-m", "staycourse.cli.main", "attach", str(run)]
    with on_pty(attach, SIZE, env={"XDG_STATE_HOME": str(run.parent)}) as terminal:
        terminal.expect(b"LOCKED", b"trains on")
        press(terminal, b"f" * (PRESSES // 3))
        app = int(Path(f"/proc/{terminal.pid}/task/{terminal.pid}/children").read_text())
        os.kill(terminal.pid, signal.SIGTERM)
        assert terminal.wait(is_reading=False) == 143
        assert not is_alive(app)


def test_a_hang_up_ends_the_app(run: Path) -> None:
    terminal = Pty(view_of(run), SIZE)
    terminal.expect(b"LOCKED", b"trains on")
    press(terminal, b"f" * (PRESSES // 3))
    os.close(terminal.fd)
    assert terminal.wait(is_reading=False) == -signal.SIGHUP


def test_standard_error_may_go_to_a_file(run: Path, tmp_path: Path) -> None:
    errors = tmp_path / "errors.txt"
    with on_pty(["sh", "-c", f"exec {' '.join(view_of(run))} 2>{errors}"]) as terminal:
        terminal.expect(b"LOCKED", b"trains on")
        terminal.press(b"q")
        assert terminal.wait() == 0
    assert errors.read_bytes() == b""
