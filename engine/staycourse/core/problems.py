"""What can be wrong with a roadmap, said so that its author can mend it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from staycourse.core.text import sanitise

KeyPath = tuple[str | int, ...]


@dataclass(frozen=True)
class Problem:
    """One mistake: where it is, what is wrong, and what would be right.

    `path` is the key path (`("phase", 2, "points", "lr")`), `line` counts from 1 and is None where no
    line of the file is to blame.
    """

    path: KeyPath
    message: str
    right: str = ""
    line: int | None = None

    def __str__(self) -> str:
        where = dotted(self.path)
        line = f"line {self.line}: " if self.line is not None else ""
        head = f"{line}{where}: " if where else line
        tail = f" ({self.right})" if self.right else ""
        # Keys and values of the file stand in it: none of them may reach a terminal as a command.
        return sanitise(f"{head}{self.message}{tail}").replace("\n", " ")


class UserError(ValueError):
    """A mistake of the user's: shown as one message, without a traceback, with its class's exit code."""

    exit_code: int = 2


class RoadmapError(UserError):
    """Every problem of a roadmap at once."""

    def __init__(self, source: str, problems: Sequence[Problem]) -> None:
        self.source = source
        self.problems = tuple(problems)
        super().__init__("\n".join(f"{source}: {problem}" for problem in self.problems))


def dotted(path: KeyPath) -> str:
    """Key path as text; phases count from 1, as on the screens: `phase[3].points.lr`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part + 1}]"
        else:
            text += f".{part}" if text else part
    return text


def nearest(word: str, known: Iterable[str]) -> str:
    """`did you mean 'epochs'?`, or the known words where none is near; empty if nothing is known."""
    words = sorted(known)
    close = difflib.get_close_matches(word, words, n=1, cutoff=0.6)
    if close:
        return f"did you mean '{close[0]}'?"
    return "known: " + ", ".join(words) if words else ""
