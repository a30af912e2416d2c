"""Where each pane stands at a given size. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MIN_WIDTH, MIN_HEIGHT = 60, 16
_TWO_COLUMNS = (100, 30)
_LEAST_CHART, _LEAST_LIST = 4, 8
_COMPACT_QUEUE, _NARROW_QUEUE = 35, 27
_THREE_COLUMNS = (140, 36)


@dataclass(frozen=True)
class Box:
    """A pane's place in cells. A titled pane's first row is a rule; one with a divider has a vertical
    rule as its first column; `gap` cells at the right end stay blank."""

    pane: str
    x: int
    y: int
    width: int
    height: int
    titled: bool = False
    divider: bool = False
    gap: int = 0

    @property
    def inner_width(self) -> int:
        """Cells for content: beside a divider one is left blank."""
        return self.width - self.gap - (2 if self.divider else 0)

    @property
    def inner_height(self) -> int:
        return self.height - 1 if self.titled else self.height


@dataclass(frozen=True)
class Wishes:
    """What the content would like: rows of the banner (0 for none), phases, rows of the whole queue,
    rows of the devices' pane and of their line, rows of what holds running trials up."""

    banner: int = 0
    phases: int = 5
    queue: int = 5
    devices: int = 4
    lines: int = 1
    slowdowns: int = 0


def is_tiny(width: int, height: int) -> bool:
    """Whether there is room for a status line only."""
    return width < MIN_WIDTH or height < MIN_HEIGHT


def shows_all(width: int, height: int) -> bool:
    """Whether every pane is seen at once, so that keys move the focus instead of switching panes."""
    return width >= _TWO_COLUMNS[0] and height >= _TWO_COLUMNS[1]


def device_rows(height: int) -> int:
    """How many lines devices may take where they have no pane of their own."""
    return 1 if height < 20 else 2 if height < 30 else 3


def slowdown_rows(height: int) -> int:
    """How many lines may say what holds running trials up."""
    return 1 if height < 24 else 2 if height < 40 else 3


def queue_width(width: int, height: int) -> int:
    """Content cells of the queue's pane."""
    if not shows_all(width, height):
        return width
    return _left_width(width) - 1


def arrange(width: int, height: int, focus: str, full: bool, wishes: Wishes) -> list[Box]:
    """The boxes of all panes that are seen; they cover the screen and do not overlap."""
    if is_tiny(width, height):
        return [Box("header", 0, 0, width, 1)]
    has_columns = not full and width >= _THREE_COLUMNS[0] and height >= _THREE_COLUMNS[1]
    head = min(wishes.banner, height // 2) or min(wishes.lines, device_rows(height))
    if has_columns and not wishes.banner:
        head = 0  # devices have a pane of their own
    slow = min(wishes.slowdowns, slowdown_rows(height))
    y, room = 1 + head + slow, height - head - slow - 2
    above = [
        Box("header", 0, 0, width, 1),
        Box("banner" if wishes.banner else "devices", 0, 1, width, head),
        Box("slowdowns", 0, 1 + head, width, slow),
    ]
    if full:
        body = [Box("curves", 0, y, width, room, titled=True)]
    elif has_columns:
        body = _three(width, y, room, focus, wishes)
    elif shows_all(width, height):
        body = _two(width, y, room, focus, wishes)
    else:
        body = _compact(width, height, y, room, focus, wishes)
    return [*(box for box in above if box.height), *body, Box("footer", 0, height - 1, width, 1)]


def _compact(width: int, height: int, y: int, room: int, focus: str, wishes: Wishes) -> list[Box]:
    if focus == "queue":
        return [Box("queue", 0, y, width, room, titled=True)]
    log = 0 if focus == "log" else 1 if height < 20 else 2 if height < 28 else 4
    body = room - log
    upper = 1 + min(wishes.phases, max(3, min(8, body - 5)))
    if focus == "curves" and body - upper < _LEAST_CHART:
        upper = body
    elif focus != "curves" and body - upper < _LEAST_LIST:
        return [Box(focus, 0, y, width, room, titled=True)]
    left = _COMPACT_QUEUE if width >= 76 else _NARROW_QUEUE
    boxes = [
        Box("queue", 0, y, left, upper, titled=True, gap=1),
        Box("trial", left, y, width - left, upper, titled=True, divider=True),
    ]
    if upper < body:
        boxes.append(Box(focus, 0, y + upper, width, body - upper, titled=True))
    return boxes + ([Box("log", 0, y + body, width, log)] if log else [])


def _two(width: int, y: int, room: int, focus: str, wishes: Wishes) -> list[Box]:
    log = _log_rows(room)
    body, left = room - log, _left_width(width)
    right = width - left
    trial = min(11, max(8, body // 3))
    curve = body if body < 16 else round(body * 0.66)
    boxes = [
        *_left_column(left, y, body - trial, focus, wishes),
        Box("trial", 0, y + body - trial, left, trial, titled=True, gap=1),
        Box("curves", left, y, right, curve, titled=True, divider=True),
    ]
    if curve < body:
        boxes.append(Box("train", left, y + curve, right, body - curve, titled=True, divider=True))
    return [*boxes, Box("log", 0, y + body, width, log, titled=True)]


def _three(width: int, y: int, room: int, focus: str, wishes: Wishes) -> list[Box]:
    log = _log_rows(room)
    body, left = room - log, _left_width(width)
    right = 36 if width >= 160 else 32
    middle = width - left - right
    curve = round(body * 0.66)
    devices = 1 + min(wishes.devices, body // 2 - 4)
    loader = 6
    at = left + middle
    return [
        *_left_column(left, y, body, focus, wishes),
        Box("curves", left, y, middle, curve, titled=True, divider=True),
        Box("train", left, y + curve, middle, body - curve, titled=True, divider=True),
        Box("machine", at, y, right, devices, titled=True, divider=True),
        Box("loader", at, y + devices, right, loader, titled=True, divider=True),
        Box("trial", at, y + devices + loader, right, body - devices - loader, titled=True, divider=True),
        Box("log", 0, y + body, width, log, titled=True),
    ]


def _left_column(width: int, y: int, rows: int, focus: str, wishes: Wishes) -> list[Box]:
    cap = rows - 6 if focus == "queue" else round(rows * 0.5)
    queue = 1 + max(min(wishes.phases, rows - 6), min(wishes.queue, cap))
    return [
        Box("queue", 0, y, width, queue, titled=True, gap=1),
        Box("trials", 0, y + queue, width, rows - queue, titled=True, gap=1),
    ]


def _left_width(width: int) -> int:
    return min(56, max(42, round(width * 0.33)))


def _log_rows(room: int) -> int:
    return min(12, max(5, room // 6))


def joints(boxes: Sequence[Box]) -> dict[tuple[int, int], str]:
    """The characters where rules meet, by (x, y)."""
    across = {(x, box.y) for box in boxes if box.titled for x in range(box.x, box.x + box.width)}
    down = {(box.x, y) for box in boxes if box.divider for y in range(box.y, box.y + box.height)}
    across -= {(box.x, box.y) for box in boxes if box.divider}
    found = {}
    for x, y in down | {(x, y + 1) for x, y in down}:
        arms = (
            (x, y - 1) in down,
            (x + 1, y) in across,
            (x, y) in down and (x, y + 1) in down | across,
            (x - 1, y) in across,
        )
        found[x, y] = _JOINTS.get(arms, "│" if (x, y) in down else "")
    return {at: char for at, char in found.items() if char}


_JOINTS = {  # up, right, down, left
    (False, True, True, True): "┬",
    (True, True, True, True): "┼",
    (True, True, False, True): "┴",
    (True, True, True, False): "├",
    (True, False, True, True): "┤",
    (True, False, True, False): "│",
    (False, False, True, False): "│",
    (True, False, False, False): "│",
    (False, True, True, False): "┌",
    (False, False, True, True): "┐",
}
