"""Opening a view of a run: the app, or lines."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from staycourse.cli.output import say
from staycourse.record.paths import RunPaths


def can_show_app() -> bool:
    """Whether there is a terminal to draw on."""
    is_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    return is_terminal and os.environ.get("TERM", "dumb") != "dumb"


def follow_without_screen(start: Callable[[Callable[[], bool]], RunPaths]) -> int:
    """Follow what `start` answers to the end, with progress bars on a terminal and a line an event otherwise.
    It is given a function that says whether SIGTERM has come, from then on."""
    from staycourse.cli.headless import start_and_follow

    return start_and_follow(start)


def follow_in_app(run: Path | None = None, offer: Any = None) -> int:
    """Open the app; say how to come back when it was left."""
    from staycourse_tui.app import StaycourseApp

    app = StaycourseApp(run=run, offer=offer)
    app.run()
    if app.run_folder is None:
        say("nothing was sealed, nothing was started")
        return 0
    return _leave(RunPaths(app.run_folder))


def open_home(home: Any) -> int:
    """Open the app on roadmaps and runs. Left in a run's view it ends as that view does; else it says of the
    run that was looked at last whether it goes on."""
    from staycourse.record.lock import is_held
    from staycourse_tui.app import StaycourseApp

    app = StaycourseApp(home=home)
    shown = app.run()
    if shown is not None:
        return _leave(RunPaths(shown))
    if app.run_folder is not None and is_held((paths := RunPaths(app.run_folder)).lock):
        say(_goes_on(paths))
    return 0


def _goes_on(paths: RunPaths) -> str:
    return f"the run goes on; `staycourse attach {paths.name}` shows it again"


def _leave(paths: RunPaths) -> int:
    """The line that remains in the shell, and the exit code."""
    from staycourse.client import RunClient
    from staycourse.core.state import RunStatus

    snapshot = RunClient(paths.root).poll()
    if snapshot.status is RunStatus.FINISHED:
        say(f"{paths.name} is finished: {paths.report}")
        return 0
    if snapshot.status is RunStatus.FAILED:
        say(f"{paths.name} could not be finished ({snapshot.reason}): {paths.report}")
        return 3
    if snapshot.is_engine_alive:
        say(_goes_on(paths))
        return 0
    if snapshot.status is RunStatus.ABANDONED:
        say(f"{paths.name} was abandoned: {snapshot.reason}")
        return 0
    say(f"{paths.name} is suspended; `staycourse resume {paths.name}` goes on")
    return 75
