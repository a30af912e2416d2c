"""What all screens are put together from: titled boxes with dividers, and the footer. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from staycourse_tui.keys import BACK, LEAVE, Key
from staycourse_tui.layout import Box
from staycourse_tui.widgets.lines import Line, Span, fit, join, line, rule, shorten, spread, width

Title = tuple[Line, Line]
NO_TITLE: Title = ((), ())


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What every screen of a run is told beside its own state: the time at which the display was frozen, for
    how many seconds the run could not be read, and what was said last."""

    frozen: str = ""
    unread: float | None = None
    message: str = ""


@dataclass(frozen=True, kw_only=True)
class Filtered(Shown):
    """The same of a screen with a filter; `is_filtering` is whether it is being typed."""

    is_filtering: bool = False


@dataclass(frozen=True)
class Picture:
    """A screen: where its panes stand, and the lines of each."""

    boxes: list[Box]
    lines: Mapping[str, list[Line]]


def stacked(columns: int, parts: Mapping[str, list[Line]]) -> Picture:
    """Panes over the whole width, one below the other; those without lines are left out."""
    boxes, y = [], 0
    for pane, lines in parts.items():
        if lines:
            boxes.append(Box(pane, 0, y, columns, len(lines)))
            y += len(lines)
    return Picture(boxes, {box.pane: parts[box.pane] for box in boxes})


def only_header(head: Line, columns: int) -> Picture:
    """What a window shows that is too small for anything else."""
    return Picture([Box("header", 0, 0, columns, 1)], {"header": [head]})


def framed(
    box: Box, title: Title, content: Sequence[Line], crossings: Mapping[tuple[int, int], str]
) -> list[Line]:
    """The content in exactly the box's size, below its titled rule and beside its divider."""
    size, blank = box.inner_width, " " * box.gap
    lines = [(*fit(made, size), Span(blank)) for made in content[: box.inner_height]]
    lines += [fit((), size + box.gap)] * (box.inner_height - len(lines))
    if box.divider:
        first = box.y + box.titled
        walls = [crossings.get((box.x, first + at), "│") for at in range(len(lines))]
        lines = [(Span(wall + " ", "rule"), *made) for wall, made in zip(walls, lines, strict=True)]
    if box.titled:
        head, right = title
        start = crossings.get((box.x, box.y), "├") + "─" if box.divider else "─"
        gap = Span((" " if right else "─") * box.gap, "rule")
        top = (*rule(head, box.width - box.gap, right, start), gap)
        lines.insert(0, _crossed(top, box, crossings))
    return lines


def _crossed(made: Line, box: Box, crossings: Mapping[tuple[int, int], str]) -> Line:
    """The rule with a crossing wherever a divider meets its dashes."""
    spans: list[Span] = []
    x = box.x
    for span in made:
        text = span.text
        if span.role == "rule":
            text = "".join(crossings.get((x + at, box.y), char) for at, char in enumerate(text))
        spans.append(Span(text, span.role, span.action))
        x += width([span])
    return tuple(spans)


def footer(
    keys: Sequence[Key],
    size: int,
    message: str = "",
    labels: Mapping[str, str] | None = None,
    here: str = "",
    leaving: Key = LEAVE,
) -> Line:
    """The keys that have a label, as many as fit, with the ways back, to the help and out always; a message
    takes their place, and leaves these where it fits beside them. `labels` replaces the words of keys by
    what is shown of them; `here` is the action that the screen is at."""
    items = [
        _key(key.shown, (labels or {}).get(key.shown, key.label), f"screen.{key.action}", key.action == here)
        for key in keys
        if key.label and key is not BACK
    ]
    back = _key(BACK.shown, BACK.label, f"screen.{BACK.action}", False) if BACK in keys else ()
    right = join([back, items.pop(), _key("d", leaving.label, f"app.{leaving.action}", False)])
    if message:
        said = line(Span(shorten(message, size), "accent"))
        return spread(said, right, size) if width(said) + width(right) + 2 <= size else fit(said, size)
    for gap in ("   ", "  "):
        made = join(items, gap)
        if width(made) + width(right) + 2 <= size:
            return spread(made, right, size)
    while items and width(join(items, "  ")) + width(right) + 2 > size:
        items.pop()
    return spread(join(items, "  "), right, size)


def _key(shown: str, label: str, action: str, is_here: bool) -> Line:
    return (Span(shown, "key", action), Span(" " + label, "strong" if is_here else "dim", action))
