"""One trial in the whole window."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.sample_run import engine_for, write_run
from tests.support.screen_text import opened, pane_text, shown, until
from textual.pilot import Pilot

from staycourse.record.paths import RunPaths
from staycourse_tui.app import StaycourseApp
from staycourse_tui.screens.run import RunScreen
from staycourse_tui.screens.trial import TrialScreen

SIZES = [(60, 16), (80, 24), (120, 30), (160, 48), (250, 70)]


async def trial_opened(pilot: Pilot[Path | None]) -> TrialScreen:
    await opened(pilot)
    await pilot.press("enter")
    screen = pilot.app.screen
    assert isinstance(screen, TrialScreen)
    await until(pilot, lambda: screen.frame is not None and screen.frame.output_of is not None)
    await pilot.pause()
    return screen


@pytest.fixture
def printing(tmp_path: Path) -> Path:
    """A run whose running trial has printed more than a screen, with what a terminal would obey."""
    run = write_run(tmp_path / "digits-1", "running")
    log = RunPaths(run).trial_log("t38")
    log.parent.mkdir(parents=True)
    lines = [f"line {number} [/b] \x1b[2J\x1b]0;owned\x07 of what it says" for number in range(200)]
    log.write_text("\n".join([*lines, "x" * 300]), encoding="utf-8")
    return run


@pytest.mark.parametrize("size", SIZES)
async def test_it_tells_all_of_a_running_trial(printing: Path, size: tuple[int, int]) -> None:
    app = StaycourseApp(run=printing)
    with engine_for(printing):
        async with app.run_test(size=size) as pilot:
            await trial_opened(pilot)
            text = shown(app)
            for words in (
                "t38 ▶ running",
                "epoch 32/60",
                "0.2932",
                "optimizer",
                "val_loss (log)",
                "patience 0/5",
                "31/60 epochs done",
                "60 epochs at most",
                "12 hours at most",
                "at the latest in about",
            ):
                assert words in text, (words, text)
            assert all(len(row) == size[0] for row in text.splitlines())
            if size[1] > 16:
                assert "its output" in text and "hidden" not in text
            if size[0] >= 120 and size[1] > 30:
                for words in ("LOCKED", "2.9k/s", "waits for data 3%", "wait 0.6ms", "compute 17ms"):
                    assert words in text, (words, text)
            assert "owned" not in text


@pytest.mark.parametrize(
    ("size", "name"), [((80, 24), "train_loss (log)  t49"), ((120, 30), "val_loss (log)  t43")]
)
async def test_a_trial_without_a_score_shows_what_it_has(
    sample_runs: dict[str, Path], size: tuple[int, int], name: str
) -> None:
    app = StaycourseApp(run=sample_runs["finished"])
    async with app.run_test(size=size) as pilot:
        await trial_opened(pilot)
        await until(pilot, lambda: name in shown(app))
        assert "its rules" in shown(app) or size == (80, 24)


async def test_its_output_scrolls_and_has_the_window_on_demand(printing: Path) -> None:
    app = StaycourseApp(run=printing)
    async with app.run_test(size=(80, 24)) as pilot:
        await trial_opened(pilot)
        assert "xxxx" in pane_text(app, "output")
        await pilot.press("o", "up")
        assert "line 199 [/b]  of what it says" in pane_text(app, "output")
        assert "lines back" in pane_text(app, "output")
        await pilot.press("home")
        assert "line 0 [/b]" in pane_text(app, "output")
        await pilot.press("pagedown", "end")
        assert "xxxx" in pane_text(app, "output")
        await pilot.press("o", "f")
        assert "─ val_loss" in shown(app).splitlines()[1]
        await pilot.press("escape")
        assert "t38" in shown(app).splitlines()[1]
        await pilot.press("escape")
        assert isinstance(app.screen, RunScreen)


async def test_it_steps_to_its_neighbours_and_leaves_the_run_as_it_was(sample_runs: dict[str, Path]) -> None:
    app = StaycourseApp(run=sample_runs["running"])
    async with app.run_test(size=(160, 48)) as pilot:
        screen = await trial_opened(pilot)
        await pilot.press("left", "h", "h")
        await until(pilot, lambda: "t35 ✓ done" in shown(app) and "t35 best" in shown(app))
        assert "for 5 epochs" in shown(app), "why it ended"
        await pilot.press("m")
        assert screen.session.marked == ("t35",) and "● marked" in shown(app)
        await pilot.press("u", "right", "l", "l", "l")
        await until(pilot, lambda: "t38 ▶ running" in shown(app))
        await pilot.press("escape")
        assert isinstance(app.screen, RunScreen)
        await until(pilot, lambda: "t38 ▶ running" in shown(app))
        assert app.screen.session.request.selected is None


async def test_curves_by_epoch_step_and_time(sample_runs: dict[str, Path]) -> None:
    app = StaycourseApp(run=sample_runs["running"])
    async with app.run_test(size=(120, 36)) as pilot:
        await trial_opened(pilot)
        assert pane_text(app, "curves").rstrip().endswith("60 epochs")
        await pilot.press("t")
        assert pane_text(app, "curves").rstrip().endswith("1,440 steps")
        await pilot.press("t")
        await until(pilot, lambda: "seconds" in pane_text(app, "curves"))
        await until(pilot, lambda: "t38" in pane_text(app, "curves").splitlines()[0])
        await pilot.press("y")
        assert "val_loss (linear)" in shown(app)
        await pilot.press("t")
        assert pane_text(app, "curves").rstrip().endswith("60 epochs")


@pytest.mark.parametrize("key", ["x", "delete", "ctrl+k"])
async def test_keys_for_stopping_are_answered_here_too(sample_runs: dict[str, Path], key: str) -> None:
    app = StaycourseApp(run=sample_runs["running"])
    async with app.run_test(size=(80, 24)) as pilot:
        await trial_opened(pilot)
        await pilot.press(key)
        assert "only its rules end t38: patience 0/5, or epoch 60" in shown(app).splitlines()[-1]
