"""Names, values and messages that are a user's: a terminal is never told what they say."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from tests.support.sample_run import ROADMAP, write_run
from tests.support.terminals import on_pty

from staycourse.core import events as ev
from staycourse.record.paths import RunPaths
from staycourse.record.store import Store

EVIL = "[/foo]\x1b]0;owned\x07\x1b]2;owned\x1b\\\x1b[2J\x1b[31m\x9b2J\x9d0;owned\x9cend"


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A run that says such things wherever a user, or a task, can say something."""
    roadmap = ROADMAP.replace('"adamw", "sgd"', '"[/foo]", "sgd"')
    folder = tmp_path / f"{EVIL.replace('/', '|')}-1"
    write_run(folder, "running", roadmap_text=roadmap, names=EVIL, stop_at=(0, 6))
    store = Store(RunPaths(folder))
    store.append(
        ev.AttemptFailed("t6", 1, "error", EVIL, 7, False),
        ev.Noted("hardware", EVIL),
        ev.EngineStopped(EVIL),
    )
    store.close(final=False)
    log = RunPaths(folder).trial_log("t6")
    log.parent.mkdir(parents=True)
    log.write_text(f"{EVIL}\n" * 3, encoding="utf-8")
    return folder


def commands_to_the_terminal(written: bytes) -> list[str]:
    """Strings that set titles and the like, as a terminal understands them, and what clears its screen."""
    text = written.decode("utf-8", "replace")
    return re.findall(r"\x1b\][^\x07\x1b]*|\x1b\[[0-9]*J|[\x80-\x9f]", text)


@pytest.mark.parametrize("size", [(80, 24), (160, 48)])
def test_control_sequences_and_markup_never_reach_the_terminal(hostile: Path, size: tuple[int, int]) -> None:
    attach = [sys.executable, "-m", "staycourse.cli.main", "attach", str(hostile)]
    with on_pty(attach, size, env={"XDG_STATE_HOME": str(hostile.parent)}) as terminal:
        terminal.expect(b"suspended", b"detach", b"[/foo]")
        for key in (
            *(bytes([key]) for key in b"124x?"),
            b"\x1b",
            b"k",
            b"\r",
            b"\x1b",
            b"a",
            b"\x1b",
            b"44",
            b"\x1b",
            b"5",
        ):
            terminal.press(key)
            terminal.read(0.3)
        terminal.press(b"q")
        assert terminal.wait() == 75
    assert b"[|foo]end-1 is suspended" in terminal.seen.rpartition(b"\x1b[?1049l")[2]
    said = commands_to_the_terminal(terminal.seen)
    assert not [command for command in said if "owned" in command or not command.startswith("\x1b]")]
