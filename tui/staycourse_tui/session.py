"""One run that is open: its newest frame, and what the keys have set for all of its screens."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from textual.message import Message

from staycourse_tui.frames import MOST_MARKED, Frame, Request
from staycourse_tui.poller import Poller

X_AXES = ("epoch", "step", "time")
_MESSAGE_SECONDS = 8.0
_PATIENCE = 4  # seconds; a read takes a small part of one


def after(x_axis: str) -> str:
    """What the x axis is next."""
    return X_AXES[(X_AXES.index(x_axis) + 1) % len(X_AXES)]


class Session:
    """Shared by the screens of a run.

    `frame` is what they show, None before the first read, and `newest` what was read last, which is another
    one while the display is frozen. `frozen` is the time at which it was, empty if it is not. `unread` is for
    how many seconds the run could not be read, None where it can; `failure` says why.
    """

    def __init__(self, folder: Path, post: Callable[[Message], object]) -> None:
        self.folder = folder
        self.frame: Frame | None = None
        self.frozen = ""
        self.log_axis = True
        self.x_axis = X_AXES[0]
        self.marked: tuple[str, ...] = ()
        self.failure = ""
        self.request = Request()
        self._poller = Poller(folder, post)
        self.newest: Frame | None = None
        self._read_at = time.monotonic()
        self._message, self._said_at = "", 0.0
        self._waited = 0

    def start(self) -> None:
        self._poller.start()

    def stop(self) -> None:
        self._poller.stop()

    def reads_by(self, source: object) -> bool:
        """Whether that is this run's reader, and not that of a run which was open before."""
        return source is self._poller

    def take(self, frame: Frame) -> None:
        """A new frame has come."""
        self._poller.taken()
        self.newest = frame
        self._read_at, self.failure, self._waited = time.monotonic(), "", 0
        if not self.frozen:
            self.frame = frame

    def fail(self, reason: str) -> None:
        """The run could not be read."""
        self._poller.taken()
        self.failure, self._waited = reason, 0

    def tick(self) -> bool:
        """One more second went by; whether no read has come back for so many that this must be shown. They
        are counted, so that the time for which the app itself was stopped is none of them."""
        self._waited += 1
        if self._waited >= _PATIENCE:
            self.failure = "no answer from its folder yet"
        return self._waited >= _PATIENCE

    @property
    def unread(self) -> float | None:
        return time.monotonic() - self._read_at if self.failure else None

    @property
    def message(self) -> str:
        """What was said last, for some seconds; then why the run cannot be read, once that lasts."""
        if self._message and time.monotonic() - self._said_at < _MESSAGE_SECONDS:
            return self._message
        return f"cannot be read: {self.failure}" if (self.unread or 0.0) >= _PATIENCE else ""

    def say(self, message: str) -> None:
        """Say something in the last line."""
        self._message, self._said_at = message, time.monotonic()

    def ask(self, **changes: object) -> None:
        """Change what is read."""
        self.request = replace(self.request, **changes)  # type: ignore[arg-type]  # names are Request's own
        self._poller.ask(self.request)

    def select(self, trial: str | None) -> None:
        """Speak of another trial: at once in words, its curves with the next read."""
        self.ask(selected=trial)
        if self.frame is not None and trial is not None:
            self.frame = replace(self.frame, focus=trial)

    def mark(self, trial: str) -> None:
        """Mark a trial for comparison, or take its mark away; the oldest mark gives way to a fifth one."""
        if trial in self.marked:
            self.marked = tuple(one for one in self.marked if one != trial)
        else:
            self.marked = (*self.marked, trial)[-MOST_MARKED:]
        self.ask(marked=self.marked)

    def unmark(self) -> None:
        self.marked = ()
        self.ask(marked=())

    def freeze(self) -> None:
        """Let the display stand still, or go on; the run goes on in any case."""
        self.frozen = "" if self.frozen else datetime.now().strftime("%H:%M:%S")
        if not self.frozen:
            self.frame = self.newest

    def next_x_axis(self) -> None:
        """Curves by epoch, by step, by time of training."""
        self.x_axis = after(self.x_axis)
        self.ask(has_pace=self.x_axis == "time")
