"""What is left of the terminal, and of the run, when the app or its guardian is ended by a signal."""

from __future__ import annotations

import os
import shlex
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.sample_run import engine_for, write_run
from tests.support.terminals import (
    PYTHONPATH,
    Tmux,
    is_alive,
    left_on,
    needs_tmux,
    on_pty,
    tmux,
    wait_for,
)
from tests.support.tiny import Place, wait_until, write_roadmap

ATTACH = f"{sys.executable} -m staycourse.cli.main attach digits-1"
GIVEN_BACK = "0 0 1 1"
WAY_BACK = "the run goes on; `staycourse attach digits-1` shows it again"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A run with an engine that nothing here may end."""
    folder = write_run(tmp_path_factory.mktemp("runs") / "digits-1", "running")
    with engine_for(folder) as engine:
        yield folder
        assert engine.poll() is None


@pytest.fixture
def environment(place: Place, run: Path) -> dict[str, str]:
    return {**place.environment, "STAYCOURSE_RUNS": str(run.parent)}


@pytest.fixture
def shell(environment: dict[str, str]) -> Iterator[Tmux]:
    """An interactive shell with job control."""
    own = {**environment, "PYTHONPATH": PYTHONPATH, "PS1": "ready> ", "TERM": "screen-256color"}
    names = ("PATH", "PYTHONPATH", "PS1", "TERM", "XDG_STATE_HOME", "STAYCOURSE_RUNS", "HOME")
    words = shlex.join(["env", *(f"{name}={own[name]}" for name in names if name in own)])
    with tmux(f"{words} bash --norc --noprofile -i", (100, 24)) as server:
        server.expect("ready>")
        yield server


def family(parent: int) -> list[int]:
    """Guardian and app: the only child of a shell, and the only child of that one."""
    found = []
    while children := Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
        parent = int(children[0])
        found.append(parent)
    return found


def opened(shell: Tmux) -> list[int]:
    """Start the app; the guardian and the app."""
    wait_for(lambda: not family(shell.pid()), shell.screen)
    shell.type("clear")
    wait_for(lambda: "LOCKED" not in shell.screen(), shell.screen)
    shell.type(ATTACH)
    shell.expect("● digits-1", "LOCKED", "? help  d detach")
    guardian, app = family(shell.pid())
    return [guardian, app]


def given_back(shell: Tmux) -> None:
    """Wait until the terminal is its own again: it reads what it was sent after who sent it has gone."""
    wait_for(lambda: shell.modes() == GIVEN_BACK, lambda: f"{shell.modes()}: {shell.screen()}")


def told(shell: Tmux, *words: str) -> str:
    """The shell's screen, wrapped lines joined, once the terminal is its own again."""
    wait_for(lambda: not family(shell.pid()), shell.screen)
    given_back(shell)
    shell.type("echo code $?; stty -a | grep -o -- '-\\?icanon'")
    shell.expect("icanon")
    text = shell("capture-pane", "-p", "-J")
    assert "-icanon" not in text.replace("'-\\?icanon'", "")
    for word in words:
        assert word in text, text
    return text


@needs_tmux
def test_after_the_app_was_killed_the_terminal_is_usable(shell: Tmux) -> None:
    _, app = opened(shell)
    os.kill(app, signal.SIGKILL)
    told(shell, f"the view was killed (SIGKILL); {WAY_BACK}", "code 137")


@needs_tmux
def test_after_the_guardian_was_killed_the_app_leaves_by_itself(shell: Tmux) -> None:
    guardian, app = opened(shell)
    os.kill(guardian, signal.SIGKILL)
    wait_for(lambda: not is_alive(app), lambda: f"process {app} still lives")
    given_back(shell)
    shell.expect("the run goes on")


@needs_tmux
def test_after_both_were_killed_the_next_view_mends_the_terminal_and_says_so(
    shell: Tmux, place: Place
) -> None:
    for process in opened(shell):
        os.kill(process, signal.SIGKILL)
    assert shell.modes() != GIVEN_BACK
    opened(shell)
    shell.press("q")
    told(shell, WAY_BACK, "an earlier view was killed", "`reset` mends it", "code 0")
    opened(shell)
    shell.press("q")
    assert "reset" not in told(shell, WAY_BACK)
    assert not list((place.folder / "state" / "staycourse" / "terminals").iterdir())


@needs_tmux
def test_sigterm_to_either_leaves_the_view(shell: Tmux) -> None:
    for at in (0, 1):
        os.kill(opened(shell)[at], signal.SIGTERM)
        text = told(shell, WAY_BACK, "code 0")
        assert "killed" not in text


@needs_tmux
def test_the_shell_can_stop_the_view_and_go_on_with_it(shell: Tmux) -> None:
    processes = opened(shell)
    shell.press("C-z")
    shell.expect("Stopped", "ready>")
    given_back(shell)
    shell.type("clear; fg")
    shell.expect("● digits-1", "1 Queue", "? help  d detach")
    shell("resize-window", "-x", "160", "-y", "48")
    shell.expect("─ devices", "─ train_loss")
    os.kill(processes[0], signal.SIGTSTP)
    shell.expect("Stopped", "ready>")
    shell.type("clear; bg")
    shell.expect("attach digits-1 &")
    wait_for(lambda: shell.press("Enter") or "Stopped" in shell.screen(), shell.screen)
    shell.type("clear; fg")
    shell.expect("● digits-1", "? help  d detach")
    assert family(shell.pid()) == processes
    shell.press("C-c")
    told(shell, WAY_BACK, "code 0")


def test_every_mode_that_was_switched_on_is_switched_off(environment: dict[str, str]) -> None:
    with on_pty(ATTACH.split(), env=environment) as terminal:
        terminal.expect(b"LOCKED", b"\x1b[?7l")
        assert {"1049", "1000", "1003", "1004", "2004", "25", "7", "kitty"} <= left_on(terminal.seen)
        os.kill(family(terminal.pid)[0], signal.SIGKILL)
        assert terminal.wait() == 137
        assert not left_on(terminal.seen)
        assert b"the view was killed (SIGKILL)" in terminal.seen.rpartition(b"\x1b[?1049l")[2]


def test_a_hang_up_ends_both_and_leaves_no_mark(place: Place, environment: dict[str, str]) -> None:
    with on_pty(ATTACH.split(), env=environment) as terminal:
        terminal.expect(b"LOCKED")
        (app,) = family(terminal.pid)
        marks = place.folder / "state" / "staycourse" / "terminals"
        assert len(list(marks.iterdir())) == 1
        os.close(terminal.fd)
        assert terminal.wait(is_reading=False) in (-signal.SIGHUP, 129)
        assert not is_alive(app)
        assert not list(marks.iterdir())


GUARDED = """
import os, signal, sys
from staycourse.cli.guardian import guard
from staycourse.cli.main import answered
from staycourse.core.problems import UserError

def show(note):
    note("the first")
    note("noted")
    {body}

sys.exit(guard(lambda note: answered(lambda: show(note)), lambda number, text: print(number.name, text)))
"""


@pytest.mark.parametrize(
    ("body", "code", "said"),
    [
        ("return 75", 75, ""),
        ("raise UserError('no such run')", 2, "no such run"),
        ("1 / 0", 70, "a fault of its own: ZeroDivisionError"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", 139, "SIGSEGV noted"),
        ("os.kill(os.getppid(), signal.SIGTERM); signal.pause()", 143, "SIGTERM noted"),
        ("os.kill(os.getppid(), signal.SIGINT); signal.pause()", 130, ""),
    ],
)
def test_the_guardian_answers_as_the_app_did(place: Place, body: str, code: int, said: str) -> None:
    command = [sys.executable, "-c", GUARDED.format(body=body)]
    with on_pty(command, env=place.environment) as terminal:
        assert terminal.wait() == code
        assert said.encode() in terminal.seen
        assert bool(said) == bool(terminal.seen.strip())


def test_an_app_that_does_not_leave_when_told_is_killed_in_the_end(place: Place) -> None:
    body = (
        "signal.signal(signal.SIGTERM, signal.SIG_IGN); os.kill(os.getppid(), signal.SIGTERM)\n"
        "    while True: signal.pause()"
    )
    script = "import staycourse.cli.guardian as g; g._PATIENCE = 0.3\n" + GUARDED.format(body=body)
    with on_pty([sys.executable, "-c", script], env=place.environment) as terminal:
        assert terminal.wait() == 137
        assert b"SIGKILL noted" in terminal.seen


@pytest.mark.slow
def test_an_engine_started_from_the_app_does_not_notice_that_app_and_guardian_die(place: Place) -> None:
    phases = [{"kind": "probe", "trials": 1, "epochs": 10_000}]
    space = {"lr": {"log": [1e-3, 1e-1]}, "batch_size": 8}
    roadmap = write_roadmap(place.folder, space=space, phases=phases, args={"step_ms": 50})
    with on_pty(place.command("run", roadmap), env=place.environment) as terminal:
        terminal.expect(b"rehearse", seconds=60)
        terminal.press(b"\r")
        terminal.expect(b"Seal tiny?", b"seals and starts")
        terminal.press(b"\r")
        terminal.expect(b"LOCKED", seconds=60)
        wait_until(lambda: "trial started" in place.kinds(), 60, "a trial trains")
        engine = place.supervisor()
        os.kill(family(terminal.pid)[0], signal.SIGKILL)
        assert terminal.wait() == 137
        assert b"attach tiny-1` shows it again" in terminal.seen
    with on_pty(place.command("attach", "tiny-1"), env=place.environment) as terminal:
        terminal.expect(b"LOCKED")
        for process in (terminal.pid, *family(terminal.pid)):
            os.kill(process, signal.SIGKILL)
    rows = place.rows("SELECT count(*) FROM metric")
    wait_until(lambda: place.rows("SELECT count(*) FROM metric") > rows, 30, "the trial trains on")
    assert place.supervisor() == engine
    assert place.kinds().count("engine started") == 1
    assert place.kinds().count("trial started") == 1
