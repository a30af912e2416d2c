"""The colours that the app starts with; the palette offers Textual's own."""

from __future__ import annotations

from collections.abc import Container, Mapping

from textual.theme import Theme

DARK = Theme(
    name="staycourse",
    primary="#7aa2c8",
    secondary="#b49bd1",
    accent="#e0b060",
    success="#7fb58a",
    warning="#d99a5b",
    error="#d9776f",
    foreground="#d4d9e0",
    background="#12161c",
    surface="#181d25",
    panel="#1f2630",
    dark=True,
    variables={"text-muted": "#7d8896"},
)

LIGHT = Theme(
    name="staycourse-light",
    primary="#2f5f8a",
    secondary="#6d4f91",
    accent="#9a6200",
    success="#2f7043",
    warning="#a3560f",
    error="#b03a33",
    foreground="#20262e",
    background="#fbfaf7",
    surface="#f1efe9",
    panel="#e6e3da",
    dark=False,
    variables={"text-muted": "#67717d"},
)

# The same for terminals of sixteen colours, in values that each stand for one of these exactly. Words are
# never in bright black: many palettes make it their background.
DARK_OF_SIXTEEN = Theme(
    name=DARK.name,
    primary="#00aaaa",
    secondary="#aa00aa",
    accent="#aa5500",
    success="#00aa00",
    warning="#aa5500",
    error="#ff5555",
    foreground="#aaaaaa",
    background="#000000",
    surface="#000000",
    panel="#000000",
    dark=True,
    variables={"text-muted": "#aaaaaa", "block-cursor-background": "#aaaaaa"},
)

LIGHT_OF_SIXTEEN = Theme(
    name=LIGHT.name,
    primary="#0000aa",
    secondary="#aa00aa",
    accent="#0000aa",
    success="#00aa00",
    warning="#aa00aa",
    error="#aa0000",
    foreground="#000000",
    background="#ffffff",
    surface="#ffffff",
    panel="#ffffff",
    dark=False,
    variables={"text-muted": "#000000", "block-cursor-background": "#000000"},
)


def has_few_colours(colour_system: str | None) -> bool:
    """Whether a background that is a shade lighter could not be seen; `colour_system` as Rich names it."""
    return colour_system not in ("256", "truecolor")


def own_themes(colour_system: str | None) -> tuple[Theme, Theme]:
    """The dark and the light theme; their names are the same on every terminal."""
    return (DARK_OF_SIXTEEN, LIGHT_OF_SIXTEEN) if has_few_colours(colour_system) else (DARK, LIGHT)


def first_theme(chosen: str | None, known: Container[str], environ: Mapping[str, str]) -> str:
    """The name of the theme to start with: the one that was chosen if there is still one of that name, else
    ours for the terminal's background."""
    if chosen is not None and chosen in known:
        return chosen
    return LIGHT.name if is_light(environ) else DARK.name


def is_light(environ: Mapping[str, str]) -> bool:
    """Whether the terminal says that its background is light: in COLORFGBG, foreground;background or with
    something in between, as numbers of the sixteen colours."""
    number = environ.get("COLORFGBG", "").rpartition(";")[2]
    return number == "7" or (number.isdecimal() and 9 <= int(number) <= 15)
