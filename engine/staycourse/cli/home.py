"""staycourse without a command: the app, on the roadmaps and the runs that are here."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from staycourse_tui.home import Home
    from staycourse_tui.offer import Offer


def run(options: argparse.Namespace) -> int:
    from staycourse.cli.views import open_home
    from staycourse.record.paths import runs_folder
    from staycourse.task.child import end_children

    return open_home(home(runs_folder(options.runs)), lambda: end_children(patience=2.0))


def home(runs: Path) -> Home:
    """What the app shows of the working directory and of that folder of runs."""
    from staycourse.cli.roadmap_files import RoadmapFiles
    from staycourse.record.watched_runs import WatchedRuns
    from staycourse.task.child import end_children
    from staycourse_tui.home import Home

    return Home(
        place=str(Path.cwd()),
        roadmaps=RoadmapFiles(Path()).look,
        runs=WatchedRuns(runs).look,
        check=lambda path: _checked(path, runs),
        cancel=end_children,
    )


def _checked(path: Path, runs: Path) -> Offer:
    from staycourse.cli.run import offer
    from staycourse.supervise.options import Options
    from staycourse.task.checking import check

    return offer(check(path), str(path), runs, Options())
