"""What the home screen shows and may do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from staycourse.client import RunSummary
from staycourse.core.problems import RoadmapError, UserError
from staycourse.core.roadmap import Roadmap
from staycourse_tui.offer import Offer


@dataclass(frozen=True)
class FoundRoadmap:
    """A roadmap of this folder: what it says, or what is wrong with it, each problem in a line."""

    path: Path
    roadmap: Roadmap | None
    problems: tuple[str, ...] = ()

    @classmethod
    def of(cls, path: Path, read: Roadmap | UserError) -> FoundRoadmap:
        if isinstance(read, Roadmap):
            return cls(path, read)
        return cls(path, None, problems_of(read, path))


def problems_of(error: UserError, path: Path) -> tuple[str, ...]:
    """Everything that the error tells of the file, a problem a line, without its path before each."""
    if isinstance(error, RoadmapError):
        return tuple(map(str, error.problems))
    return tuple(said.removeprefix(f"{path}: ") for said in str(error).splitlines())


@dataclass(frozen=True)
class Home:
    """The callbacks block and are called on threads only, but for `cancel`.

    `place` is the folder. `roadmaps` answers with each roadmap's path and what it says or what is wrong with
    it, `runs` with all runs, running ones first. Both are asked again and again. `check` loads the roadmap's
    task and raises UserError with every problem; `cancel` ends a check that nobody waits for any more.
    """

    place: str
    roadmaps: Callable[[], Sequence[tuple[Path, Roadmap | UserError]]]
    runs: Callable[[], Sequence[RunSummary]]
    check: Callable[[Path], Offer]
    cancel: Callable[[], None]


@dataclass(frozen=True)
class HomeFrame:
    """What was found last; None before the first answer. The failures say why there is no newer one."""

    place: str
    now: datetime
    roadmaps: tuple[FoundRoadmap, ...] | None = None
    runs: tuple[RunSummary, ...] | None = None
    roadmaps_failure: str = ""
    runs_failure: str = ""

    def runs_of(self, roadmap: Roadmap) -> list[RunSummary]:
        """The runs of a roadmap's name, the newest first."""
        found = [run for run in self.runs or () if run.roadmap == roadmap.name and run.sealed is not None]
        return sorted(found, key=lambda run: run.sealed or self.now, reverse=True)
