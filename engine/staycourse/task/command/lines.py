"""A script's output, split into lines at newlines and at the carriage returns of progress bars."""

from __future__ import annotations

import codecs
from dataclasses import dataclass

# What prints no end of a line for longer than this has said nothing that could be read.
_MOST = 1 << 20


@dataclass(frozen=True)
class Line:
    """`is_passing` tells that a carriage return followed: the next one is written over it."""

    text: str
    is_passing: bool = False


class Lines:
    """Takes bytes as they come."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""

    def feed(self, data: bytes, *, is_last: bool = False) -> list[Line]:
        """The lines that are complete by now; with `is_last` what is left over as well."""
        text = self._rest + self._decoder.decode(data, final=is_last)
        found: list[Line] = []
        while (end := _end(text)) is not None:
            at, after, is_passing = end
            if after == len(text) and is_passing and not is_last:
                break  # a newline may follow the carriage return
            found.append(Line(text[:at], is_passing))
            text = text[after:]
        if is_last and text:
            found.append(Line(text))
            text = ""
        self._rest = text[-_MOST:]
        return [line for line in found if line.text.strip()]


def _end(text: str) -> tuple[int, int, bool] | None:
    """Where the first line ends, where the next one begins, and whether it is written over."""
    places = [at for at in (text.find("\n"), text.find("\r")) if at >= 0]
    if not places:
        return None
    at = min(places)
    after = at
    while after < len(text) and text[after] == "\r":
        after += 1
    if after < len(text) and text[after] == "\n":
        return at, after + 1, False
    return at, after, True
