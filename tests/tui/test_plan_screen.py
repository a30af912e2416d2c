"""The plan screen: what it shows, and that only Enter, twice, seals."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.sample_run import ROADMAP
from tests.support.screen_text import opened, shown, until
from textual.pilot import Pilot

from staycourse.core.problems import UserError
from staycourse.core.roadmap import parse
from staycourse_tui.app import StaycourseApp
from staycourse_tui.offer import Offer
from staycourse_tui.screens.plan import PlanScreen
from staycourse_tui.screens.seal import SealScreen

Say = Callable[[str], None]


class Asked:
    """Callbacks of a command line: what they were asked, and on which thread."""

    def __init__(self, run: Path, error: Exception | None = None, passes: bool = True) -> None:
        self.run, self.error, self.passes = run, error, passes
        self.sealed = 0
        self.threads: set[str] = set()
        self.go_on = threading.Event()
        self.go_on.set()

    def seal(self) -> Path:
        self.sealed += 1
        self.threads.add(threading.current_thread().name)
        if self.error:
            raise self.error
        return self.run

    def rehearse(self, say: Say) -> bool:
        self.threads.add(threading.current_thread().name)
        say("probe: 2 trials of 2 epochs [/foo]\x1b[2J")
        self.go_on.wait(10)
        say("report written")
        if self.error:
            raise self.error
        return self.passes

    def offer(self) -> Offer:
        facts = {"samples": 1797, "split": {"train": 1437, "validation": 360}, "fingerprint": "f" * 64}
        notes = ("momentum is read under sgd only",)
        path = "roadmaps/digits.toml"
        return Offer(parse(ROADMAP), path, notes, facts, self.seal, self.rehearse, "5ea1" * 16)


async def seal(pilot: Pilot[Path | None]) -> None:
    """Ask for the seal, and answer once the question can be answered."""
    await pilot.press("enter")
    await until(pilot, lambda: "enter seals and starts" in shown(pilot.app))
    await pilot.press("enter")


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (120, 40)])
async def test_the_plan_says_what_would_be_sealed(tmp_path: Path, size: tuple[int, int]) -> None:
    app = StaycourseApp(offer=Asked(tmp_path).offer())
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        seen = shown(app)
        assert "roadmaps/digits.toml" in seen and "NOT SEALED YET" in seen
        for _ in range(8):
            await pilot.press("pagedown")
            seen += shown(app)
        for words in (
            "probe", "narrow", "grid", "confirm", "final", "3,780", "patience 15, from epoch 91",
            "lr 1e-05..0.1 log", "with optimizer sgd", "val_loss, smaller is better", "samples 1,797",
            "split validation 360", "momentum is read under sgd only", "seal", "rehearse first",
        ):  # fmt: skip
            assert words in seen, words
        assert "ffff" not in seen
        assert all(len(row) == size[0] for row in shown(app).splitlines())


@pytest.mark.parametrize("key", ["q", "d", "escape", "ctrl+q", "ctrl+c"])
async def test_leaving_seals_nothing(tmp_path: Path, key: str) -> None:
    asked = Asked(tmp_path)
    app = StaycourseApp(offer=asked.offer())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(key)
        await pilot.pause()
    assert asked.sealed == 0
    assert app.return_value is None and app.run_folder is None


async def test_enter_asks_first_and_escape_goes_back(tmp_path: Path) -> None:
    asked = Asked(tmp_path)
    app = StaycourseApp(offer=asked.offer())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(app.screen, SealScreen)
        for words in (
            "Sealing fixes the plan",
            "55 trials, 3,780 epochs",
            "Its seal will be 5ea15ea1",
            "No rehearsal was done",
            "recommended",
        ):
            assert words in shown(app)
        await pilot.press("escape")
        assert isinstance(app.screen, PlanScreen)
        assert asked.sealed == 0


async def test_enter_twice_seals_once_and_opens_the_run(sample_runs: dict[str, Path]) -> None:
    asked = Asked(sample_runs["running"])
    app = StaycourseApp(offer=asked.offer())
    async with app.run_test(size=(80, 24)) as pilot:
        await seal(pilot)
        await opened(pilot)
        assert asked.sealed == 1
        assert asked.threads == {"offer"}
        assert app.run_folder == sample_runs["running"]
        await pilot.press("d")
        await pilot.pause()
    assert app.return_value == sample_runs["running"]


@pytest.mark.parametrize("error", [UserError("runs/ cannot be written"), RuntimeError("[/foo] odd")])
async def test_a_seal_that_fails_is_shown_and_can_be_tried_again(tmp_path: Path, error: Exception) -> None:
    asked = Asked(tmp_path, error)
    app = StaycourseApp(offer=asked.offer())
    async with app.run_test(size=(80, 24)) as pilot:
        await seal(pilot)
        await until(pilot, lambda: f"nothing was sealed: {_said(error)}" in shown(app))
        await seal(pilot)
        await until(pilot, lambda: asked.sealed == 2)


async def test_enter_pressed_again_and_again_does_not_seal(tmp_path: Path) -> None:
    asked = Asked(tmp_path)
    app = StaycourseApp(offer=asked.offer())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("enter", "enter", "enter")
        assert isinstance(app.screen, SealScreen) and "a moment to read" in shown(app)
        await until(pilot, lambda: "enter seals and starts" in shown(app))
        assert asked.sealed == 0


async def test_a_rehearsal_shows_its_progress_and_its_end(tmp_path: Path) -> None:
    asked = Asked(tmp_path)
    asked.go_on.clear()
    app = StaycourseApp(offer=asked.offer())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("r")
        await until(pilot, lambda: "probe: 2 trials of 2 epochs [/foo]" in shown(app))
        assert "rehearsing" in shown(app)
        await pilot.press("enter", "r")
        assert isinstance(app.screen, PlanScreen)
        asked.go_on.set()
        await until(pilot, lambda: "the rehearsal passed" in shown(app) and "report written" in shown(app))
        await pilot.press("enter")
        await pilot.pause()
        assert "The rehearsal passed." in shown(app) and "No rehearsal" not in shown(app)
    assert asked.threads == {"offer"} and asked.sealed == 0


async def test_a_rehearsal_that_fails_says_so_in_the_question_too(tmp_path: Path) -> None:
    app = StaycourseApp(offer=Asked(tmp_path, UserError("final: KeyError 'lr'")).offer())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("enter")
        await pilot.press("r")
        await until(pilot, lambda: "did not pass" in shown(app) and "KeyError 'lr'" in shown(app))
        await pilot.press("enter")
        await pilot.pause()
        assert "The rehearsal did not pass" in shown(app)


async def test_leaving_in_mid_rehearsal_does_not_wait_for_it(tmp_path: Path) -> None:
    asked = Asked(tmp_path)
    asked.go_on.clear()
    app = StaycourseApp(offer=asked.offer())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("r")
        await until(pilot, lambda: bool(asked.threads))
        await pilot.press("q")
        await pilot.pause()
    assert app.return_value is None
    asked.go_on.set()


def _said(error: Exception) -> str:
    return str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
