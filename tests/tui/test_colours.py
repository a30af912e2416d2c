"""What each terminal is sent: no colour that it does not have, and no word that cannot be read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from rich.color import Color as RichColor
from rich.color import ColorSystem, ColorType
from rich.segment import Segment
from rich.style import Style
from tests.support.terminals import on_pty, view_of
from textual.color import Color
from textual.theme import BUILTIN_THEMES, Theme

from staycourse_tui.filters import Colourless, Harmless, Legible, contrast
from staycourse_tui.theme import DARK, LIGHT, first_theme, has_few_colours, is_light, own_themes

SIXTEEN = (
    (0, 0, 0), (205, 0, 0), (0, 205, 0), (205, 205, 0), (0, 0, 238), (205, 0, 205), (0, 205, 205),
    (229, 229, 229), (127, 127, 127), (255, 0, 0), (0, 255, 0), (255, 255, 0), (92, 92, 255),
    (255, 0, 255), (0, 255, 255), (255, 255, 255),
)  # fmt: skip


STYLE = r"\x1b\[[\d;]*m"


class Run(NamedTuple):
    """Text that was written in one style; colours as what SGR says of them."""

    text: str
    ink: tuple[int, ...]
    paper: tuple[int, ...]
    reverse: bool


def runs_in(written: bytes) -> Iterator[Run]:
    """What a terminal would show, by style."""
    ink: tuple[int, ...] = ()
    paper: tuple[int, ...] = ()
    reverse = False
    for part in re.split(r"(\x1b\[[0-9;?]*[ -/]*[@-~])", written.decode("utf-8", "replace")):
        if not part.startswith("\x1b"):
            yield Run(part, ink, paper, reverse)
            continue
        codes = (
            [int(code or 0) for code in part[2:-1].split(";")]
            if part.endswith("m") and "?" not in part
            else []
        )
        while codes:
            code = codes.pop(0)
            size = {38: 4, 48: 4}.get(code, 0) and (4 if codes[0] == 2 else 2)
            colour, codes = (code, *codes[:size]), codes[size:]
            if code == 0:
                ink, paper, reverse = (), (), False
            elif code == 7:
                reverse = True
            elif code in range(30, 40) or code in range(90, 98):
                ink = colour
            elif code in range(40, 50) or code in range(100, 108):
                paper = colour


def told(colour: RichColor) -> tuple[int, int, int]:
    """What a terminal makes of a colour that it has."""
    if colour.type is ColorType.STANDARD and colour.number is not None:
        return SIXTEEN[colour.number]
    red, green, blue = colour.get_truecolor()
    return red, green, blue


def rgb(colour: tuple[int, ...]) -> tuple[int, int, int]:
    code, *rest = colour
    if rest and rest[0] == 2:
        return rest[1], rest[2], rest[3]
    if rest:
        red, green, blue = RichColor.from_ansi(rest[1]).get_truecolor()
        return red, green, blue
    return SIXTEEN[code % 10 + (8 if code >= 90 else 0)]


def seen_on(run: Path, environment: dict[str, str]) -> list[Run]:
    """What the app writes from its start to its end, with the help shown once."""
    with on_pty(view_of(run), (100, 30), environment) as terminal:
        terminal.expect(b"LOCKED", b"8 of 8", b"detach")
        before, terminal.seen = terminal.seen, b""
        terminal.press(b"2")
        terminal.expect(b"t38")
        terminal.press(b"?")
        terminal.expect(b"read-only")
        terminal.press(b"qq")
        assert terminal.wait() == 0
    return list(runs_in((before + terminal.seen).partition(b"\x1b[?25l")[2].partition(b"\x1b[?1049l")[0]))


def words(runs: list[Run]) -> list[Run]:
    return [run for run in runs if any(map(str.isalnum, run.text))]


def test_without_colours_there_are_none_and_the_cursor_can_be_seen(sample_runs: dict[str, Path]) -> None:
    runs = seen_on(sample_runs["running"], {"TERM": "xterm-256color", "NO_COLOR": "1"})
    assert not [run for run in runs if run.ink or run.paper]
    assert any(run.reverse and "t38" in run.text for run in runs)


@pytest.mark.parametrize("background", ["", "0;15"], ids=["dark", "light"])
def test_sixteen_colours(sample_runs: dict[str, Path], background: str) -> None:
    runs = seen_on(sample_runs["running"], {"TERM": "screen", "COLORFGBG": background})
    assert all(len(run.ink) < 2 and len(run.paper) < 2 for run in runs)
    papers = {run.paper for run in words(runs)}
    assert papers == {(107,) if background else (40,)}
    for run in words(runs):
        assert background or run.ink != (90,), run  # bright black is the background of many palettes
        assert contrast(rgb(run.ink), rgb(run.paper)) >= 3, run
    assert any(run.reverse and "t38" in run.text for run in runs)
    assert len({run.ink for run in words(runs)}) > 3


@pytest.mark.parametrize(
    ("environment", "kind"),
    [
        ({"TERM": "screen-256color", "COLORFGBG": "15;0"}, 5),
        ({"TERM": "xterm", "COLORTERM": "truecolor", "COLORFGBG": "0;15"}, 2),
    ],
    ids=["256, dark", "truecolor, light"],
)
def test_many_colours(sample_runs: dict[str, Path], environment: dict[str, str], kind: int) -> None:
    runs = seen_on(sample_runs["running"], environment)
    for run in words(runs):
        assert run.ink[:2] == (38, kind) and run.paper[:2] == (48, kind), run
        assert contrast(rgb(run.ink), rgb(run.paper)) >= 4.5, run
    header = next(run for run in runs if "running-1" in run.text)
    assert any(run.paper != header.paper and "t38" in run.text for run in words(runs))
    assert (sum(rgb(header.paper)) > 384) == is_light(environment)


@pytest.mark.parametrize("system", [ColorSystem.STANDARD, ColorSystem.EIGHT_BIT, ColorSystem.TRUECOLOR])
@pytest.mark.parametrize("theme", [DARK, LIGHT, *BUILTIN_THEMES.values()], ids=lambda theme: theme.name)
def test_words_in_every_theme_can_be_read_everywhere(theme: Theme, system: ColorSystem) -> None:
    colours = theme.to_color_system().generate()
    paper = Color.parse(colours["background"])
    legible, least = Legible(system), 3 if system is ColorSystem.STANDARD else 4.5
    for name in ("foreground", "primary", "accent", "success", "warning", "error", "background"):
        ink = Color.parse(colours[name])
        style = Style.from_color(ink.rich_color, paper.rich_color)
        word, rule = legible.apply([Segment("word", style), Segment("────", style)], paper)
        assert rule.style == style
        assert word.style is not None and word.style.color is not None
        if ink.ansi is None and paper.ansi is None:
            there = (word.style.color.downgrade(system), paper.rich_color.downgrade(system))
            assert contrast(*map(told, there)) >= least, name


def test_whatever_a_widget_draws_is_no_command() -> None:
    texts = ["plain ⣿", "\x1b]0;owned\x07a", "b\x1b[2J", "c\nd", "\x9b2Jf", "g\u202eh"]
    made = Harmless().apply([Segment(text) for text in texts], Color(0, 0, 0))
    assert [segment.text.rstrip() for segment in made] == ["plain ⣿", "a", "b", "c", "f", "gh"]
    assert [segment.cell_length for segment in made] == [Segment(text).cell_length for text in texts]


def test_a_style_without_colours_keeps_all_else() -> None:
    style = Style(color="red", bgcolor="blue", bold=True, reverse=True, meta={"@click": "app.leave"})
    (made,) = Colourless().apply([Segment("a", style)], Color(0, 0, 0))
    assert made.style == Style(bold=True, reverse=True, meta={"@click": "app.leave"})


@pytest.mark.parametrize(
    ("value", "light"),
    [("", False), ("15;0", False), ("0;15", True), ("0;default;7", True), ("7;8", False), ("0;11", True)]
    + [("rubbish", False), ("0;default", False), ("0;-1", False)],
)
def test_how_a_terminal_says_that_its_background_is_light(value: str, light: bool) -> None:
    assert is_light({"COLORFGBG": value}) is light


def test_the_first_theme() -> None:
    known = {DARK.name, LIGHT.name, "nord"}
    assert first_theme(None, known, {}) == DARK.name
    assert first_theme(None, known, {"COLORFGBG": "0;15"}) == LIGHT.name
    assert first_theme("nord", known, {"COLORFGBG": "0;15"}) == "nord"
    assert first_theme("gone", known, {}) == DARK.name
    for system in (None, "standard", "256", "truecolor"):
        dark, light = own_themes(system)
        assert (dark.name, light.name) == (DARK.name, LIGHT.name)
        assert has_few_colours(system) == (system in (None, "standard"))
