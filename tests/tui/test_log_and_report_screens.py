"""The log and the report in the whole window."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.sample_run import write_run
from tests.support.screen_text import opened, pane_text, shown, until

from staycourse_tui.app import StaycourseApp
from staycourse_tui.screens.log import LogScreen
from staycourse_tui.screens.report import ReportScreen
from staycourse_tui.screens.run import RunScreen

SIZES = [(60, 16), (80, 24), (120, 30), (160, 48)]
REPORT = """\
# Tuning report of digits-1

Won by **lr** 0.001 [a link](https://example.org) [/foo] ![figure](figures/a.svg)

| trial | val_loss |
|---|---|
| t35 | 0.1050 |
""" + "\n\n".join(f"Paragraph {number}." for number in range(80))


@pytest.mark.parametrize("size", SIZES)
async def test_the_log_scrolls_and_is_filtered(sample_runs: dict[str, Path], size: tuple[int, int]) -> None:
    app = StaycourseApp(run=sample_runs["running"])
    async with app.run_test(size=size) as pilot:
        await opened(pilot)
        await pilot.press("4", "4")
        assert isinstance(app.screen, LogScreen)
        await pilot.pause()
        assert "t38 trains on cpu0" in shown(app)
        await pilot.press("up", "k", "pageup", "down", "j")
        assert "lines back" in pane_text(app, "events") and "t38 trains" not in shown(app)
        await pilot.press("home")
        assert "sealed" in shown(app) and "─ 2" in shown(app), "the day stands above its events"
        await pilot.press("end", "slash", *"diverged")
        await until(pilot, lambda: "with diverged" in shown(app))
        await pilot.press("enter")
        events = pane_text(app, "events")
        assert "t38" not in events and "diverged" in events
        await pilot.press("escape")
        assert "t38 trains on cpu0" in shown(app)
        await pilot.press("escape")
        assert isinstance(app.screen, RunScreen)


@pytest.mark.parametrize("size", SIZES)
async def test_the_report_is_rendered_in_place(tmp_path: Path, size: tuple[int, int]) -> None:
    run = write_run(tmp_path / "digits-1", "finished")
    (run / "report.md").write_text(REPORT + "\x1b]0;owned\x07\x1b[2J", encoding="utf-8")
    app = StaycourseApp(run=run)
    async with app.run_test(size=size) as pilot:
        await opened(pilot)
        await pilot.press("5")
        assert isinstance(app.screen, ReportScreen)
        await until(pilot, lambda: "Tuning report of digits-1" in shown(app) and "[/foo]" in shown(app))
        assert "**" not in shown(app) and "owned" not in shown(app)
        await pilot.press("end")
        await until(pilot, lambda: "Paragraph 79." in shown(app))
        await pilot.press("pageup", "up", "k", "j", "down", "pagedown")
        await pilot.press("home")
        await until(pilot, lambda: "Tuning report" in shown(app))
        (run / "report.md").write_text("# Written again\n", encoding="utf-8")
        await until(pilot, lambda: "Written again" in shown(app))
        await pilot.press("escape")
        assert isinstance(app.screen, RunScreen)


async def test_a_run_without_a_report_says_how_to_have_one(sample_runs: dict[str, Path]) -> None:
    app = StaycourseApp(run=sample_runs["running"])
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await pilot.press("5")
        await until(pilot, lambda: "staycourse report running-1" in shown(app))
