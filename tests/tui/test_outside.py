"""The window's title, notifications, and the line for a status bar."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from rich.cells import cell_len
from tests.support.sample_run import engine_for, write_run
from tests.support.screen_text import frame_of
from tests.support.terminals import left_on, on_pty, view_of

from staycourse.client import Snapshot
from staycourse.core import events as ev
from staycourse.core.forecast import Forecast
from staycourse.core.state import RunStatus
from staycourse.record.paths import RunPaths
from staycourse.record.store import Store
from staycourse_tui.line import status_line
from staycourse_tui.outside import Outside, news, notification, title

Changed = Callable[..., Snapshot]


@pytest.fixture
def snapshot(sample_runs: dict[str, Path]) -> Snapshot:
    read = frame_of(sample_runs["running"]).snapshot
    return replace(read, name="digits-1", engine_age=0.4, eta=Forecast(1860.0, 120.0))


def closed(snapshot: Snapshot, index: int) -> Snapshot:
    """The same with that phase done."""
    phases = [
        replace(phase, status="done", handed_on=("best 3: t1, t2, t3",)) if phase.index == index else phase
        for phase in snapshot.phases
    ]
    return replace(snapshot, phases=tuple(phases))


class Screen:
    """What was written, and a clock that is moved by hand."""

    def __init__(self, environ: dict[str, str] | None = None, notify: bool = True) -> None:
        self.written: list[str] = []
        self.now = 100.0
        self.outside = Outside(self.written.append, environ or {}, notify, lambda: self.now)

    def show(self, snapshot: Snapshot) -> str:
        """What one more snapshot writes."""
        before = len(self.written)
        self.outside.show(snapshot)
        return "".join(self.written[before:])


def test_the_title_is_written_when_it_changes_and_not_too_often(snapshot: Snapshot) -> None:
    screen = Screen()
    assert screen.show(snapshot) == "\x1b[22;2t\x1b]2;● digits-1 3/5 grid 38/55 ETA 31m\x07"
    screen.now += 10
    assert screen.show(snapshot) == ""
    later = replace(snapshot, eta=Forecast(1800.0, 120.0))
    assert screen.show(later) == "\x1b]2;● digits-1 3/5 grid 38/55 ETA 30m\x07"
    screen.now += 1
    assert screen.show(snapshot) == ""
    screen.now += 5
    assert "ETA 31m" in screen.show(snapshot)
    screen.outside.close()
    screen.outside.close()
    assert "".join(screen.written).count("\x1b[23;2t") == 1
    assert not left_on("".join(screen.written).encode())


def test_a_phase_that_closes_is_told_once_with_what_it_hands_on(snapshot: Snapshot) -> None:
    screen = Screen()
    screen.show(snapshot)
    done = closed(snapshot, 2)
    assert screen.show(done) == "\x1b]9;digits-1: phase 3/5 grid is done: best 3: t1, t2, t3\x07"
    assert screen.show(done) == ""


def test_what_was_so_before_is_not_told(snapshot: Snapshot) -> None:
    screen = Screen()
    screen.show(closed(snapshot, 2))
    assert screen.show(closed(closed(snapshot, 2), 2)) == ""
    other = replace(closed(closed(snapshot, 2), 3), name="digits-2")
    assert "\x1b]9" not in screen.show(other)
    assert "\x1b]9" in screen.show(closed(other, 4))


@pytest.mark.parametrize(
    ("status", "reason", "said"),
    [
        (RunStatus.FINISHED, "", "digits-1 is finished"),
        (RunStatus.FAILED, "no score", "digits-1 could not be finished: no score"),
        (RunStatus.SUSPENDED, "", "digits-1 is suspended"),
    ],
)
def test_the_end_of_a_run_is_told_instead_of_its_last_phase(
    snapshot: Snapshot, status: RunStatus, reason: str, said: str
) -> None:
    over = replace(closed(snapshot, 2), status=status, reason=reason)
    assert news(snapshot, over) == said
    assert news(over, over) == ""
    assert news(over, snapshot) == ""


def test_who_wants_no_notifications_gets_the_title_alone(snapshot: Snapshot) -> None:
    screen = Screen(notify=False)
    screen.show(snapshot)
    screen.now += 10
    assert screen.show(replace(closed(snapshot, 2), status=RunStatus.FINISHED)).startswith("\x1b]2;✓")
    assert "\x1b]9" not in "".join(screen.written)


@pytest.mark.parametrize(
    ("environ", "sequence"),
    [
        ({}, "\x1b]9;a; b\x07"),
        ({"TERM": "xterm-kitty"}, "\x1b]9;a; b\x07"),
        ({"VTE_VERSION": "7600"}, "\x1b]777;notify;staycourse;a, b\x07"),
        ({"TERM": "foot"}, "\x1b]777;notify;staycourse;a, b\x07"),
        ({"TMUX": "/tmp/x,1,0"}, "\x1bPtmux;\x1b\x1b]9;a; b\x07\x1b\\"),
        ({"STY": "1.pts"}, "\x1bP\x1b]9;a; b\x07\x1b\\"),
    ],
)
def test_each_terminal_is_told_in_its_own_way(environ: dict[str, str], sequence: str) -> None:
    assert notification("a; b", environ) == sequence


def test_what_is_told_is_one_harmless_line() -> None:
    evil = "a\x1b]0;owned\x07\nb\x1b[2J" + "c" * 1000
    assert title(evil).count("\x1b") == notification(evil, {}).count("\x1b") == 1
    assert "owned" not in title(evil) + notification(evil, {})
    assert len(title(evil)) < 400 and len(notification(evil, {})) < 250


@pytest.mark.parametrize(
    ("size", "line"),
    [
        (100, "● digits-1 3/5 grid 38/55 ETA 31m"),
        (33, "● digits-1 3/5 grid 38/55 ETA 31m"),
        (30, "● digi… 3/5 grid 38/55 ETA 31m"),
        (27, "● digits-1 3/5 grid 38/55"),
        (20, "● digits-1 3/5 grid"),
        (10, "● digits-1"),
        (5, "● di…"),
        (1, "●"),
    ],
)
def test_the_line_at_every_width(snapshot: Snapshot, size: int, line: str) -> None:
    assert status_line(snapshot, size) == line


def test_the_line_is_never_wider_than_it_may_be(snapshot: Snapshot) -> None:
    wide = replace(snapshot, name="模型模型模型模型-1")
    for size in range(1, 60):
        assert cell_len(status_line(wide, size)) <= size


def test_the_line_in_every_state(sample_runs: dict[str, Path]) -> None:
    lines = {state: status_line(frame_of(run).snapshot, 60) for state, run in sample_runs.items()}
    assert lines["suspended"] == "‖ suspended-1 suspended 3/5 grid 38/55"
    assert lines["silent"].startswith("‖ silent-1 suspended")
    assert lines["finished"] == "✓ finished-1 finished"
    assert lines["failed"] == "✗ failed-1 failed 2/5 narrow 30/55"
    assert lines["abandoned"] == "⊘ abandoned-1 abandoned"
    assert lines["sealed"].startswith("○ sealed-1 sealed")
    assert lines["empty"].startswith("● empty-1 1/5 probe 1/")


def test_an_engine_that_is_silent(snapshot: Snapshot) -> None:
    assert status_line(replace(snapshot, engine_age=42.0), 60) == "● digits-1 3/5 grid 38/55 silent 42s"


def test_a_terminal_gets_title_and_notification_and_its_title_back(tmp_path: Path) -> None:
    run = write_run(tmp_path / "digits-1", "running")
    environment = {"TMUX": "", "STY": "", "VTE_VERSION": "", "KONSOLE_VERSION": ""}
    environment["XDG_CONFIG_HOME"] = str(tmp_path)
    with engine_for(run), on_pty(view_of(run), env=environment) as terminal:
        terminal.expect(b"LOCKED", b"\x1b[22;2t", "\x1b]2;● digits-1 3/5 grid".encode())
        assert b"\x1b]9;" not in terminal.seen
        store = Store(RunPaths(run))
        store.append(ev.RunFailed(2, "no trial has a score"))
        store.close(final=False)
        terminal.expect(b"\x1b]9;digits-1 could not be finished: no trial has a score\x07")
        terminal.press(b"q")
        assert terminal.wait() == 0
        assert terminal.seen.count(b"\x1b[23;2t") == 1
        assert not left_on(terminal.seen)
