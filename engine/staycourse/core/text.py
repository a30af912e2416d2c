"""Text from outside, made harmless once, where it comes in."""

from __future__ import annotations

import re
import unicodedata

# OSC, DCS, PM, APC and SOS strings with their terminators, which end with their line at the latest, so that
# one stray byte hides no more than that; CSI sequences; other two-character escapes.
_ESCAPES = re.compile(
    r"\x1b[\]PX^_].*?(?:\x07|\x1b\\|\x9c|$)"
    r"|\x1b\[[0-?]*[ -/]*[@-~]"
    r"|\x1b[ -/]*[0-~]"
    r"|[\x90\x98\x9d\x9e\x9f].*?(?:\x07|\x9c|$)"
    r"|\x9b[0-?]*[ -/]*[@-~]",
    re.MULTILINE,
)
_KEEP = {"\n", "\t"}


def sanitise(text: str) -> str:
    """Remove terminal control sequences, control characters and direction overrides.

    A carriage return keeps what stands after it, as a terminal would show a progress bar.
    """
    plain = _ESCAPES.sub("", text.replace("\r\n", "\n"))
    lines = (line.rstrip("\r").rpartition("\r")[2] for line in plain.split("\n"))
    return "".join(char for char in "\n".join(lines) if char in _KEEP or not _is_control(char))


def one_line(text: str, width: int = 300) -> str:
    """The text on one line of at most `width` characters, harmless."""
    flat = " ".join(sanitise(text).split())
    return flat if len(flat) <= width else flat[: width - 1] + "…"


def _is_control(char: str) -> bool:
    return unicodedata.category(char) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def byte_words(count: float) -> str:
    """`1.3 GB`, in powers of 1000."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 999.5:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} TB"
