"""The home screen's keys, through the app itself, over real roadmaps and runs."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.sample_run import ROADMAP, engine_for, write_run
from tests.support.screen_text import opened, pane_text, shown, until
from textual.events import MouseScrollDown
from textual.pilot import Pilot

from staycourse.cli.roadmap_files import RoadmapFiles
from staycourse.core.problems import UserError
from staycourse.core.roadmap import parse
from staycourse.record import watched_runs
from staycourse.record.watched_runs import WatchedRuns
from staycourse_tui.app import StaycourseApp
from staycourse_tui.home import Home
from staycourse_tui.offer import Offer
from staycourse_tui.screens import home as home_screen
from staycourse_tui.screens.check import CheckScreen
from staycourse_tui.screens.help import HelpScreen
from staycourse_tui.screens.home import HomeScreen
from staycourse_tui.screens.plan import PlanScreen
from staycourse_tui.screens.run import RunScreen

SMALL, LARGE = (80, 24), (160, 48)
App = StaycourseApp
Shown = Pilot[Path | None]


class Here:
    """A folder with roadmaps and runs; a check of which the test says when and how it ends."""

    def __init__(self, folder: Path, runs: Path) -> None:
        self.folder, self.runs = folder, runs
        self.checked: list[Path] = []
        self.cancelled = 0
        self.sealed = 0
        self.error: Exception | None = None
        self.may_end = threading.Event()
        self.may_end.set()

    def app(self) -> App:
        roadmaps, runs = RoadmapFiles(self.folder), WatchedRuns(self.runs, patience=0.2)
        return StaycourseApp(home=Home(str(self.folder), roadmaps.look, runs.look, self.check, self.cancel))

    def check(self, path: Path) -> Offer:
        self.checked.append(path)
        assert self.may_end.wait(20)
        if self.error:
            raise self.error
        roadmap = parse(path.read_text(encoding="utf-8"))
        return Offer(roadmap, path.name, (), {}, self.seal, lambda say: True)

    def cancel(self) -> None:
        self.cancelled += 1

    def seal(self) -> Path:
        self.sealed += 1
        assert self.may_end.wait(20)
        return write_run(self.runs / "sealed-9", "sealed")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Runs of which one has an engine; nothing changes them."""
    root = tmp_path_factory.mktemp("written")
    for state in ("running", "finished", "failed"):
        write_run(root / f"{state}-1", state)
    with engine_for(root / "running-1"):
        yield root


@pytest.fixture
def here(written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Here:
    """Two roadmaps, one of them broken, beside those runs."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(watched_runs, "LIST_EVERY", 0.1)
    monkeypatch.setattr(home_screen, "_ROADMAPS_EVERY", 0.1)
    monkeypatch.setattr(home_screen, "_RUNS_EVERY", 0.1)
    (tmp_path / "a.toml").write_text(ROADMAP, encoding="utf-8")
    (tmp_path / "b.toml").write_text(ROADMAP.replace("seeds = 2", "seeds = 0"), encoding="utf-8")
    return Here(tmp_path, written)


@pytest.fixture
def mine(here: Here) -> Iterator[Here]:
    """The same with runs that may be changed."""
    here.runs = Path(shutil.copytree(here.runs, here.folder / "runs"))
    with engine_for(here.runs / "running-1"):
        yield here


async def listed(pilot: Shown) -> HomeScreen:
    """The home screen once everything is read."""
    await until(
        pilot,
        lambda: (
            "● running" in shown(pilot.app)
            and "✓ finished" in shown(pilot.app)
            and "✗ failed" in shown(pilot.app)
            and "a.toml" in shown(pilot.app)
        ),
    )
    screen = pilot.app.screen
    assert isinstance(screen, HomeScreen)
    return screen


async def test_it_fills_every_size(here: Here) -> None:
    app = here.app()
    async with app.run_test(size=SMALL) as pilot:
        await listed(pilot)
        for size in (LARGE, (60, 16), (120, 30), (250, 70)):
            await pilot.resize_terminal(*size)
            await until(pilot, lambda size=size: len(shown(app).splitlines()) == size[1])  # type: ignore[misc]
            await listed(pilot)
            rows = shown(app).splitlines()
            assert all(len(row) == size[0] for row in rows)
            assert rows[-1].rstrip().endswith("? help  d leave")
        await pilot.resize_terminal(40, 8)
        await until(pilot, lambda: "─ runs" not in shown(app) and "3 runs" in shown(app))


async def test_a_running_run_comes_first_and_enter_opens_it_and_escape_comes_back(here: Here) -> None:
    app = here.app()
    async with app.run_test(size=SMALL) as pilot:
        await listed(pilot)
        await until(pilot, lambda: "details  running-1" in shown(app))
        await pilot.press("enter")
        await opened(pilot)
        assert app.run_folder == here.runs / "running-1"
        await pilot.press("escape")
        await listed(pilot)
        await pilot.press("j", "enter")
        await opened(pilot)
        assert app.run_folder in (here.runs / "finished-1", here.runs / "failed-1")
        await pilot.press("escape")
        await listed(pilot)
        await pilot.press("q")
        await pilot.pause()
    assert app.return_value is None and app.return_code == 0


async def test_keys_pressed_twice_open_and_close_once(here: Here) -> None:
    app = here.app()
    async with app.run_test(size=SMALL) as pilot:
        home = await listed(pilot)
        home.action_open()
        home.action_open()
        run = await opened(pilot)
        await until(pilot, lambda: len(app.screen_stack) == 2)
        run.action_follow()
        run.action_follow()
        await until(pilot, lambda: app.screen is home)
        await pilot.press("1")
        here.may_end.clear()
        home.action_open()
        home.action_open()
        await until(pilot, lambda: isinstance(app.screen, CheckScreen))
        assert len(app.screen_stack) == 2
        check = app.screen
        assert isinstance(check, CheckScreen)
        check.action_back()
        check.action_back()
        await until(pilot, lambda: app.screen is home)
        here.may_end.set()


@pytest.mark.parametrize("key", ["q", "d", "ctrl+q", "ctrl+c"])
async def test_leaving_at_home_shows_no_run(here: Here, key: str) -> None:
    app = here.app()
    async with app.run_test(size=SMALL) as pilot:
        await listed(pilot)
        await pilot.press(key)
        await pilot.pause()
    assert app.return_value is None and app.run_folder is None and app.return_code == 0


async def test_leaving_in_a_run_returns_it(here: Here) -> None:
    app = here.app()
    async with app.run_test(size=SMALL) as pilot:
        await listed(pilot)
        await pilot.press("enter")
        await opened(pilot)
        await pilot.press("d")
        await pilot.pause()
    assert app.return_value == here.runs / "running-1"


async def test_keys_move_between_the_panes_and_within_them(here: Here) -> None:
    app = here.app()
    async with app.run_test(size=SMALL) as pilot:
        await listed(pilot)
        assert "details  running-1" in shown(app)
        await pilot.press("1")
        assert "details  " + str(here.folder)[:8] in shown(app) and "a.toml ─" in shown(app)
        for keys, name in ((("down",), "b"), (("up",), "a"), (("j",), "b"), (("k",), "a"), (("G",), "b")):
            await pilot.press(*keys)
            assert f"{name}.toml ─" in shown(app), keys
        await pilot.press("g")
        await pilot.press("tab")
        assert "details  running-1" in shown(app)
        await pilot.press("end")
        assert "details  running-1" not in shown(app)
        await pilot.press("home", "pagedown", "pageup")
        assert "details  running-1" in shown(app)
        await pilot.press("shift+tab")
        assert "a.toml ─" in shown(app)
        await pilot.press("shift+tab")
        before = pane_text(app, "details")
        await pilot.press("down", "pagedown")
        assert pane_text(app, "details") != before and "a.toml ─" in shown(app)
        await pilot.press("escape", "down")
        assert "b.toml ─" in shown(app)
        await pilot.press("2", "3", "escape", "down")
        assert ".toml ─" not in shown(app)


async def test_on_a_small_screen_the_details_take_the_place_of_the_lists(here: Here) -> None:
    app = here.app()
    async with app.run_test(size=(60, 16)) as pilot:
        await listed(pilot)
        assert "─ details" not in shown(app)
        await pilot.press("1", "down", "3")
        assert "─ details" in shown(app) and "─ runs" not in shown(app)
        assert "seeds: expected at least 1, found 0" in shown(app)
        await pilot.press("escape")
        assert "─ runs" in shown(app)


async def test_a_roadmap_becomes_a_plan_and_a_sealed_plan_a_run(mine: Here) -> None:
    mine.may_end.clear()
    app = mine.app()
    async with app.run_test(size=SMALL) as pilot:
        await listed(pilot)
        await pilot.press("1", "enter")
        await until(pilot, lambda: "checking: the task is loaded, one batch goes through it" in shown(app))
        mine.may_end.set()
        await until(pilot, lambda: isinstance(app.screen, PlanScreen) and "NOT SEALED YET" in shown(app))
        assert "esc back" in shown(app)
        await pilot.press("escape")
        await listed(pilot)
        assert mine.sealed == 0
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, PlanScreen))
        mine.may_end.clear()
        await pilot.press("enter")
        await until(pilot, lambda: "enter seals and starts" in shown(app))
        await pilot.press("enter")
        await until(pilot, lambda: "sealing: a moment" in shown(app))
        await pilot.press("escape")
        assert isinstance(app.screen, PlanScreen)  # what is being sealed is not left behind
        mine.may_end.set()
        await opened(pilot)
        assert mine.sealed == 1 and app.run_folder == mine.runs / "sealed-9"
        assert not any(isinstance(screen, PlanScreen | CheckScreen) for screen in app.screen_stack)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, HomeScreen) and "sealed-9" in shown(app))
        await pilot.press("q")
        await pilot.pause()
    assert app.return_value is None and app.run_folder == mine.runs / "sealed-9"
    assert mine.cancelled == 0


async def test_leaving_a_plan_that_was_opened_from_home_seals_nothing(here: Here) -> None:
    app = here.app()
    async with app.run_test(size=SMALL) as pilot:
        await listed(pilot)
        await pilot.press("1", "enter")
        await until(pilot, lambda: isinstance(app.screen, PlanScreen))
        await pilot.press("question_mark")
        await until(pilot, lambda: "back to the screen before" in shown(app))
        await pilot.press("escape", "q")
        await pilot.pause()
    assert app.return_value is None and app.run_folder is None and here.sealed == 0


async def test_a_check_that_is_not_waited_for_is_ended(here: Here) -> None:
    here.may_end.clear()
    app = here.app()
    async with app.run_test(size=SMALL) as pilot:
        await listed(pilot)
        await pilot.press("1", "enter")
        await until(pilot, lambda: len(here.checked) == 1)
        await pilot.press("escape")
        await listed(pilot)
        await until(pilot, lambda: here.cancelled == 1)
        here.may_end.set()
        # Its answer is not waited for by anybody: the next check's is.
        here.error = UserError("the second check")
        await pilot.press("enter")
        await until(pilot, lambda: "the second check" in shown(app))
        assert len(here.checked) == 2
    assert here.cancelled == 1


async def test_what_stands_against_a_roadmap_is_shown_in_full_and_can_be_mended(here: Here) -> None:
    here.error = UserError("\n".join(f"a.toml: line {at}: [/foo] problem {at}" for at in range(1, 61)))
    app = here.app()
    async with app.run_test(size=SMALL) as pilot:
        await listed(pilot)
        await pilot.press("1", "enter")
        await until(pilot, lambda: "60 errors" in shown(app) and "line 1: [/foo] problem 1" in shown(app))
        seen = shown(app)
        for _ in range(4):
            await pilot.press("pagedown")
            seen += shown(app)
        assert all(f"problem {at} " in seen for at in range(1, 61))
        await pilot.press("home", "down", "k")
        assert "problem 1 " in shown(app)
        await pilot.press("c")
        assert "copied" in shown(app) and "problem 1\n" in app.clipboard
        await pilot.press("question_mark")
        assert isinstance(app.screen, HelpScreen)
        await pilot.press("escape")
        here.error = None
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, PlanScreen))
    assert len(here.checked) == 2


async def test_a_fault_in_the_check_is_shown_too(here: Here) -> None:
    here.error = RuntimeError("[/foo] odd")
    app = here.app()
    async with app.run_test(size=SMALL) as pilot:
        await listed(pilot)
        await pilot.press("1", "enter")
        await until(pilot, lambda: "RuntimeError: [/foo] odd" in shown(app))


async def test_a_damaged_run_is_not_opened_and_says_why(mine: Here) -> None:
    (mine.runs / "failed-1" / "run.db").write_bytes(b"nonsense")
    app = mine.app()
    async with app.run_test(size=LARGE) as pilot:
        await until(pilot, lambda: "✗ damaged" in shown(app) and "● running" in shown(app))
        await pilot.press("2", "end")
        if "details  failed-1" not in shown(app):
            await pilot.press("up")
        await pilot.press("enter")
        assert "failed-1 is damaged: " in shown(app).splitlines()[-1]
        assert isinstance(app.screen, HomeScreen)
        await pilot.press("down")
        assert "3 Details" in shown(app).splitlines()[-1]


async def test_it_shows_what_changes_while_it_is_open(mine: Here) -> None:
    app = mine.app()
    async with app.run_test(size=LARGE) as pilot:
        await listed(pilot)
        (mine.folder / "b.toml").write_text(ROADMAP, encoding="utf-8")
        (mine.folder / "roadmaps").mkdir()
        (mine.folder / "roadmaps" / "new.toml").write_text(ROADMAP, encoding="utf-8")
        write_run(mine.runs / "later-1", "suspended")
        await until(pilot, lambda: "1 error" not in shown(app) and "new.toml" in shown(app))
        await until(pilot, lambda: "‖ suspended" in shown(app) and "later-1" in shown(app))
        shutil.rmtree(mine.runs / "later-1")
        (mine.folder / "b.toml").unlink()
        await until(pilot, lambda: "later-1" not in shown(app) and "b.toml" not in shown(app))


async def test_a_folder_without_anything_is_said_in_sentences(here: Here) -> None:
    here.folder = here.folder / "roadmaps"
    here.folder.mkdir()
    here.runs = here.folder / "runs"
    app = here.app()
    async with app.run_test(size=SMALL) as pilot:
        await until(pilot, lambda: "no roadmap in this folder" in shown(app) and "no run yet" in shown(app))
        await pilot.press("enter", "down", "tab", "enter", "up", "3", "down", "1")
        assert isinstance(app.screen, HomeScreen)
        shutil.rmtree(here.folder)
        await until(pilot, lambda: "the roadmaps cannot be listed" in shown(app))


async def test_a_folder_that_can_no_longer_be_listed_keeps_what_was_found(here: Here) -> None:
    here.folder = here.folder / "work"
    here.folder.mkdir()
    (here.folder / "a.toml").write_text(ROADMAP, encoding="utf-8")
    app = here.app()
    async with app.run_test(size=LARGE) as pilot:
        await listed(pilot)
        shutil.rmtree(here.folder)
        await until(pilot, lambda: "the roadmaps cannot be listed" in shown(app))
        assert "a.toml" in shown(app)


async def test_keys_for_stopping_are_answered(here: Here) -> None:
    app = here.app()
    async with app.run_test(size=(60, 16)) as pilot:
        await listed(pilot)
        for key in ("x", "delete", "ctrl+k"):
            await pilot.press(key)
            answer = shown(app).splitlines()[-1]
            assert "nothing is stopped" in answer and "rules end trials" in answer and "…" not in answer
            await pilot.press("escape")
            assert "3 Details" in shown(app).splitlines()[-1]
        await pilot.resize_terminal(*LARGE)
        await listed(pilot)
        await pilot.press("x")
        assert "staycourse abandon gives a run up" in shown(app).splitlines()[-1]


async def test_help_tells_every_key_and_the_palette_offers_nothing_that_stops(here: Here) -> None:
    app = here.app()
    async with app.run_test(size=(100, 60)) as pilot:
        screen = await listed(pilot)
        await pilot.press("question_mark")
        await until(pilot, lambda: "the roadmaps of this folder, and the runs" in shown(app))
        for words in ("enter  open", "tab  the next pane", "q d  leave", "↓ j  move down"):
            assert words in shown(app), words
        await pilot.press("escape")
        titles = [command.title for command in app.get_system_commands(screen)]
        assert "Theme" in titles and "Leave" in titles
        await pilot.press("c")
        assert "running-1" in app.clipboard


async def test_the_mouse_chooses_opens_and_scrolls(here: Here) -> None:
    app = here.app()
    async with app.run_test(size=LARGE) as pilot:
        await listed(pilot)
        await pilot.click("#roadmaps", offset=(20, 2))
        await until(pilot, lambda: "b.toml ─" in shown(app))
        runs = app.screen.query_one("#runs")
        runs.post_message(MouseScrollDown(runs, 3, 3, 0, 1, 0, False, False, False))
        await until(pilot, lambda: "details  running-1" not in shown(app) and ".toml ─" not in shown(app))
        await pilot.click("#runs", offset=(20, 1))
        await until(pilot, lambda: "details  running-1" in shown(app))
        await pilot.click("#runs", offset=(20, 1))
        await opened(pilot)


async def test_it_asks_nothing_while_a_run_covers_it(here: Here) -> None:
    asked = 0
    app = here.app()
    home = app._home
    assert home is not None

    def count() -> tuple[object, ...]:
        nonlocal asked
        asked += 1
        return tuple(home.runs())

    app._home = Home(home.place, home.roadmaps, count, home.check, home.cancel)  # type: ignore[arg-type]
    async with app.run_test(size=SMALL) as pilot:
        await listed(pilot)
        await pilot.press("enter")
        screen = await opened(pilot)
        assert isinstance(screen, RunScreen)
        before, frame = asked, screen.frame
        await until(pilot, lambda: screen.frame is not frame)
        assert asked <= before + 1
        await pilot.press("escape")
        await until(pilot, lambda: asked > before + 1)
