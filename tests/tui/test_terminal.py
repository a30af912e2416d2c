"""Real terminals: tmux, a pseudo-terminal that is hung up, and what the app imports."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.sample_run import engine_for, write_run
from tests.support.terminals import (
    PYTHONPATH,
    Pty,
    is_alive,
    left_on,
    needs_tmux,
    on_pty,
    tmux,
    view_of,
    wait_for,
)


def view(run: Path) -> str:
    return shlex.join(["env", f"PYTHONPATH={PYTHONPATH}", *view_of(run)])


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
        wait_for(lambda: not is_alive(app), lambda: f"process {app} still lives")
        assert engine.poll() is None


@pytest.mark.parametrize("ignored", [False, True], ids=["hang-up", "hang-up ignored, as under nohup"])
def test_a_hang_up_ends_the_app_at_once(sample_runs: dict[str, Path], ignored: bool) -> None:
    trap = "trap '' HUP; " if ignored else ""
    terminal = Pty(["sh", "-c", f"{trap}exec {shlex.join(view_of(sample_runs['running']))}"])
    terminal.expect(b"LOCKED")
    os.close(terminal.fd)
    assert terminal.wait(is_reading=False) == -signal.SIGHUP


def test_without_a_shell_to_continue_it_the_view_is_not_stopped(sample_runs: dict[str, Path]) -> None:
    with on_pty(view_of(sample_runs["running"])) as terminal:
        terminal.expect(b"LOCKED")
        terminal.press(b"\x1a")
        terminal.press(b"q")
        assert terminal.wait() == 0


def test_what_a_terminal_with_more_abilities_is_asked_for_is_taken_back(
    sample_runs: dict[str, Path],
) -> None:
    with on_pty(view_of(sample_runs["running"])) as terminal:
        terminal.expect(b"\x1b[?2048$p", b"LOCKED")
        terminal.press(b"\x1b[?2048;2$y")  # reports of the size are known here, and off
        terminal.expect(b"\x1b[?2048h", b"\x1b[?1016h")
        assert {"1016", "2048", "1000", "1049"} <= left_on(terminal.seen)
        terminal.press(b"q")
        assert terminal.wait() == 0
        assert not left_on(terminal.seen)


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
