"""What the threads tell the screens."""

from __future__ import annotations

from pathlib import Path

from textual.message import Message

from staycourse.client import RunSummary
from staycourse_tui.frames import Frame
from staycourse_tui.home import FoundRoadmap
from staycourse_tui.offer import Offer


class Polled(Message):
    """The run was read, by the reader `source`."""

    def __init__(self, frame: Frame, source: object) -> None:
        self.frame = frame
        self.source = source
        super().__init__()


class PollFailed(Message):
    """The run could not be read by the reader `source`."""

    def __init__(self, reason: str, source: object) -> None:
        self.reason = reason
        self.source = source
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


class RoadmapsRead(Message):
    """The roadmaps of this folder; `failure` is why they could not be listed."""

    def __init__(self, roadmaps: tuple[FoundRoadmap, ...] | None, failure: str = "") -> None:
        self.roadmaps = roadmaps
        self.failure = failure
        super().__init__()


class RunsRead(Message):
    """The runs; `failure` is why they could not be listed."""

    def __init__(self, runs: tuple[RunSummary, ...] | None, failure: str = "") -> None:
        self.runs = runs
        self.failure = failure
        super().__init__()


class Checked(Message):
    """A roadmap and its task stand the check."""

    def __init__(self, offer: Offer) -> None:
        self.offer = offer
        super().__init__()


class CheckFailed(Message):
    """What stands against a roadmap, each problem in a line."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        self.problems = problems
        super().__init__()


class OpenRun(Message):
    """A run is to be shown."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        super().__init__()
