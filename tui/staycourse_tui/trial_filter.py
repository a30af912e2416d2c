"""The filter of the trials: words, and columns with a bound. Pure.

Terms stand side by side and must all hold: `adamw` is a part of any cell, `lr<1e-3`, `val_loss>=0.3`,
`state=done` and `optimizer!=sgd` compare a column, which may be shortened as long as it stays clear.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_TERM = re.compile(r"([^<>=!\s]+)(<=|>=|!=|<|>|=)(\S+)")
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
}

Cell = tuple[object, str]  # a value, and the words it is shown by


@dataclass(frozen=True)
class Filter:
    """`keep(cell)` asks for (value, words) of a column by its name."""

    words: tuple[str, ...] = ()
    bounds: tuple[tuple[str, str, str], ...] = ()

    def keep(self, cell: Callable[[str], Cell], columns: Sequence[str]) -> bool:
        """Whether a row passes."""
        if not all(_holds(*cell(column), operator, value) for column, operator, value in self.bounds):
            return False
        return all(any(word in cell(column)[1].lower() for column in columns) for word in self.words)


def parse(text: str, columns: Sequence[str]) -> Filter:
    """The filter that a text says. A term that compares no known column is looked for as a word."""
    words, bounds = [], []
    for term in text.lower().split():
        found = _TERM.fullmatch(term)
        column = _column(found[1], columns) if found else None
        if found and column:
            bounds.append((column, found[2], found[3]))
        else:
            words.append(term)
    return Filter(tuple(words), tuple(bounds))


def _column(name: str, columns: Sequence[str]) -> str | None:
    exact = [column for column in columns if column.lower() == name]
    begun = [column for column in columns if column.lower().startswith(name)]
    return exact[0] if exact else begun[0] if len(begun) == 1 else None


def _holds(value: object, words: str, operator: str, wanted: str) -> bool:
    """Numbers are compared as numbers; words are equal or not. What has no value passes no bound."""
    if value is None:
        return operator == "!="
    try:
        return _COMPARE[operator](float(value), float(wanted))  # type: ignore[arg-type]  # or it raises
    except (TypeError, ValueError):
        return {"=": words.lower() == wanted, "!=": words.lower() != wanted}.get(operator, False)
