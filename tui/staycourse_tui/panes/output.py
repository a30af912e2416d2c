"""What a trial has printed, newest at the bottom. Pure."""

from __future__ import annotations

from rich.cells import cell_len, chop_cells

from staycourse_tui.widgets.lines import Line, Span, fit, line


def output_lines(text: str, size: int, rows: int, up: int) -> tuple[list[Line], int]:
    """The lines `up` above the last one, long ones broken; and how far up there is anything."""
    wanted = rows + up
    lines: list[str] = []
    for one in reversed(text.rstrip().split("\n")):
        lines = [*(chop_cells(one, size) if cell_len(one) > size else [one]), *lines]
        if len(lines) >= wanted:
            break
    up = min(up, max(0, len(lines) - rows))
    end = len(lines) - up
    return [fit(line(Span(one.expandtabs(4))), size) for one in lines[max(0, end - rows) : end]], up
