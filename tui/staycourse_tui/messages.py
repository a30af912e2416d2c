"""What the threads tell the screens."""

from __future__ import annotations

from pathlib import Path

from textual.message import Message

from staycourse_tui.frames import Frame


class Polled(Message):
    """The run was read."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        super().__init__()


class PollFailed(Message):
    """The run could not be read."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__()


class RehearsalLine(Message):
    """A line of progress."""

    def __init__(self, text: str) -> None:
        self.text = text
        super().__init__()


class Rehearsed(Message):
    """The rehearsal is over; `error` is what ended it, empty if nothing did."""

    def __init__(self, passed: bool, error: str = "") -> None:
        self.passed = passed
        self.error = error
        super().__init__()


class Sealed(Message):
    """The plan is sealed and the engine has started."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        super().__init__()


class SealFailed(Message):
    """Nothing was sealed."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__()


class Scrolled(Message):
    """The wheel has turned over a pane; positive is down."""

    def __init__(self, pane: str, lines: int) -> None:
        self.pane = pane
        self.lines = lines
        super().__init__()
