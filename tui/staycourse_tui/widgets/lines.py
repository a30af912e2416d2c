"""Lines of styled text that are never parsed as markup: what every pane is made of. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size

from staycourse.core.text import sanitise


class Span(NamedTuple):
    """Text with a role (a colour's name, see styles.tcss) and the action that a click on it runs."""

    text: str
    role: str = ""
    action: str = ""


Line = tuple[Span, ...]
_SHORTEST = 6  # cells of a name from which it can still be told
_BLANKS = re.compile(r"\s+")


def line(*parts: Span | str) -> Line:
    """A line; plain strings have no role."""
    return tuple(Span(part) if isinstance(part, str) else part for part in parts)


def width(spans: Iterable[Span]) -> int:
    """Width in cells."""
    return sum(cell_len(span.text) for span in spans)


def text(spans: Iterable[Span]) -> str:
    """The bare text."""
    return "".join(span.text for span in spans)


def harmless(spans: Sequence[Span]) -> Sequence[Span]:
    """Without control sequences, which a terminal would obey: names and values are a user's."""
    if text(spans).isprintable():
        return spans
    return [Span(sanitise(span.text).replace("\n", " ").replace("\t", " "), *span[1:]) for span in spans]


def fit(spans: Sequence[Span], size: int) -> Line:
    """Exactly `size` cells: padded with blanks, or cut with an ellipsis; control sequences are removed."""
    spans = harmless(spans)
    total = width(spans)
    if total <= size:
        return (*spans, Span(" " * (size - total))) if total < size else tuple(spans)
    kept: list[Span] = []
    room = size - 1
    for span in spans:
        length = cell_len(span.text)
        if length > room:
            kept.append(Span(set_cell_size(span.text, max(0, room)), span.role, span.action))
            break
        kept.append(span)
        room -= length
    return fit((*kept, Span("…", "dim")), size) if size > 0 else ()


def spread(left: Sequence[Span], right: Sequence[Span], size: int) -> Line:
    """`left` and `right` at the two ends; the left one is cut where both do not fit."""
    room = size - width(right)
    if room <= 0:
        return fit(right, size)
    return (*fit(left, room), *right)


def cell(value: str, size: int, *, right: bool = False) -> str:
    """Text in exactly `size` cells; what is too long ends in an ellipsis."""
    length = cell_len(value)
    if length > size:
        return set_cell_size(value, size - 1) + "…" if size > 0 else ""
    blank = " " * (size - length)
    return blank + value if right else value + blank


def cell_middle(value: str, size: int) -> str:
    """Text in `size` cells at most; what is too long loses its middle, so that its number or suffix stays."""
    if cell_len(value) <= size or size < 5:
        return value if cell_len(value) <= size else cell(value, size)
    tail = next(at for at in range(len(value)) if cell_len(value[at:]) <= (size - 1) // 2)
    return set_cell_size(value, size - 1 - cell_len(value[tail:])) + "…" + value[tail:]


def join(items: Iterable[Sequence[Span]], gap: str = "  ") -> Line:
    """Groups of spans with a gap between them; empty groups are left out."""
    joined: list[Span] = []
    for item in items:
        if item:
            joined += [Span(gap), *item] if joined else item
    return tuple(joined)


def whole(items: Sequence[Sequence[Span]], size: int, gap: str = "  ") -> Line:
    """As many items as fit as a whole, and how many more there are: nothing is cut in two."""
    for kept in range(len(items), 0, -1):
        left = len(items) - kept
        more = [[Span(f"+{left} more", "dim")]] if left else []
        joined = join([*items[:kept], *more], gap)
        if width(joined) <= size:
            return joined
    return squeeze(joined, size) if items else ()


def flow(groups: Sequence[Sequence[Span]], size: int, rows: int | None = None) -> list[Line]:
    """Groups on as many lines as they need, each whole, two blanks apart; with `rows` on that many lines
    at most, the last one saying how many groups are left."""
    lines: list[list[Sequence[Span]]] = []
    for at, group in enumerate(groups):
        if lines and width(join([*lines[-1], group])) <= size:
            lines[-1].append(group)
        elif rows is not None and len(lines) == rows:
            kept = lines.pop() if lines else []
            return [*(join(made) for made in lines), *([whole([*kept, *groups[at:]], size)] if rows else [])]
        else:
            lines.append([group])
    return [squeeze(join(line), size) for line in lines]


def squeeze(spans: Line, size: int) -> Line:
    """At most `size` cells: what comes first, a name before its value, loses its middle, and the rest only
    where that does not suffice."""
    left = size - width(spans[1:])
    if width(spans) <= size or left < _SHORTEST:
        return spans if width(spans) <= size else fit(spans, size)
    blank = " " if spans[0].text.endswith(" ") else ""
    name = cell_middle(spans[0].text.rstrip(), left - len(blank))
    return (Span(name + blank, *spans[0][1:]), *spans[1:])


def wrap_text(value: str, size: int, role: str = "", indent: int = 0) -> list[Line]:
    """A sentence on as many lines as it needs, broken at blanks; a longer word is broken anywhere."""
    lines: list[str] = [""]
    for word in breakable(value, size - indent).split():
        pad = " " * indent if len(lines) > 1 else ""
        joined = f"{lines[-1]} {word}" if lines[-1].strip() else pad + word
        if cell_len(joined) > size and lines[-1].strip():
            lines.append(" " * indent + word)
        else:
            lines[-1] = joined
    return [line(Span(made, role)) for made in lines]


def breakable(value: str, size: int) -> str:
    """The text with a blank within each word that is longer than `size` cells, so that wrapping it loses
    nothing."""
    made = []
    for word in value.split():
        while cell_len(word) > size > 1:
            kept = next(at for at in range(len(word), 0, -1) if cell_len(word[:at]) <= size)
            made.append(word[:kept])
            word = word[kept:]
        made.append(word)
    return " ".join(made)


def wrap_spans(spans: Iterable[Span], size: int) -> list[Line]:
    """Styled text on as many lines as it needs, broken at blanks; a longer word is broken anywhere."""
    lines: list[list[Span]] = []
    used = size
    for word in _words(spans):
        length = width(word)
        if used + 1 + length <= size:
            lines[-1] += [Span(" "), *word]
            used += 1 + length
            continue
        pieces = [word] if length <= size else [line(*part) for part in _chopped(word, size)]
        lines += [list(piece) for piece in pieces]
        used = width(pieces[-1])
    return [tuple(made) for made in lines]


def _words(spans: Iterable[Span]) -> Iterable[Line]:
    """The words, each of one span or of several that no blank parts."""
    word: list[Span] = []
    for span in spans:
        for at, part in enumerate(_BLANKS.split(span.text)):
            if at and word:
                yield tuple(word)
                word = []
            if part:
                word.append(Span(part, span.role, span.action))
    if word:
        yield tuple(word)


def _chopped(word: Line, size: int) -> list[list[Span]]:
    """A word in pieces of at most `size` cells."""
    pieces: list[list[Span]] = [[]]
    for span in word:
        for char in span.text:
            if width(pieces[-1]) + cell_len(char) > size:
                pieces.append([])
            pieces[-1].append(Span(char, span.role, span.action))
    return pieces


def shorten(value: str, size: int) -> str:
    """The first words of a sentence in at most `size` cells; an ellipsis stands for those that are left out,
    so that none of them, a number least of all, is cut in two."""
    if cell_len(value) <= size:
        return value
    kept = text(wrap_text(value, size - 2)[0]).rstrip("…")
    return f"{kept} …"


def rule(title: Sequence[Span], size: int, right: Sequence[Span] = (), start: str = "─") -> Line:
    """A horizontal rule with a title in it: `─ queue ────── best`."""
    title = harmless(title)
    tail: Line = (Span(" "), *right) if right else ()
    head: Line = (Span(start + " ", "rule"), *title, Span(" ")) if title else (Span(start, "rule"),)
    room = size - width(head) - width(tail)
    if room < 0:
        return rule(title, size, (), start) if right else fit(head, size)
    return (*head, Span("─" * room, "rule"), *tail)
