"""Where the home screen's panes stand at a given size. Pure."""

from __future__ import annotations

from staycourse_tui.layout import Box, is_tiny

_TWO_COLUMNS = (116, 26)
_LEAST_RUNS = 3


def arrange_home(width: int, height: int, focus: str, roadmaps: int, runs: int) -> list[Box]:
    """The boxes of all panes that are seen; `roadmaps` and `runs` are how many lines those would like."""
    if is_tiny(width, height):
        return [Box("header", 0, 0, width, 1)]
    top, foot = Box("header", 0, 0, width, 1), Box("footer", 0, height - 1, width, 1)
    room = height - 2
    if width >= _TWO_COLUMNS[0] and height >= _TWO_COLUMNS[1]:
        left = round(width * 0.6)
        lists = _lists(left, room, roadmaps, runs, gap=1)
        body = [*lists, Box("details", left, 1, width - left, room, titled=True, divider=True)]
    elif focus == "details":
        body = [Box("details", 0, 1, width, room, titled=True)]
    else:
        details = 0 if height < 20 else min(12, 1 + room // 3)
        body = _lists(width, room - details, roadmaps, runs)
        body += [Box("details", 0, 1 + room - details, width, details, titled=True)] if details else []
    return [top, *body, foot]


def _lists(width: int, room: int, roadmaps: int, runs: int, gap: int = 0) -> list[Box]:
    """Roadmaps above runs: half of the room at most, or what the runs leave."""
    upper = 1 + min(max(1, roadmaps), max(room // 2, room - 1 - max(runs, _LEAST_RUNS)) - 1)
    return [
        Box("roadmaps", 0, 1, width, upper, titled=True, gap=gap),
        Box("runs", 0, 1 + upper, width, room - upper, titled=True, gap=gap),
    ]
