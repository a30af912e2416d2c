"""The sheets over a screen: what closes them is in sight at every size, all of the rest can be reached."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.support.sample_states import offer
from tests.support.screen_text import opened, shown, until
from textual.events import MouseScrollDown

from staycourse_tui.app import StaycourseApp
from staycourse_tui.keys import RUN_KEYS
from staycourse_tui.panes.help import help_lines
from staycourse_tui.panes.seal import answers, question
from staycourse_tui.widgets.lines import text, width

SIZES = [(60, 16), (80, 24), (160, 48)]


@pytest.mark.parametrize("size", SIZES)
async def test_the_answers_to_the_seal_are_in_sight(size: tuple[int, int]) -> None:
    app = StaycourseApp(offer=offer())
    async with app.run_test(size=size) as pilot:
        await pilot.press("enter")
        await until(pilot, lambda: "enter seals" in shown(app))
        seen = shown(app)
        assert "Seal digits?" in seen and "enter seals" in seen and "esc" in seen and "back" in seen


@pytest.mark.parametrize("size", SIZES)
async def test_the_whole_help_can_be_read(sample_runs: dict[str, Path], size: tuple[int, int]) -> None:
    app = StaycourseApp(run=sample_runs["running"])
    async with app.run_test(size=size) as pilot:
        await opened(pilot)
        await pilot.press("question_mark")
        await pilot.pause()
        seen = shown(app)
        assert "No key here ends a trial" in seen and "esc closes this help" in seen
        for key in ("j", "down", *["pagedown"] * 6, "end"):
            await pilot.press(key)
            seen += shown(app)
        assert not re.search(r"↓ \d+ more", shown(app)) and "result. " in shown(app)
        for key in RUN_KEYS:
            assert key.tells.split()[-1] in seen, key.tells
        await pilot.press("k", "up", "pageup", "home")
        assert "running-1: a view" in shown(app)
        wheel = MouseScrollDown(app.screen.query_one("#body"), 3, 3, 0, 1, 0, False, False, False)
        app.screen.query_one("#body").post_message(wheel)
        await pilot.pause()
        assert ("running-1: a view" in shown(app)) == (size == SIZES[-1]), "only what is hidden scrolls"


@pytest.mark.parametrize("size", range(54, 121))
def test_no_line_of_a_sheet_is_wider_than_it(size: int) -> None:
    why = ("A sentence that stands first.", "And another one, which is longer than a narrow sheet is wide.")
    for made in [*help_lines(RUN_KEYS, "digits-1", why, size), *question(offer(), None, size), answers(size)]:
        assert width(made) <= size, text(made)
