"""What the app shows, as text."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from textual.app import App
from textual.pilot import Pilot

from staycourse_tui.frames import Frame, Request
from staycourse_tui.pictures.framing import Picture
from staycourse_tui.pictures.run import ViewState, draw
from staycourse_tui.poller import Poller
from staycourse_tui.screens.run import RunScreen
from staycourse_tui.screens.run_view import RunView
from staycourse_tui.screens.trial import TrialScreen
from staycourse_tui.widgets.lines import text, width
from staycourse_tui.widgets.pane import Pane


def frame_of(run: Path, selected: str | None = None) -> Frame:
    """One read of a run."""
    poller = Poller(run, lambda message: None)
    poller.ask(Request(selected=selected))
    return poller.read()


def screen_of(frame: Frame, size: tuple[int, int], state: ViewState | None = None) -> list[str]:
    """The rows of the main screen."""
    return rows_of(draw(frame, state or ViewState(), size).picture, size)


def rows_of(picture: Picture, size: tuple[int, int]) -> list[str]:
    """The rows of a screen; every pane must have exactly its size, and none lies over another one."""
    rows = [[" "] * size[0] for _ in range(size[1])]
    free = [[True] * size[0] for _ in range(size[1])]
    for box in picture.boxes:
        lines = picture.lines[box.pane]
        assert len(lines) == box.height, box
        for y, line in enumerate(lines, box.y):
            assert width(line) == box.width, (box, text(line))
            assert all(free[y][box.x : box.x + box.width]), box
            rows[y][box.x : box.x + box.width] = text(line)
            free[y][box.x : box.x + box.width] = [False] * box.width
    return ["".join(row) for row in rows]


def shown(app: App[Path | None]) -> str:
    """The rows that the app has painted."""
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in strips)


def pane_text(app: App[Path | None], pane: str) -> str:
    """What one pane of the main screen shows."""
    return app.screen.query_one(f"#{pane}", Pane).text()


async def until(pilot: Pilot[Path | None], condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait for a condition; fail with the screen's text where it does not come."""
    deadline = asyncio.get_running_loop().time() + seconds
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, shown(pilot.app)
        await pilot.pause(0.02)


async def opened(pilot: Pilot[Path | None]) -> RunScreen:
    """The main screen once its first frame is there."""
    await until(pilot, lambda: isinstance(pilot.app.screen, RunScreen) and pilot.app.screen.frame is not None)
    await pilot.pause()
    screen = pilot.app.screen
    assert isinstance(screen, RunScreen)
    return screen


def is_read(app: App[Path | None]) -> bool:
    """Whether all that the screen asks for is there, or cannot be."""
    screen = next((one for one in reversed(app.screen_stack) if isinstance(one, RunView)), None)
    if screen is None or screen.frame is None or screen.session.failure:
        return screen is not None and bool(screen.session.failure)
    asked, frame = screen.session.request, screen.frame
    if isinstance(screen, TrialScreen) and frame.output_of is None:
        return False
    has_report = frame.report is not None or not asked.has_report
    return frame.output_of == asked.output_of and frame.marked == asked.marked and has_report
