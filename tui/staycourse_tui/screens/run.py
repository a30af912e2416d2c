"""The main screen: a run, live."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult, SystemCommand
from textual.binding import BindingType
from textual.screen import Screen

from staycourse_tui.frames import Frame
from staycourse_tui.keys import LEAVE, RUN_KEYS, STOPPING
from staycourse_tui.layout import Box
from staycourse_tui.messages import Polled, PollFailed, Scrolled
from staycourse_tui.panes.refusal import refusal
from staycourse_tui.poller import Poller
from staycourse_tui.screens.help import HelpScreen
from staycourse_tui.view import PANES, Drawn, ViewState, draw, listed_phase
from staycourse_tui.widgets.lines import Span, fit, line
from staycourse_tui.widgets.pane import Pane

_ALL = (
    "header", "banner", "devices", "queue", "trial", "trials", "curves", "train", "machine", "loader",
    "log", "footer",
)  # fmt: skip
_MESSAGE_SECONDS = 8.0


class RunScreen(Screen[object]):
    """Shows one run and has no way to change it."""

    BINDINGS: ClassVar[list[BindingType]] = [key.binding() for key in (*RUN_KEYS, STOPPING)]
    AUTO_FOCUS = None

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.state = ViewState()
        self.frame: Frame | None = None
        self._newest: Frame | None = None
        self._folder = folder
        self._poller = Poller(folder, self.post_message)
        self._panes = {name: Pane(name) for name in _ALL}
        self._boxes: list[Box] = []
        self._drawn: Drawn | None = None
        self._read_at = time.monotonic()
        self._failure = ""
        self._said_at = 0.0

    def compose(self) -> ComposeResult:
        yield from self._panes.values()

    def on_mount(self) -> None:
        self._poller.start()
        self._redraw()

    def on_unmount(self) -> None:
        self._poller.stop()

    def on_resize(self) -> None:
        self._redraw()

    def on_polled(self, message: Polled) -> None:
        self._newest = message.frame
        self._read_at, self._failure = time.monotonic(), ""
        self._tick()

    def on_poll_failed(self, message: PollFailed) -> None:
        self._failure = message.reason
        self._tick()

    def on_scrolled(self, message: Scrolled) -> None:
        if message.pane in PANES and message.pane != self.state.focus:
            self._change(focus=message.pane) if message.pane != "curves" else None
        self.action_move(message.lines)

    def action_focus_pane(self, pane: str) -> None:
        self._change(focus=pane, full=False)

    def action_next_pane(self, step: int) -> None:
        at = (PANES.index(self.state.focus) + step) % len(PANES)
        self._change(focus=PANES[at], full=False)

    def action_move(self, step: int) -> None:
        state = self.state
        if state.focus == "queue":
            self._change(down=max(0, state.down + step))
        elif state.focus == "log":
            self._change(up=max(0, state.up - step))
        else:
            self._select_by(step)

    def action_page(self, step: int) -> None:
        page = max(1, self._drawn.page - 1) if self._drawn else 1
        self.action_move(step * page)

    def action_end(self, step: int) -> None:
        self.action_move(step * 10**9)

    def action_phase(self, step: int) -> None:
        """List the trials of another phase."""
        if self.frame is None:
            return
        begun = [view.phase for view in self.frame.snapshot.trials]
        at = listed_phase(self.frame, self.state) + step
        if begun and 0 <= at <= max(begun):
            trials = [view.id for view in self.frame.snapshot.trials if view.phase == at]
            self._change(phase=at, top=0)
            self._select(trials[-1] if trials else None)

    def action_pick(self, trial: str) -> None:
        self._select(trial)

    def action_follow(self) -> None:
        """Back to what the screen showed at first."""
        self._change(phase=None, full=False, up=0, down=0, message="")
        self._select(None)

    def action_log_axis(self) -> None:
        self._change(log_axis=not self.state.log_axis)

    def action_by_step(self) -> None:
        self._change(by_step=not self.state.by_step)

    def action_full(self) -> None:
        self._change(full=not self.state.full, focus="curves")

    def action_freeze(self) -> None:
        frozen = "" if self.state.frozen else datetime.now().strftime("%H:%M:%S")
        if not frozen:
            self.frame = self._newest
        self._change(frozen=frozen)

    def action_help(self) -> None:
        self.app.push_screen(
            HelpScreen((*RUN_KEYS, STOPPING, LEAVE), f"{self._folder.name}: a view, read-only")
        )

    def action_refuse(self) -> None:
        if self.frame is not None:
            self._said_at = time.monotonic()
            self._change(message=refusal(self.frame, self.size.width))

    def commands(self) -> Iterator[SystemCommand]:
        """What the palette offers here."""
        for key in RUN_KEYS:
            if key.label:
                yield SystemCommand(
                    key.label.capitalize(), f"{key.tells} ({key.shown})", self._runner(key.action)
                )

    def _runner(self, action: str) -> Callable[[], Awaitable[None]]:
        async def run() -> None:
            await self.run_action(action)

        return run

    def _select_by(self, step: int) -> None:
        ids = self._listed()
        if not ids or self.frame is None:
            return
        at = ids.index(self.frame.focus) if self.frame.focus in ids else len(ids) - 1
        self._select(ids[min(len(ids) - 1, max(0, at + step))])

    def _listed(self) -> tuple[str, ...]:
        if self.frame is None:
            return ()
        phase = listed_phase(self.frame, self.state)
        return tuple(view.id for view in self.frame.snapshot.trials if view.phase == phase)

    def _select(self, trial: str | None) -> None:
        """Speak of another trial: at once in words, its curves with the next read."""
        self._poller.select(trial)
        self.state = replace(self.state, selected=trial)
        if self.frame is not None and trial is not None:
            self.frame = replace(self.frame, focus=trial)
        self._redraw()

    def _change(self, **changes: object) -> None:
        self.state = replace(self.state, **changes)  # type: ignore[arg-type]  # names are the state's own
        self._redraw()

    def _tick(self) -> None:
        if not self.state.frozen and self._newest is not None:
            self.frame = self._newest
        now = time.monotonic()
        unread = now - self._read_at if self._failure else None
        expired = self.state.message and now - self._said_at > _MESSAGE_SECONDS
        self.state = replace(self.state, unread=unread, message="" if expired else self.state.message)
        self._redraw()

    def _redraw(self) -> None:
        if not self.is_mounted or not self.size.width:
            return
        if self.frame is None:
            self._draw_waiting()
            return
        drawn = draw(self.frame, self.state, (self.size.width, self.size.height))
        self.state, self._drawn = drawn.state, drawn
        self._place(drawn.boxes)
        for pane, lines in drawn.lines.items():
            self._panes[pane].show(lines)

    def _draw_waiting(self) -> None:
        said = f"cannot be read: {self._failure}" if self._failure else "opening the run"
        self._place([Box("header", 0, 0, self.size.width, 1)])
        made = line(Span(self._folder.name, "strong"), Span(f"  {said}", "warn" if self._failure else "dim"))
        self._panes["header"].show([fit(made, self.size.width)])

    def _place(self, boxes: list[Box]) -> None:
        if boxes == self._boxes:
            return
        self._boxes = boxes
        placed = {box.pane: box for box in boxes}
        for name, pane in self._panes.items():
            box = placed.get(name)
            pane.styles.display = "block" if box else "none"
            if box:
                pane.styles.offset = (box.x, box.y)
                pane.styles.width, pane.styles.height = box.width, box.height
