"""Opening a view of a run: the app, or lines."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from staycourse.cli.output import say
from staycourse.core.problems import UserError
from staycourse.core.text import one_line
from staycourse.record.paths import RunPaths


def can_show_app() -> bool:
    """Whether there is a terminal to draw on."""
    is_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    return is_terminal and os.environ.get("TERM", "dumb") not in ("dumb", "unknown")


def follow_without_screen(start: Callable[[Callable[[], bool]], RunPaths]) -> int:
    """Follow what `start` answers to the end, with progress bars on a terminal and a line an event otherwise.
    It is given a function that says whether SIGTERM has come, from then on."""
    from staycourse.cli.headless import start_and_follow

    return start_and_follow(start)


def follow_in_app(run: Path | None = None, offer: Any = None) -> int:
    """Open the app; say how to come back when it was left, or was killed."""
    from staycourse.cli.guardian import guard
    from staycourse.cli.main import answered

    def farewell(number: signal.Signals, noted: str) -> None:
        _tell_of_kill(number, Path(noted) if noted else run)

    return guard(lambda note: answered(lambda: _show(run, offer, note)), farewell)


def _show(run: Path | None, offer: Any, note: Callable[[str], None]) -> int:
    """The app itself; `note` is told which run is open."""
    from staycourse_tui.app import StaycourseApp

    def sealed() -> Path:
        folder: Path = offer.seal()
        note(str(folder))
        return folder

    app = StaycourseApp(run=run, offer=replace(offer, seal=sealed) if offer else None)
    app.run()
    if app.run_folder is None:
        say("nothing was sealed, nothing was started")
        return 0
    return _leave(app, app.run_folder)


def open_home(home: Any, close: Callable[[], None]) -> int:
    """Open the app on roadmaps and runs. Left in a run's view it ends as that view does; else it says of the
    run that was looked at last whether it goes on. `close` is called where the app ran, once it has ended."""
    from staycourse.cli.guardian import guard
    from staycourse.cli.main import answered

    def show(note: Callable[[str], None]) -> int:
        try:
            return answered(lambda: _show_home(home, note))
        finally:
            close()

    return guard(show, lambda number, noted: _tell_of_kill(number, Path(noted) if noted else None))


def _show_home(home: Any, note: Callable[[str], None]) -> int:
    from staycourse.record.lock import is_held
    from staycourse_tui.app import StaycourseApp

    app = StaycourseApp(home=home, opened=lambda run: note(str(run)))
    shown = app.run()
    if shown is not None:
        return _leave(app, shown)
    if app.run_folder is not None and is_held((paths := RunPaths(app.run_folder)).lock):
        say(_goes_on(paths))
    return app.return_code or 0


def _goes_on(paths: RunPaths) -> str:
    return f"the run goes on; `staycourse attach {one_line(paths.name)}` shows it again"


def _leave(app: Any, run: Path) -> int:
    """Say how the run stands that was shown last; the exit code for that."""
    sentence, code = _standing(RunPaths(run))
    say(sentence)
    return app.return_code or code


def _tell_of_kill(number: signal.Signals, run: Path | None) -> None:
    """The line that remains in the shell where the app could not leave it."""
    sentence = "`staycourse runs` lists what runs here; nothing of it has noticed"
    with contextlib.suppress(sqlite3.Error, OSError, UserError):
        if run is not None:
            sentence, _ = _standing(RunPaths(run))
    say(f"the view was killed ({number.name}); {sentence}")


def _standing(paths: RunPaths) -> tuple[str, int]:
    """How the run stands, with the way back to it, and the exit code for that."""
    from staycourse.client import RunClient
    from staycourse.core.state import RunStatus

    snapshot = RunClient(paths.root).poll()
    name, report = one_line(paths.name), one_line(str(paths.report))
    if snapshot.status is RunStatus.FINISHED:
        return f"{name} is finished: {report}", 0
    if snapshot.status is RunStatus.FAILED:
        return f"{name} could not be finished ({one_line(snapshot.reason)}): {report}", 3
    if snapshot.is_engine_alive:
        return _goes_on(paths), 0
    if snapshot.status is RunStatus.ABANDONED:
        return f"{name} was abandoned: {one_line(snapshot.reason)}", 0
    return f"{name} is suspended; `staycourse resume {name}` goes on", 75
