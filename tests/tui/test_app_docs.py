"""docs/app.md tells of the app as it is: its screens, their pictures, their keys, its sizes."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from staycourse_tui import keys, layout
from staycourse_tui.keys import Key

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "app.md").read_text(encoding="utf-8")
COMMON = (*keys.MOVES, keys.BACK, keys.FREEZE, keys.COPY, keys.HELP)
OF_SCREENS = {
    "Home": keys.HOME_KEYS,
    "Check": keys.CHECK_KEYS,
    "Plan": keys.PLAN_KEYS,
    "Run": keys.RUN_KEYS,
    "Trials": keys.TRIALS_KEYS,
    "Trial": keys.TRIAL_KEYS,
    "Log": keys.LOG_KEYS,
    "Report": keys.REPORT_KEYS,
}
NO_SCREENS = {"__init__", "base", "run_view", "sheet"}  # what several screens share


def section(title: str) -> str:
    """The text below a heading, "" for what stands above the first one."""
    parts = re.split(r"^## (.+)\n", TEXT, flags=re.MULTILINE)
    return dict(zip(["", *parts[1::2]], parts[::2], strict=True))[title]


def table(told: tuple[Key, ...]) -> str:
    rows = [f"| {' '.join(f'`{name}`' for name in _names(key))} | {key.tells} |" for key in told]
    return "\n".join(["| key | |", "|---|---|", *rows]) + "\n"


def _names(key: Key) -> list[str]:
    return [key.shown] if key.shown.startswith("page") else key.shown.split()


def test_every_screen_has_its_picture_and_no_picture_lacks_a_screen() -> None:
    screens = {path.stem for path in (ROOT / "tui/staycourse_tui/screens").glob("*.py")} - NO_SCREENS
    assert {path.stem for path in (ROOT / "docs/app").iterdir()} == screens
    assert sorted(re.findall(r"!\[.+\]\(app/(\w+)\.svg\)", TEXT)) == sorted(screens)


def test_pictures_are_small_and_fetch_nothing() -> None:
    for path in [*(ROOT / "docs/app").iterdir(), ROOT / "docs/app.svg"]:
        svg = path.read_text(encoding="utf-8")
        assert svg.startswith("<svg") and len(svg) < 150_000
        assert "url(http" not in svg and 'url("http' not in svg and "href" not in svg


@pytest.mark.parametrize("screen", OF_SCREENS)
def test_the_keys_of_a_screen_are_those_that_it_has(screen: str) -> None:
    own = tuple(key for key in OF_SCREENS[screen] if key not in COMMON)
    assert not own or table(own) in section(screen), table(own)


def test_the_common_keys_stand_above_all_screens() -> None:
    assert table((*COMMON, keys.STOPPING, keys.LEAVE)) in section("")


def test_the_sizes_are_those_of_the_layout() -> None:
    told = re.findall(r"(\d+)x(\d+)", section("Sizes"))
    smallest, two, three, last = [(int(width), int(height)) for width, height in told]
    assert smallest == last == (layout.MIN_WIDTH, layout.MIN_HEIGHT)
    assert layout.shows_all(*two) and not layout.shows_all(two[0] - 1, two[1])
    names = [
        {box.pane for box in layout.arrange(width, three[1], "curves", False, layout.Wishes())}
        for width in (three[0], three[0] - 1)
    ]
    assert "machine" in names[0] and "machine" not in names[1]


def test_the_command_takes_the_picture_that_is_stored(tmp_path: Path) -> None:
    command = [sys.executable, "docs/pictures.py", "seal", "--out", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, timeout=120, capture_output=True)
    words = [
        re.findall(r">([^<>]+)</text>", (folder / "app/seal.svg").read_text(encoding="utf-8"))
        for folder in (tmp_path, ROOT / "docs")
    ]
    assert words[0] == words[1] and len(words[0]) > 50
