"""The main screen's keys, through the app itself."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from tests.support.sample_run import engine_for, write_run
from tests.support.screen_text import opened, pane_text, shown, until
from textual.events import MouseScrollDown

from staycourse_tui.app import StaycourseApp
from staycourse_tui.screens.help import HelpScreen

SMALL, LARGE = (80, 24), (160, 48)


@pytest.mark.parametrize("size", [(60, 16), SMALL, LARGE])
@pytest.mark.parametrize(
    "state", ["sealed", "empty", "running", "suspended", "finished", "failed", "abandoned"]
)
async def test_every_state_opens_at_every_size(
    sample_runs: dict[str, Path], state: str, size: tuple[int, int]
) -> None:
    app = StaycourseApp(run=sample_runs[state])
    async with app.run_test(size=size) as pilot:
        await opened(pilot)
        text = shown(app)
        assert f"{state}-1"[:7] in text
        assert "? help  d detach" in text.splitlines()[-1]
        assert all(len(row) == size[0] for row in text.splitlines())


async def test_keys_switch_which_pane_has_the_room(sample_runs: dict[str, Path]) -> None:
    app = StaycourseApp(run=sample_runs["running"])
    async with app.run_test(size=SMALL) as pilot:
        await opened(pilot)
        assert "60 epochs" in pane_text(app, "curves")
        await pilot.press("2")
        assert "★ t35" in shown(app) and "60 epochs" not in shown(app)
        await pilot.press("1")
        assert "lr 1e-05..0.1 became" in shown(app)
        await pilot.press("4")
        assert "t38 trains on cpu0" in shown(app) and "weight_decay=0.01" in shown(app)
        await pilot.press("tab", "tab", "tab")
        assert "60 epochs" in shown(app)
        await pilot.press("shift+tab")
        assert "★ t35" in shown(app)


async def test_moving_chooses_a_trial_and_escape_follows_the_running_one(
    sample_runs: dict[str, Path],
) -> None:
    app = StaycourseApp(run=sample_runs["running"])
    async with app.run_test(size=LARGE) as pilot:
        screen = await opened(pilot)
        await pilot.press("2", "up", "k", "k")
        await until(pilot, lambda: screen.frame is not None and ("t35", "val_loss") in screen.frame.curves)
        await until(pilot, lambda: "t35 ✓ done" in shown(app))
        await pilot.press("j", "down")
        await until(pilot, lambda: "t37 ✓ done" in shown(app))
        await pilot.press("home")
        await until(pilot, lambda: "t31 ✓ done" in shown(app))
        await pilot.press("left")
        await until(pilot, lambda: "phase 2/5 narrow" in shown(app) and "t30 ✓ done" in shown(app))
        await pilot.press("escape")
        await until(pilot, lambda: "t38 ▶ running" in shown(app) and "phase 3/5 grid" in shown(app))


async def test_axes_and_the_full_chart(sample_runs: dict[str, Path]) -> None:
    app = StaycourseApp(run=sample_runs["running"])
    async with app.run_test(size=SMALL) as pilot:
        await opened(pilot)
        assert "val_loss (log)" in shown(app)
        await pilot.press("y")
        assert "val_loss (linear)" in shown(app)
        await pilot.press("t")
        assert "1,440 steps" in shown(app)
        await pilot.press("f")
        assert "queue" not in shown(app) and "val_loss (linear)" in shown(app)
        await pilot.press("f")
        assert "─ queue" in shown(app)


async def test_freezing_holds_the_display_and_says_so(tmp_path: Path) -> None:
    run = write_run(tmp_path / "live-1", "running")
    with engine_for(run, training=True):
        app = StaycourseApp(run=run)
        async with app.run_test(size=LARGE) as pilot:
            screen = await opened(pilot)
            # Any epoch beyond that of the run as it was written: on a slow machine the first one is missed.
            await until(pilot, lambda: re.search(r"epoch (3[4-9]|[4-6]\d)/60", shown(app)))
            await pilot.press("space")
            assert "FROZEN" in shown(app)
            held = pane_text(app, "trial")
            newest = screen.session.newest
            await until(pilot, lambda: screen.session.newest is not newest)
            assert pane_text(app, "trial") == held
            await pilot.press("space")
            await until(pilot, lambda: "FROZEN" not in shown(app) and pane_text(app, "trial") != held)


@pytest.mark.parametrize("key", ["x", "delete", "ctrl+k"])
@pytest.mark.parametrize("size", [(60, 16), SMALL, LARGE])
async def test_keys_for_stopping_are_answered_with_the_rules(
    sample_runs: dict[str, Path], key: str, size: tuple[int, int]
) -> None:
    app = StaycourseApp(run=sample_runs["running"])
    async with app.run_test(size=size) as pilot:
        await opened(pilot)
        await pilot.press(key)
        answer = shown(app).splitlines()[-1]
        assert (
            "rules" in answer
            and "t38" in answer
            and "patience 0/5" in answer
            or "60 epochs at most" in answer
        )
        assert "…" not in answer
        await pilot.press("escape")
        assert "1 Queue" in shown(app).splitlines()[-1]


async def test_help_says_why_nothing_can_be_stopped(sample_runs: dict[str, Path]) -> None:
    app = StaycourseApp(run=sample_runs["running"])
    async with app.run_test(size=LARGE) as pilot:
        await opened(pilot)
        await pilot.press("question_mark")
        assert isinstance(app.screen, HelpScreen)
        await pilot.pause()
        assert "A trial cannot be stopped from here" in shown(app)
        await pilot.press("q")
        assert not isinstance(app.screen, HelpScreen)
        assert app.is_running


@pytest.mark.parametrize("key", ["q", "d", "ctrl+q", "ctrl+c"])
async def test_leaving_returns_the_run(sample_runs: dict[str, Path], key: str) -> None:
    app = StaycourseApp(run=sample_runs["running"])
    async with app.run_test(size=SMALL) as pilot:
        await opened(pilot)
        await pilot.press(key)
        await pilot.pause()
    assert app.return_value == sample_runs["running"] == app.run_folder


async def test_the_wheel_moves_and_a_click_chooses(sample_runs: dict[str, Path]) -> None:
    app = StaycourseApp(run=sample_runs["running"])
    async with app.run_test(size=LARGE) as pilot:
        await opened(pilot)
        trials = app.screen.query_one("#trials")
        await pilot.click("#trials", offset=(4, 3))
        await until(pilot, lambda: "t32 ✓ done" in shown(app))
        wheel = MouseScrollDown(trials, 3, 3, 0, 1, 0, False, False, False)
        trials.post_message(wheel)
        await until(pilot, lambda: "t33 ✓ done" in shown(app))
        await pilot.click("#footer", offset=(2, 0))


async def test_resizing_rearranges(sample_runs: dict[str, Path]) -> None:
    app = StaycourseApp(run=sample_runs["running"])
    async with app.run_test(size=SMALL) as pilot:
        await opened(pilot)
        await pilot.resize_terminal(160, 48)
        await until(pilot, lambda: "─ devices" in shown(app))
        await pilot.resize_terminal(40, 8)
        await until(pilot, lambda: "queue" not in shown(app) and "LOCKED" in shown(app))
        await pilot.resize_terminal(60, 16)
        await until(pilot, lambda: "─ queue" in shown(app))


async def test_the_palette_offers_themes_and_nothing_that_stops(sample_runs: dict[str, Path]) -> None:
    app = StaycourseApp(run=sample_runs["running"])
    async with app.run_test(size=LARGE) as pilot:
        screen = await opened(pilot)
        titles = [command.title for command in app.get_system_commands(screen)]
        assert "Theme" in titles and "Leave" in titles
        assert not any(word in title.lower() for title in titles for word in ("stop", "kill", "abort"))
        for theme in ("textual-light", "staycourse-light", "nord"):
            app.theme = theme
            await pilot.pause()
            assert "running-1" in shown(app)


async def test_a_run_that_cannot_be_read_is_said_and_comes_back(tmp_path: Path) -> None:
    run = write_run(tmp_path / "gone-1", "running")
    app = StaycourseApp(run=run)
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(pilot)
        hidden = run.rename(tmp_path / "elsewhere")
        await until(pilot, lambda: "not readable for" in shown(app))
        assert "val_loss" in shown(app)
        hidden.rename(run)
        await until(pilot, lambda: "not readable" not in shown(app))


async def test_why_a_run_cannot_be_read_is_said_where_that_lasts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("staycourse_tui.session._PATIENCE", 1)
    run = write_run(tmp_path / "gone-1", "running")
    app = StaycourseApp(run=run)
    async with app.run_test(size=SMALL) as pilot:
        await opened(pilot)
        hidden = run.rename(tmp_path / "elsewhere")
        await until(pilot, lambda: "cannot be read: its folder is gone" in shown(app).splitlines()[-1])
        hidden.rename(run)
        await until(pilot, lambda: "1 Queue" in shown(app).splitlines()[-1])
        (run / "run.db").write_bytes(b"nonsense" * 1000)
        await until(pilot, lambda: "cannot be read: run.db is damaged" in shown(app).splitlines()[-1])


async def test_a_read_that_does_not_come_back_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a network file system that hangs: nothing fails, and nothing answers."""
    monkeypatch.setattr("staycourse_tui.session._PATIENCE", 1)
    run = write_run(tmp_path / "slow-1", "running")
    app = StaycourseApp(run=run)
    async with app.run_test(size=SMALL) as pilot:
        screen = await opened(pilot)
        output = run / "trials" / str(screen.session.frame and screen.session.frame.focus) / "log.txt"
        output.parent.mkdir(parents=True)
        os.mkfifo(output)
        await pilot.press("enter")
        await until(pilot, lambda: "not readable for" in shown(app))
        await until(pilot, lambda: "no answer from its folder" in shown(app).splitlines()[-1])
        output.rename(tmp_path / "pipe")
        os.close(os.open(tmp_path / "pipe", os.O_WRONLY))
        await until(pilot, lambda: "not readable" not in shown(app))


async def test_a_folder_without_a_run_is_said(tmp_path: Path) -> None:
    app = StaycourseApp(run=tmp_path / "nothing-1")
    async with app.run_test(size=SMALL) as pilot:
        await until(pilot, lambda: "cannot be read" in shown(app))
        await pilot.press("q")


async def test_without_colour_it_says_the_same(
    sample_runs: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = StaycourseApp(run=sample_runs["failed"])
    async with app.run_test(size=SMALL) as pilot:
        await opened(pilot)
        assert "✗ failed-1 failed" in shown(app)


async def test_what_the_mouse_marks_is_copied_instead_of_leaving(sample_runs: dict[str, Path]) -> None:
    app = StaycourseApp(run=sample_runs["finished"])
    async with app.run_test(size=SMALL) as pilot:
        await opened(pilot)
        await pilot.mouse_down("#banner", offset=(2, 0))
        await pilot.hover("#banner", offset=(10, 0))
        await pilot.mouse_up("#banner", offset=(10, 0))
        await until(pilot, lambda: bool(app.screen.get_selected_text()))
        await pilot.press("ctrl+c")
        assert app.is_running and "finished".startswith(app.clipboard.strip()[:8])
        await pilot.press("ctrl+c")
        await pilot.pause()
    assert app.return_value == sample_runs["finished"]


async def test_a_click_on_a_phase_lists_its_trials(sample_runs: dict[str, Path]) -> None:
    app = StaycourseApp(run=sample_runs["running"])
    async with app.run_test(size=SMALL) as pilot:
        await opened(pilot)
        await pilot.click(offset=(5, 4))
        await until(pilot, lambda: "phase 2/5 narrow" in shown(app) and "t30" in shown(app))
        await pilot.press("1", "enter")
        assert "phase 2/5 narrow" in shown(app), "the trials that were listed last"
        await pilot.press("escape", "1")
        await pilot.click(offset=(5, 6))
        assert "phase 2/5 narrow" not in shown(app), "a phase without a trial lists nothing"
