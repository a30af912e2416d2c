"""The home screen as text: every state at every size."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.support.sample_run import ROADMAP

from staycourse.client import PhaseView, RunSummary
from staycourse.core.forecast import Forecast
from staycourse.core.problems import RoadmapError, UserError
from staycourse.core.roadmap import parse
from staycourse_tui.home import FoundRoadmap, HomeFrame
from staycourse_tui.keys import HOME_KEYS
from staycourse_tui.pictures import check
from staycourse_tui.pictures.home import HomeState, draw
from staycourse_tui.widgets.lines import text, width

SIZES = [(60, 16), (80, 24), (120, 30), (160, 48), (250, 70)]
NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
PHASES = (
    PhaseView(0, "probe", "done", 6, 6, 150, 0.1036),
    PhaseView(1, "grid", "running", 1200, 731, 60, 0.105),
    PhaseView(2, "final", "waiting", 1, 0, 60),
)
WINNER = {"lr": 0.0009633, "batch_size": 16}


def summary(name: str, status: str, **more: object) -> RunSummary:
    sealed = NOW - timedelta(hours=3, minutes=12)
    fields = {"roadmap": "digits", "phases": PHASES, "sealed": sealed, "last": NOW - timedelta(minutes=20)}
    return RunSummary(Path("/home/me/runs") / name, status, **fields | more)  # type: ignore[arg-type]


RUNS = (
    summary("digits-12", "running", is_engine_alive=True, eta=Forecast(16800, 1200)),
    summary("digits-11", "suspended", reason="the engine was told to stop (SIGTERM)"),
    summary("digits-10", "finished", winner=WINNER),
    summary("digits-9", "failed", reason="none of its 24 trials has a score"),
    summary("digits-8", "abandoned", reason="the loss had the wrong sign"),
    summary("digits-7", "sealed", phases=()),
    RunSummary(Path("/home/me/runs/digits-6"), "damaged", "event 7 was changed"),
    RunSummary(Path("/home/me/runs/digits-5"), "unreadable", "permission denied"),
    RunSummary(Path("/home/me/runs/digits-4"), "unread"),
    summary("digits-3", "finished", unanswered=12.0),
)
WORDS = {
    "digits-12": ("● running", ["for 3h12m", "ETA 4h40m", "▶ grid", "731/1200"]),
    "digits-11": ("‖ suspended", ["SIGTERM", "staycourse resume digits-11"]),
    "digits-10": ("✓ finished", ["in 2h52m", "winner:", "lr 0.0009633", "batch_size 16"]),
    "digits-9": ("✗ failed", ["none of its 24 trials has a score", "staycourse resume digits-9"]),
    "digits-8": ("⊘ abandoned", ["the loss had the wrong sign"]),
    "digits-7": ("○ sealed", ["no engine has taken it up", "staycourse resume digits-7"]),
    "digits-6": ("✗ damaged", ["event 7 was changed", "staycourse verify digits-6"]),
    "digits-5": ("✗ unreadable", ["permission denied"]),
    "digits-4": ("· reading", ["from the first event on"]),
    "digits-3": ("? no answer", ["has not answered for 12s"]),
}


def found(name: str, text_: str) -> FoundRoadmap:
    try:
        return FoundRoadmap.of(Path(name), parse(text_))
    except RoadmapError as error:
        return FoundRoadmap.of(Path(name), error)


ROADMAPS = (
    found("digits.toml", ROADMAP),
    found("broken.toml", ROADMAP.replace("trials = 6", "trial = 6").replace("seeds = 2", "seeds = 0")),
    found("torn.toml", 'name = "x\n'),
    found(
        "roadmaps/quickstart.toml", ROADMAP.replace("eliminate =", "# eliminate =").replace("digits", "quick")
    ),
    FoundRoadmap.of(Path("odd.toml"), UserError("odd.toml: not UTF-8 text")),
)
FRAME = HomeFrame("/home/me/work", NOW, ROADMAPS, RUNS)


def rows_of(frame: HomeFrame, size: tuple[int, int], state: HomeState | None = None) -> list[str]:
    """The rows of the screen; every pane must have exactly its size."""
    picture = draw(frame, state or HomeState(), size).picture
    rows = [[" "] * size[0] for _ in range(size[1])]
    for box in picture.boxes:
        assert len(picture.lines[box.pane]) == box.height, box
        for y, line in enumerate(picture.lines[box.pane]):
            assert width(line) == box.width, (box, text(line))
            rows[box.y + y][box.x : box.x + box.width] = text(line)
    return ["".join(row) for row in rows]


def at_run(name: str, focus: str = "runs") -> HomeState:
    return HomeState(focus=focus, list="runs", chosen=(None, Path("/home/me/runs") / name))


def at_roadmap(name: str, focus: str = "roadmaps") -> HomeState:
    return HomeState(focus=focus, list="roadmaps", chosen=(Path(name), None))


def has_words(rows: Sequence[str], sentence: str) -> bool:
    """A sentence may be wrapped, and panes stand side by side: look for it word by word."""
    return all(any(word in row for row in rows) for word in sentence.split())


@pytest.mark.parametrize(("name", "size"), itertools.product(WORDS, SIZES))
def test_each_run_says_how_it_stands(name: str, size: tuple[int, int]) -> None:
    state, sentences = WORDS[name]
    rows = rows_of(FRAME, size, at_run(name))
    assert any(row.startswith(state) and f" {name} " in row for row in rows), rows
    details = rows_of(FRAME, size, at_run(name, focus="details"))
    for sentence in sentences:
        assert has_words(details, sentence), (sentence, details)


@pytest.mark.parametrize("size", SIZES)
def test_each_roadmap_says_how_it_reads(size: tuple[int, int]) -> None:
    rows = "\n".join(rows_of(FRAME, size))
    trials, epochs = (55, "3,780")
    assert re.search(rf"^! 7 warnings +digits.toml .* {trials} +{epochs}\b", rows, re.MULTILINE), rows
    assert re.search(r"^✗ 3 errors +broken.toml  line 23: phase", rows, re.MULTILINE), rows
    assert re.search(r"^✗ 1 error +torn.toml  line 1: not TOML", rows, re.MULTILINE), rows
    assert re.search(r"^✗ 1 error +odd.toml  not UTF-8 text", rows, re.MULTILINE), rows
    assert re.search(r"^(✓ reads well|! \d warnings?) +roadmaps/quickstart.toml ", rows, re.MULTILINE), rows
    details = rows_of(FRAME, size, at_roadmap("broken.toml", "details"))
    for problem in ROADMAPS[1].problems:
        assert has_words(details, problem), (problem, details)
    details = rows_of(FRAME, size, at_roadmap("digits.toml", "details"))
    assert has_words(details, "55 trials, 3,780 epochs at most")
    assert has_words(details, str(ROADMAPS[0].roadmap.warnings[0]))  # type: ignore[union-attr]


@pytest.mark.parametrize("size", SIZES)
def test_no_number_is_clipped(size: tuple[int, int]) -> None:
    for state in (at_run("digits-12"), at_roadmap("digits.toml")):
        rows = rows_of(FRAME, size, state)
        listed = [row for row in rows if re.match(r"[●‖✓⊘○] \w+ +digits-", row)]
        assert listed and all("737/1207" in row for row in listed if "sealed" not in row), rows
        assert not re.search(r"\d…", "\n".join(row for row in rows if "line" not in row)), rows


def test_the_home_screen_at_80x24() -> None:
    rows = rows_of(FRAME, (80, 24))
    assert rows[0].startswith("staycourse  ")
    assert rows[0].endswith("  5 roadmaps  10 runs  ● 1 running  ‖ 1 suspended  ✗ 1 failed")
    assert rows[1].startswith("─ roadmaps ──") and rows[1].endswith("─ phases  trials  epochs  last run")
    assert rows[2] == "! 7 warnings digits.toml                             5      55   3,780  runs now"
    assert rows[7].startswith("─ runs  1–7 of 10 ──") and rows[7].endswith(
        " phase    trials    best    since    ETA"
    )
    assert rows[8] == "● running    digits-12                2/3 grid  737/1207  0.1050    3h12m  4h40m"
    assert rows[9] == "‖ suspended  digits-11                2/3 grid  737/1207  0.1050  20m ago       "
    assert rows[15].startswith("─ details  digits-12 ──")
    assert rows[16].startswith("● running  for 3h12m  ETA 4h40m ±20m")
    assert rows[23].startswith("enter open   1 Roadmaps   2 Runs   3 Details")
    assert rows[23].endswith("? help  d leave")


@pytest.mark.parametrize("size", SIZES)
def test_what_is_not_there_is_said_in_a_sentence(size: tuple[int, int]) -> None:
    first = rows_of(HomeFrame("/home/me", NOW), size)
    assert has_words(first, "reading the roadmaps") and has_words(first, "reading the runs")
    empty = rows_of(HomeFrame("/home/me", NOW, (), ()), size)
    assert has_words(empty, "no roadmap in this folder") and has_words(empty, "copy roadmaps/quickstart.toml")
    assert has_words(empty, "`staycourse schema` lets an editor help with it")
    assert has_words(empty, "no run yet")
    failed = replace(FRAME, runs=None, runs_failure="the runs cannot be listed: gone")
    assert has_words(rows_of(failed, size), "the runs cannot be listed: gone")


def test_below_the_smallest_size_there_is_one_status_line() -> None:
    rows = rows_of(FRAME, (50, 10))
    assert rows[0].startswith("staycourse  5 roadmaps  10 runs  ● 1 running")
    assert not "".join(rows[1:]).strip()


def test_what_is_chosen_is_in_sight() -> None:
    runs = tuple(summary(f"many-{at}", "finished") for at in range(300))
    frame = replace(FRAME, runs=runs)
    assert any(" many-299 " in row for row in rows_of(frame, (80, 24), at_run("many-299")))
    assert any("of 300" in row for row in rows_of(frame, (80, 24), at_run("many-299")))


def test_the_numbers_of_long_names_are_kept() -> None:
    run = summary("a-campaign-with-a-name-that-no-terminal-has-room-for-1207", "finished")
    for size in SIZES:
        rows = rows_of(replace(FRAME, runs=(run,)), size)
        assert any(re.match(r"✓ finished a-camp.*-1207 ", row) for row in rows), rows


def test_names_and_messages_are_text_and_nothing_else() -> None:
    evil = "[red]模型[/]\x1b[2J\x1b]0;owned\x07-1"
    run = summary(evil, "suspended", reason=f"killed {evil}")
    roadmap = FoundRoadmap(Path(evil + ".toml"), None, (f"line 1: {evil}",))
    frame = replace(FRAME, runs=(run, *RUNS), roadmaps=(roadmap, *ROADMAPS), place=f"/tmp/{evil}")
    seen = ""
    for size, focus in itertools.product(SIZES, ("roadmaps", "runs", "details")):
        for state in (HomeState(focus, "runs"), HomeState(focus, "roadmaps")):
            seen += "\n".join(rows_of(frame, size, state))
    assert "[red]模型[/]" in seen
    assert "\x1b" not in seen and "\x07" not in seen and "owned" not in seen


def test_the_footer_names_every_pane_at_every_width() -> None:
    for columns in range(60, 251):
        foot = rows_of(FRAME, (columns, 24))[-1]
        assert all(key.label in foot for key in HOME_KEYS if key.label), foot
        assert foot.endswith("? help  d leave")


@pytest.mark.parametrize("size", SIZES)
def test_a_check_says_what_goes_on_and_all_that_it_has_found(size: tuple[int, int]) -> None:
    picture, _, _ = check.draw(check.CheckState("digits.toml", None, 4.2), size)
    seen = "\n".join(text(line) for box in picture.boxes for line in picture.lines[box.pane])
    assert "checking: the task is loaded, one batch goes through it" in seen and "4s" in seen
    problems = tuple(f"line {at}: something is wrong with {'x' * 300} here" for at in range(1, 31))
    seen, down = "", 0
    while True:
        state = check.CheckState("digits.toml", problems, 9.0, down)
        picture, at, page = check.draw(state, size)
        assert all(width(line) == size[0] for box in picture.boxes for line in picture.lines[box.pane])
        seen += "".join(text(line).strip() for line in picture.lines["body"])
        if at < down:
            break
        down += page
    assert all(f"line {at}:" in seen for at in range(1, 31))
    assert seen.count("x") >= 30 * 300
