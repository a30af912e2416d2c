"""All trials: sorting, filtering, marking and comparing, through the app's own keys."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.support.sample_run import write_run
from tests.support.screen_text import opened, pane_text, shown, until
from textual.pilot import Pilot

from staycourse_tui.app import StaycourseApp
from staycourse_tui.screens.run import RunScreen
from staycourse_tui.screens.trial import TrialScreen
from staycourse_tui.screens.trials import TrialsScreen

SMALL, LARGE = (80, 24), (160, 48)


async def trials_opened(pilot: Pilot[Path | None], key: str = "a") -> TrialsScreen:
    await opened(pilot)
    await pilot.press(key)
    await until(pilot, lambda: isinstance(pilot.app.screen, TrialsScreen))
    screen = pilot.app.screen
    assert isinstance(screen, TrialsScreen)
    await pilot.pause()
    return screen


def column(text: str, place: int) -> list[str]:
    """The words of a column of the table, from its first row on, of trials that have a value in each."""
    rows = [row[4:].split() for row in text.splitlines()[2:] if " done " in row or " running " in row]
    return [row[place] for row in rows]


@pytest.mark.parametrize("size", [(60, 16), SMALL, (120, 30), LARGE, (250, 70)])
async def test_numbers_are_whole_at_every_size(sample_runs: dict[str, Path], size: tuple[int, int]) -> None:
    app = StaycourseApp(run=sample_runs["finished"])
    async with app.run_test(size=size) as pilot:
        await trials_opened(pilot)
        text = shown(app)
        assert "all trials  49 trials" in text and "★" not in text.splitlines()[0]
        assert not re.search(r"\d…", text), text
        await pilot.press(*["right"] * 12)
        assert not re.search(r"\d…", shown(app)), shown(app)


async def test_two_presses_of_a_number_lead_here_as_well(sample_runs: dict[str, Path]) -> None:
    app = StaycourseApp(run=sample_runs["finished"])
    async with app.run_test(size=SMALL) as pilot:
        await opened(pilot)
        await pilot.press("2", "2")
        await until(pilot, lambda: isinstance(app.screen, TrialsScreen))
        await pilot.press("escape")
        assert isinstance(app.screen, RunScreen)


async def test_any_column_sorts_both_ways(sample_runs: dict[str, Path]) -> None:
    app = StaycourseApp(run=sample_runs["running"])
    async with app.run_test(size=LARGE) as pilot:
        screen = await trials_opened(pilot)
        await pilot.press("right", "right", "s", "g")
        assert "val_loss↑" in shown(app)
        scores = [float(word) for word in column(pane_text(app, "table"), 2)]
        assert scores == sorted(scores) and scores[0] == 0.1036
        await pilot.press("s", "g")
        assert "val_loss↓" in shown(app)
        scores = [float(word) for word in column(pane_text(app, "table"), 2)]
        assert scores == sorted(scores, reverse=True)
        for _ in range(len(screen.listed(app.screen.frame).columns)):  # type: ignore[attr-defined]
            await pilot.press("right", "s")
        assert "weight_decay" in shown(app)
        await pilot.press(*["left"] * 20, "s")
        assert column(pane_text(app, "table"), 0)[0] in ("t2", "t38")


async def test_the_filter_narrows_while_it_is_typed_and_escape_takes_it_away(
    sample_runs: dict[str, Path],
) -> None:
    app = StaycourseApp(run=sample_runs["running"])
    async with app.run_test(size=LARGE) as pilot:
        await trials_opened(pilot, "slash")
        await pilot.press(*"opt", "equals_sign", *"sgd q")
        await until(pilot, lambda: "no trial passes the filter" in shown(app))
        await pilot.press("backspace", "backspace", "enter", "g")
        await until(pilot, lambda: " with opt=sgd" in shown(app))
        assert set(column(pane_text(app, "table"), 6)) == {"sgd"}
        assert "▶ t38" in shown(app)
        await pilot.press("slash", "space", *"lr", "greater_than_sign", *"0.05")
        await until(pilot, lambda: "1 with" in shown(app))
        await pilot.press("enter", "enter")
        await until(pilot, lambda: isinstance(app.screen, TrialScreen) and "t2 ✓ done" in shown(app))
        await pilot.press("escape", "slash", "x", "d")
        await until(pilot, lambda: "0.05xd" in shown(app))
        await pilot.press("escape")
        await until(pilot, lambda: "with" not in pane_text(app, "table").splitlines()[0])
        assert isinstance(app.screen, TrialsScreen) and app.is_running


async def test_marked_set_ups_stand_side_by_side(sample_runs: dict[str, Path]) -> None:
    app = StaycourseApp(run=sample_runs["running"])
    async with app.run_test(size=LARGE) as pilot:
        screen = await trials_opened(pilot)
        await pilot.press("v")
        assert "mark two trials" in shown(app)
        await pilot.press("m")
        assert "side by side ─" not in shown(app)
        await pilot.press("up", "m", "k", "m")
        assert "›●✓ t36" in shown(app) and " ●✓ t37" in shown(app)
        assert screen.session.marked == ("t38", "t37", "t36")
        rows = pane_text(app, "beside").splitlines()
        assert rows[1].split() == ["t38", "t37", "t36"]
        assert re.search(r"batch_size +16 +8 +32", "\n".join(rows))
        assert rows.index(next(row for row in rows if row.startswith("lr "))) < rows.index(
            next(row for row in rows if row.startswith("optimizer "))
        ), "what differs stands first"
        await pilot.press("v")
        assert "side by side ─" not in shown(app)
        await pilot.press("v", "u")
        assert screen.session.marked == () and "side by side ─" not in shown(app)
        await pilot.press("m", "j", "m", "escape")
        await until(pilot, lambda: "t36 marked" in shown(app) and "t37 marked" in shown(app))


async def test_moving_and_opening(sample_runs: dict[str, Path]) -> None:
    app = StaycourseApp(run=sample_runs["running"])
    async with app.run_test(size=SMALL) as pilot:
        screen = await trials_opened(pilot)
        assert screen.state.cursor == "t38" and "› ▶ t38" in shown(app)
        await pilot.press("g")
        assert screen.state.cursor == "t1"
        await pilot.press("pagedown")
        assert screen.state.cursor == "t20"
        await pilot.press("down", "j", "k", "pageup")
        assert screen.state.cursor == "t2"
        await pilot.press("end", "home", "G", "up")
        assert screen.state.cursor == "t37"
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, TrialScreen) and "t37 ✓ done" in shown(app))
        await pilot.press("escape")
        assert app.screen is screen
        await pilot.click(offset=(10, 5))
        first = screen.state.cursor
        assert first is not None and first != "t37"
        await pilot.click(offset=(10, 5))
        await until(pilot, lambda: isinstance(app.screen, TrialScreen) and f"{first} ✓ done" in shown(app))


async def test_a_click_on_a_heading_sorts(sample_runs: dict[str, Path]) -> None:
    app = StaycourseApp(run=sample_runs["running"])
    async with app.run_test(size=SMALL) as pilot:
        await trials_opened(pilot)
        at = shown(app).splitlines()[2].index("val_loss")
        await pilot.click(offset=(at, 2))
        await pilot.pause()
        assert "val_loss↑" in shown(app)


@pytest.mark.parametrize("key", ["x", "delete", "ctrl+k"])
async def test_keys_for_stopping_are_answered_here_too(sample_runs: dict[str, Path], key: str) -> None:
    app = StaycourseApp(run=sample_runs["running"])
    async with app.run_test(size=SMALL) as pilot:
        await trials_opened(pilot)
        await pilot.press(key)
        assert "its rules" in shown(app).splitlines()[-1] and "at the latest" in shown(app).splitlines()[-1]


async def test_hyperparameters_may_be_called_as_a_trials_own_columns_are(tmp_path: Path) -> None:
    names = ("trial", "state", "score", "epochs", "phase", "time", "name", "seed")
    space = "".join(f'{name} = {{ choice = ["a", "b"] }}\n' for name in names)
    roadmap = (
        'name = "odd"\nseed = 7\n[task]\nfile = "tasks/digits.py"\n[space]\nlr = { log = [1e-5, 1e-1] }\n'
        f'batch_size = 16\n{space}[[phase]]\nkind = "probe"\ntrials = 8\nepochs = 20\n'
    )
    run = write_run(tmp_path / "odd-1", "running", roadmap_text=roadmap, stop_at=(0, 6))
    app = StaycourseApp(run=run)
    async with app.run_test(size=(200, 60)) as pilot:
        screen = await trials_opened(pilot)
        columns = screen.listed(app.screen.frame).columns  # type: ignore[attr-defined]
        assert {"time", "hp.time", "epochs", "hp.epochs", "lr"} <= set(columns)
        for _ in columns:
            await pilot.press("s", "s", "right")
        assert re.search(r"t6 +owed +0\.\d+", pane_text(app, "table")), "the newest value of what is owed"
        await pilot.press("slash", *"hp.time", "equals_sign", "b", "enter")
        await until(pilot, lambda: "with hp.time=b" in shown(app))
        kept = screen.listed(app.screen.frame).trials  # type: ignore[attr-defined]
        assert kept and {view.setup["time"] for view in kept} == {"b"}
        await pilot.press("m", "j", "m")
        await until(pilot, lambda: "side by side ─" in shown(app))
        await pilot.press("escape", "escape")
        await until(pilot, lambda: isinstance(app.screen, RunScreen))
        assert "hp." in pane_text(app, "trials").splitlines()[1]
