"""Every screen in every state at four sizes, as the app paints it from real run folders.

`pytest tests/tui/test_snapshots.py --update-snapshots` stores what is shown now.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.support.clocks import MOMENT, standing_clock
from tests.support.golden import Album
from tests.support.sample_run import ROADMAP
from tests.support.sample_states import SILENCE, SLOWDOWNS, STATES, offer, run_in, runs_in, still
from tests.support.screen_text import is_read, opened, shown, until
from textual.pilot import Pilot

from staycourse.cli.roadmap_files import RoadmapFiles
from staycourse.client import RunSummary
from staycourse.core.problems import UserError
from staycourse.core.roadmap import parse
from staycourse.record import watched_runs
from staycourse.record.watched_runs import WatchedRuns
from staycourse_tui.app import StaycourseApp
from staycourse_tui.home import Home
from staycourse_tui.offer import Offer
from staycourse_tui.screens import home
from staycourse_tui.screens.run import RunScreen

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
HOMES = (
    "home-empty",
    "home-planned",
    "home-running",
    "home-stale",
    "home-failed",
    "home-suspended",
    "home-done",
)
SLOWED = ("run", "trial")
OTHERS = ("help-home", "check-running", "check-failed")
ABSENT = {"trial-planned"}  # a run without a trial has none to open


@pytest.fixture
def album(request: pytest.FixtureRequest) -> Iterator[Album]:
    """Compares at the end, so that one run of a test tells all that differs."""
    album = Album(SNAPSHOTS, request.config.getoption("--update-snapshots"))
    yield album
    album.check()


@pytest.fixture
def clock(tmp_path: Path) -> Iterator[SimpleNamespace]:
    """What the screens count seconds by."""
    with still(tmp_path) as made:
        yield made


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: SimpleNamespace) -> Path:
    """An empty working directory, of which the home screen is asked often."""
    here = tmp_path / "work"
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setattr(watched_runs, "LIST_EVERY", 0.1)
    monkeypatch.setattr(home, "_ROADMAPS_EVERY", 0.1)
    monkeypatch.setattr(home, "_RUNS_EVERY", 0.1)
    return here


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


async def test_a_trial_that_is_held_up_looks_as_it_did(
    tmp_path: Path, clock: SimpleNamespace, album: Album
) -> None:
    with run_in("running", tmp_path / "runs", slowdowns=SLOWDOWNS) as run, standing_clock(MOMENT):
        app = StaycourseApp(run=run)
        async with app.run_test(size=(80, 24)) as pilot:
            await opened(pilot)
            for screen in SLOWED:
                await _taken(pilot, album, f"{screen}-slowed", SCREENS[screen])


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


async def test_the_home_of_an_empty_folder_looks_as_it_did(work: Path, album: Album) -> None:
    app = StaycourseApp(home=_Work(work).home)
    async with app.run_test(size=(80, 24)) as pilot:
        await album.take(pilot, "home-empty")
        (work / "digits.toml").write_text(ROADMAP, encoding="utf-8")
        await until(pilot, lambda: "digits.toml" in shown(app))
        await album.take(pilot, "home-planned")
        await pilot.press("question_mark")
        await album.take(pilot, "help-home")


async def test_the_home_of_roadmaps_and_runs_looks_as_it_did(
    work: Path, clock: SimpleNamespace, album: Album
) -> None:
    (work / "digits.toml").write_text(ROADMAP, encoding="utf-8")
    (work / "torn.toml").write_text(ROADMAP.replace("trials = 6", "trial = 6"), encoding="utf-8")
    with runs_in(work / "runs"), standing_clock():
        here = _Work(work)
        app = StaycourseApp(home=here.home)
        async with app.run_test(size=(80, 24)) as pilot:
            await until(pilot, lambda: "digits-1" in shown(app) and "torn.toml" in shown(app))
            await pilot.press("2")
            for name in ("home-running", "home-failed", "home-done", "home-suspended"):
                await album.take(pilot, name)
                await pilot.press("down")
            await pilot.press("1", "end", "enter")
            await album.take(pilot, "check-failed")
            await pilot.press("escape", "home", "enter")
            clock.now += 3.0
            await album.take(pilot, "check-running")
            await pilot.press("escape")
            here.is_torn = True
            await album.take(pilot, "home-stale")


def test_no_picture_is_left_of_a_screen_that_is_gone() -> None:
    wanted = {f"{screen}-{state}" for screen in SCREENS for state in STATES} - ABSENT
    wanted |= {f"{screen}-slowed" for screen in SLOWED}
    wanted |= {*VIEWS, *PLANS, *FAILED_PLANS, *HOMES, *OTHERS}
    assert {file.stem for file in SNAPSHOTS.iterdir()} == wanted


class _Work:
    """A working directory whose runs can no longer be listed once `is_torn`; a check of it goes on until it
    is cancelled."""

    def __init__(self, folder: Path) -> None:
        self.is_torn = False
        self._runs = WatchedRuns(folder / "runs")
        self._cancelled = threading.Event()
        roadmaps = RoadmapFiles(Path())
        self.home = Home(str(folder), roadmaps.look, self._look, self._check, self._cancelled.set)

    def _look(self) -> Sequence[RunSummary]:
        if self.is_torn:
            raise OSError("[Errno 5] Input/output error: 'runs'")
        return self._runs.look()

    def _check(self, path: Path) -> Offer:
        parse(path.read_text(encoding="utf-8"))
        assert self._cancelled.wait(60)
        raise UserError("the check was cancelled")


async def _taken(pilot: Pilot[Path | None], album: Album, name: str, keys: str) -> None:
    """Go there by the keys, take the pictures, and come back to the main screen as it was."""
    await pilot.press(
        *keys.replace("/", "slash").replace("<", "less_than_sign").replace("-", "minus").split()
    )
    await until(pilot, lambda: is_read(pilot.app))
    await album.take(pilot, name)
    while not isinstance(pilot.app.screen, RunScreen):
        await pilot.press("escape")
    pressed = set(keys.split())
    await pilot.press(*["u"] * ("m" in pressed), *["3"] * bool(pressed & set("124fx")))
    pilot.app.screen.session.say("")


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
