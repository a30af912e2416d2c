"""The last look at what is drawn, whichever widget has drawn it: nothing in it is a command to the terminal,
and every word can be read in the colours that the terminal has."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from rich.cells import cell_len, set_cell_size
from rich.color import Color as RichColor
from rich.color import ColorSystem, ColorType
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter

from staycourse.core.text import sanitise

RGB = tuple[int, int, int]
# WCAG's least contrast for text. The sixteen colours are what a terminal's owner has made of them, so only
# what is close to invisible there is changed.
_LEAST, _LEAST_OF_SIXTEEN = 4.5, 3.0
_STEPS = (0.25, 0.5, 0.75, 1.0)
_POLES = (RichColor.from_rgb(255, 255, 255), RichColor.from_rgb(0, 0, 0))
_SYSTEMS = {"standard": ColorSystem.STANDARD, "256": ColorSystem.EIGHT_BIT}
# What terminals make of the sixteen: the PC's own, and xterm's.
_SIXTEEN: tuple[tuple[RGB, ...], ...] = (
    (
        (0, 0, 0), (170, 0, 0), (0, 170, 0), (170, 85, 0), (0, 0, 170), (170, 0, 170), (0, 170, 170),
        (170, 170, 170), (85, 85, 85), (255, 85, 85), (85, 255, 85), (255, 255, 85), (85, 85, 255),
        (255, 85, 255), (85, 255, 255), (255, 255, 255),
    ),
    (
        (0, 0, 0), (205, 0, 0), (0, 205, 0), (205, 205, 0), (0, 0, 238), (205, 0, 205), (0, 205, 205),
        (229, 229, 229), (127, 127, 127), (255, 0, 0), (0, 255, 0), (255, 255, 0), (92, 92, 255),
        (255, 0, 255), (0, 255, 255), (255, 255, 255),
    ),
)  # fmt: skip


def line_filters(colour_system: str | None, no_color: bool) -> list[LineFilter]:
    """What every line goes through; `colour_system` is Rich's name for what the terminal can show
    ("standard", "256", "truecolor"), None where it shows no colours."""
    if no_color or colour_system is None:
        return [Harmless(), Colourless()]
    return [Harmless(), Legible(_SYSTEMS.get(colour_system, ColorSystem.TRUECOLOR))]


class Harmless(LineFilter):
    """Takes out control sequences. Texts are sanitised where they come in: this holds where one was not."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [
            segment if segment.text.isprintable() else Segment(_harmless(segment.text), segment.style)
            for segment in segments
        ]


def _harmless(text: str) -> str:
    """In as many cells as before."""
    plain = sanitise(text).replace("\n", " ").replace("\t", " ")
    return set_cell_size(plain, cell_len(text))


class Colourless(LineFilter):
    """Leaves bold, reverse and the like, and no colour at all."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [Segment(text, _without_colour(style) if style else None) for text, style, _ in segments]


def _without_colour(style: Style) -> Style:
    plain = style.without_color
    return plain + Style(meta=style.meta) if style.meta else plain


class Legible(LineFilter):
    """Moves the colour of words that is too close to their background's towards white or black."""

    def __init__(self, system: ColorSystem) -> None:
        super().__init__()
        self._system = system
        self._least = _LEAST_OF_SIXTEEN if system is ColorSystem.STANDARD else _LEAST
        self._style_for: Callable[[RichColor, RichColor], Style | None] = lru_cache(1024)(self._mended)

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [self._legible(segment) for segment in segments]

    def _legible(self, segment: Segment) -> Segment:
        text, style, _ = segment
        if style is None or style.color is None or style.bgcolor is None or not _has_words(text):
            return segment
        mended = self._style_for(style.color, style.bgcolor)
        return segment if mended is None else Segment(text, style + mended)

    def _mended(self, ink: RichColor, paper: RichColor) -> Style | None:
        """What is to be added to a style; None if it can be read as it is."""
        if ink.is_default or paper.is_default or self._contrast(ink, paper) >= self._least:
            return None
        pole = max(_POLES, key=lambda colour: self._contrast(colour, paper))
        ends = list(zip(ink.get_truecolor(), pole.get_truecolor(), strict=True))
        for share in _STEPS:
            moved = RichColor.from_rgb(*(here + (there - here) * share for here, there in ends))
            if self._contrast(moved, paper) >= self._least:
                break
        return Style.from_color(moved)

    def _contrast(self, ink: RichColor, paper: RichColor) -> float:
        """The least that a terminal may make of two colours."""
        pairs = zip(self._shown(ink), self._shown(paper), strict=True)
        return min(contrast(one, other) for one, other in pairs)

    def _shown(self, colour: RichColor) -> list[RGB]:
        there = colour.downgrade(self._system)
        if there.type is ColorType.STANDARD and there.number is not None:
            return [palette[there.number] for palette in _SIXTEEN]
        red, green, blue = there.get_truecolor()
        return [(red, green, blue)] * len(_SIXTEEN)


def contrast(one: RGB, other: RGB) -> float:
    """WCAG's contrast of two colours, from 1 to 21."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: RGB) -> float:
    parts = [value / 255 for value in colour]
    red, green, blue = (x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _has_words(text: str) -> bool:
    """Rules, curves and blanks are no words."""
    return any(map(str.isalnum, text))
