"""The help as lines: the keys first, in two columns where there is room. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from staycourse_tui.keys import Key
from staycourse_tui.widgets.lines import Line, Span, fit, line, wrap_text

_PALETTE = Key("ctrl+p", "ctrl+p", "", "the command palette, colour themes among it")
_TWO_COLUMNS = 100


def help_lines(keys: Sequence[Key], title: str, why: Sequence[str], size: int) -> list[Line]:
    """The title, the first sentence of `why`, the keys, and the rest of it."""
    lines = [line(Span(title, "title")), *wrap_text(why[0], size), ()]
    told = (*keys, _PALETTE)
    if size < _TWO_COLUMNS:
        lines += [made for key in told for made in _key(key, size)]
    else:
        lines += _side_by_side(told, size)
    for paragraph in why[1:]:
        lines += [(), *wrap_text(paragraph, size)]
    return lines


def _side_by_side(keys: Sequence[Key], size: int) -> list[Line]:
    """The keys in two columns, read downwards."""
    each, half = (size - 2) // 2, (len(keys) + 1) // 2
    left = [made for key in keys[:half] for made in _key(key, each)]
    right = [made for key in keys[half:] for made in _key(key, each)]
    rows = max(len(left), len(right))
    left, right = ([*column, *([()] * (rows - len(column)))] for column in (left, right))
    return [(*fit(one, each), Span("  "), *other) for one, other in zip(left, right, strict=True)]


def _key(key: Key, size: int) -> list[Line]:
    first, *rest = wrap_text(key.tells, size - 12)
    blank = " " * max(0, 10 - cell_len(key.shown))
    head = line(Span(f"{blank}{key.shown}  ", "key"), *first)
    return [head, *(line(Span(" " * 12), *made) for made in rest)]
