"""Markdown as GitHub renders it: outside text made harmless, tables, fences, numbers with units."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from staycourse.core.space import Value, format_value
from staycourse.core.text import one_line, sanitise

# An underscore inside a word is plain text, so `val_loss` stays readable; every other one is not.
_SPECIAL = re.compile(r"[\\`*\[\]|~]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
_HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "$": "<span>$</span>", "@": "@<!-- -->"}
_BLOCK_START = re.compile(r"^(\d+(?=[.)](\s|$))|(?=[#+=\-:]))")
MINUS = "\N{MINUS SIGN}"
NOTHING = "\N{EN DASH}"


def escape(text: str, width: int = 300) -> str:
    """Outside text as plain words on one line: no markup, no link, no mention, no formula comes of it."""
    flat = one_line(text, width)
    flat = _SPECIAL.sub(lambda found: "\\" + found[0], flat)
    flat = "".join(_HTML.get(char, char) for char in flat)
    flat = flat.replace("://", r"\://").replace("www.", r"www\.")
    return _BLOCK_START.sub(lambda found: found[0] + "\\", flat)


def code(text: object, width: int = 300) -> str:
    """Outside text as a code span, in a table too."""
    flat = one_line(str(text), width)
    if not flat:
        return NOTHING
    ticks = "`" * (_longest_run(flat) + 1)
    pad = " " if flat[0] == "`" or flat[-1] == "`" else ""
    # A table's cells are cut at every bare pipe before anything else is read, code spans included.
    return (
        f"{ticks}{pad}{flat}{pad}{ticks}".replace("|", r"\|")
        if "|" in flat
        else f"{ticks}{pad}{flat}{pad}{ticks}"
    )


def fence(text: str, language: str = "") -> str:
    """A fenced block, its fence longer than any run of backticks inside."""
    ticks = "`" * max(3, _longest_run(text) + 1)
    return f"{ticks}{language}\n{sanitise(text).rstrip()}\n{ticks}"


def table(header: Sequence[str], rows: Iterable[Sequence[str]], right: Iterable[int] = ()) -> str:
    """A table of cells that are Markdown already; the columns in `right` hold numbers."""
    numbers = set(right)
    rule = ["---:" if column in numbers else "---" for column in range(len(header))]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [header, rule, *rows])


def bullets(lines: Iterable[str]) -> str:
    """A list of lines that are Markdown already."""
    return "\n".join(f"- {line}" for line in lines)


def details(summary: str, body: str) -> str:
    """A part that is folded away until it is opened; `summary` is plain text of ours."""
    return f"<details>\n<summary>{summary}</summary>\n\n{body}\n\n</details>"


def joined(words: Sequence[str], last: str = "and") -> str:
    """`a, b and c`."""
    return f" {last} ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def count(number: int, noun: str, plural: str = "") -> str:
    """`1 trial`, `1,204 trials`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def number(value: float | None, digits: int = 4) -> str:
    """Significant digits, trailing zeros kept, so that a column can be compared: `0.2980`, `1.000e-05`."""
    if value is None:
        return NOTHING
    if not math.isfinite(value):
        return {math.inf: "∞", -math.inf: f"{MINUS}∞"}.get(value, "NaN")
    if value == int(value) and abs(value) < 1e15 and abs(value) >= 10 ** (digits - 1):
        return f"{int(value):,}".replace("-", MINUS)
    return f"{value:#.{digits}g}".rstrip(".").replace("-", MINUS, 1 if value < 0 else 0)


def plus_minus(value: float, spread: float | None) -> str:
    """`0.0912 ± 0.0021`: both to the second digit of the spread."""
    if spread is None or not math.isfinite(spread):
        return number(value)
    if spread == 0 or not math.isfinite(value):
        return f"{number(value)} ± {number(spread, 2)}"
    places = 1 - math.floor(math.log10(spread))
    if not 0 <= places <= 8:
        return f"{number(value)} ± {number(spread, 2)}"
    return f"{value:.{places}f} ± {spread:.{places}f}".replace("-", MINUS)


def signed(value: float | None, digits: int = 2) -> str:
    """A difference with its sign."""
    if value is None:
        return NOTHING
    return ("+" if value > 0 else "") + number(value, digits)


def setting(value: Value | None) -> str:
    """A hyperparameter's value: numbers bare, text as code."""
    if value is None:
        return NOTHING
    return code(value) if isinstance(value, str) else format_value(value)


def duration(seconds: float | None) -> str:
    """`3 d 4 h`, `2 h 05 min`, `3 min 20 s`, `4.2 s`."""
    if seconds is None:
        return NOTHING
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for unit, name, small, smaller in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= unit:
            full, rest = divmod(round(whole / small), unit // small)
            return f"{full} {name} {rest:02d} {smaller}" if rest else f"{full} {name}"
    return f"{whole} s"


def size(amount: float | None) -> str:
    """Bytes in a unit that fits: `38.1 GiB`."""
    if amount is None:
        return NOTHING
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(amount) < 1024:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} TiB"


def moment(text: str | None) -> str:
    """A written time to the second: `2026-01-31 12:00:05 UTC`. What is no time is shown as it stands."""
    if not text:
        return NOTHING
    try:
        return datetime.fromisoformat(text).astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except ValueError:
        return escape(text)


def plain(value: Any) -> str:
    """A fact of any JSON type as one cell."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return f"{value:,}" if isinstance(value, int) else number(value)
    if isinstance(value, list | tuple):
        return ", ".join(plain(item) for item in value) or NOTHING
    if isinstance(value, dict):
        return ", ".join(f"{escape(str(key))} {plain(item)}" for key, item in value.items()) or NOTHING
    return escape(str(value)) if value not in (None, "") else NOTHING


def _longest_run(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)
