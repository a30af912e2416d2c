"""The colours that the app starts with; the palette offers Textual's own."""

from __future__ import annotations

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
