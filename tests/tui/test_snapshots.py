"""Every screen in every state at four sizes, as the app paints it from real run folders.

`pytest tests/tui/test_snapshots.py --update-snapshots` stores what is shown now.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.support.clocks import MOMENT, standing_clock
from tests.support.golden import Album
from tests.support.sample_states import SILENCE, STATES, offer, run_in, zone
from tests.support.screen_text import opened, until
from textual.pilot import Pilot

from staycourse.core.problems import UserError
from staycourse_tui import session
from staycourse_tui.app import StaycourseApp
from staycourse_tui.screens.run import RunScreen
from staycourse_tui.screens.run_view import RunView
from staycourse_tui.screens.trial import TrialScreen

SNAPSHOTS = Path(__file__).parent / "snapshots"

# The screens of a run, by the keys that lead there from its main screen.
SCREENS = {"run": "", "trial": "enter", "trials": "a", "report": "5", "log": "4 4"}
# What else their keys show, of the running one.
VIEWS = {
    "run-queue": "1",
    "run-trials": "2",
    "run-log": "4",
    "run-full": "f",
    "run-answer": "x",
    "trials-side-by-side": "a m up m up up m",
    "trials-filtered": "a / l r < 1 e - 3 enter",
    "trial-output": "enter o",
    "log-filtered": "4 4 / d i v enter",
    "help-run": "question_mark",
    "help-trials": "a question_mark",
    "help-trial": "enter question_mark",
    "help-log": "4 4 question_mark",
    "help-report": "5 question_mark",
}
PLANS = ("plan-planned", "seal-planned", "help-plan", "plan-rehearsing", "plan-rehearsed", "seal-rehearsed")
FAILED_PLANS = ("plan-rehearsal-failed", "seal-rehearsal-failed", "plan-seal-failed")
ABSENT = {"trial-planned"}  # a run without a trial has none to open


@pytest.fixture
def album(request: pytest.FixtureRequest) -> Iterator[Album]:
    """Compares at the end, so that one run of a test tells all that differs."""
    album = Album(SNAPSHOTS, request.config.getoption("--update-snapshots"))
    yield album
    album.check()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[SimpleNamespace]:
    """What the screens count seconds by; `now` is moved by hand. Folders are told from `tmp_path` on."""
    made = SimpleNamespace(now=1000.0)
    made.monotonic = lambda: made.now
    monkeypatch.setattr(session, "time", made)
    monkeypatch.setenv("HOME", str(tmp_path))
    with zone():
        yield made


@pytest.mark.parametrize("state", STATES)
async def test_every_screen_of_a_run_looks_as_it_did(
    state: str, tmp_path: Path, clock: SimpleNamespace, album: Album
) -> None:
    later = timedelta(seconds=SILENCE if state == "silent" else 0)
    with run_in(state, tmp_path / "runs") as run, standing_clock(MOMENT + later):
        app = StaycourseApp(run=run)
        async with app.run_test(size=(80, 24)) as pilot:
            await opened(pilot)
            if state == "unreadable":
                await _hidden(pilot, run, clock)
            for screen, keys in SCREENS.items():
                if f"{screen}-{state}" not in ABSENT:
                    await _taken(pilot, album, f"{screen}-{state}", keys)
            for view, keys in VIEWS.items() if state == "running" else ():
                await _taken(pilot, album, view, keys)


async def test_the_plan_and_its_question_look_as_they_did(clock: SimpleNamespace, album: Album) -> None:
    go_on = threading.Event()
    app = StaycourseApp(offer=offer(rehearse=_rehearsal(go_on)))
    async with app.run_test(size=(80, 24)) as pilot:
        await album.take(pilot, "plan-planned")
        await pilot.press("enter")
        await album.take(pilot, "seal-planned")
        await pilot.press("escape", "question_mark")
        await album.take(pilot, "help-plan")
        await pilot.press("escape", "r")
        await album.take(pilot, "plan-rehearsing")
        go_on.set()
        await album.take(pilot, "plan-rehearsed")
        await pilot.press("enter")
        await album.take(pilot, "seal-rehearsed")


async def test_a_plan_that_fails_looks_as_it_did(clock: SimpleNamespace, album: Album) -> None:
    app = StaycourseApp(offer=offer(seal=_refuse, rehearse=_fail))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("r")
        await album.take(pilot, "plan-rehearsal-failed")
        await pilot.press("enter")
        await album.take(pilot, "seal-rehearsal-failed")
        await pilot.press("enter")
        await album.take(pilot, "plan-seal-failed")


def test_no_picture_is_left_of_a_screen_that_is_gone() -> None:
    wanted = {f"{screen}-{state}" for screen in SCREENS for state in STATES} - ABSENT
    assert {file.stem for file in SNAPSHOTS.iterdir()} == {*wanted, *VIEWS, *PLANS, *FAILED_PLANS}


async def _taken(pilot: Pilot[Path | None], album: Album, name: str, keys: str) -> None:
    """Go there by the keys, take the pictures, and come back to the main screen as it was."""
    await pilot.press(
        *keys.replace("/", "slash").replace("<", "less_than_sign").replace("-", "minus").split()
    )
    await until(pilot, lambda: _is_read(pilot))
    await album.take(pilot, name)
    while not isinstance(pilot.app.screen, RunScreen):
        await pilot.press("escape")
    await pilot.press("u", "3")
    pilot.app.screen.session.say("")


def _is_read(pilot: Pilot[Path | None]) -> bool:
    """Whether all that the screen asks for is there, or cannot be."""
    screen = next((one for one in reversed(pilot.app.screen_stack) if isinstance(one, RunView)), None)
    if screen is None or screen.frame is None or screen.session.failure:
        return screen is not None and bool(screen.session.failure)
    asked, frame = screen.session.request, screen.frame
    if isinstance(screen, TrialScreen) and frame.output_of is None:
        return False
    has_report = frame.report is not None or not asked.has_report
    return frame.output_of == asked.output_of and frame.marked == asked.marked and has_report


async def _hidden(pilot: Pilot[Path | None], run: Path, clock: SimpleNamespace) -> None:
    """Take the run away from under the app, and let 42 seconds pass."""
    run.rename(run.with_name("elsewhere"))
    clock.now += 42.0
    screen = pilot.app.screen
    assert isinstance(screen, RunScreen)
    await until(pilot, lambda: bool(screen.session.failure))


def _rehearsal(go_on: threading.Event) -> Callable[[Callable[[str], None]], bool]:
    def rehearse(say: Callable[[str], None]) -> bool:
        say("probe: 2 trials of 2 epochs, 4.1 s")
        say("narrow: 2 trials of 2 epochs, 3.9 s")
        go_on.wait(60)
        say("report written")
        return True

    return rehearse


def _fail(say: Callable[[str], None]) -> bool:
    say("probe: 2 trials of 2 epochs, 4.1 s")
    raise UserError("final: trial t9 raised KeyError: 'lr' at tasks/digits.py:31")


def _refuse() -> Path:
    raise UserError("runs/ cannot be written: Permission denied")
