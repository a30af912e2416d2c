"""staycourse resume [RUN]: go on where it was; with --all, every run that a reboot or a crash has left."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from staycourse.cli.arguments import add_devices, add_run, add_runs, add_view

if TYPE_CHECKING:
    from collections.abc import Callable

    from staycourse.core.state import RunState
    from staycourse.record.paths import RunPaths
    from staycourse.supervise.options import Options

_NONE_RESUMED = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_run(parser, optional=True)
    add_runs(parser)
    add_view(parser)
    add_devices(parser)
    parser.add_argument("--all", action="store_true", help="every unfinished run of yours, without a view")
    parser.add_argument(
        "--install-service", action="store_true", help="have systemd run `resume --all` at every boot"
    )


def run(options: argparse.Namespace) -> int:
    _refuse_mixtures(options)
    if options.install_service:
        from staycourse.cli.service import install

        return install(options.runs)
    return _resume_all(options) if options.all else _resume_one(options)


def _refuse_mixtures(options: argparse.Namespace) -> None:
    from staycourse.core.problems import UserError

    asked = [word for word in ("--all", "--install-service") if getattr(options, word[2:].replace("-", "_"))]
    if len(asked) > 1:
        raise UserError("--all and --install-service are two things: give one of them")
    if asked and options.name is not None:
        raise UserError(f"{asked[0]} is for all runs: leave {options.name} out")
    if options.install_service and (options.devices or options.slots or options.cpus):
        raise UserError(
            "--install-service takes no devices: each run goes on with the options that it had last"
        )


def _resume_one(options: argparse.Namespace) -> int:
    from staycourse.cli.output import say
    from staycourse.cli.views import can_show_app, follow_in_app, follow_without_screen
    from staycourse.core.state import RunStatus
    from staycourse.record.index import find
    from staycourse.supervise.launch import read_state, resume
    from staycourse.supervise.options import Options

    paths = find(options.name, options.runs)
    status = read_state(paths).status
    if status.is_over:
        _finish_up(paths)
    if status is RunStatus.FINISHED:
        say(f"{paths.name} is finished: {paths.report}")
        return 0
    where = Options(options.devices, options.slots, options.cpus)
    if options.no_ui or not can_show_app():
        return follow_without_screen(lambda stop: _resume_headless(paths, where, stop))
    resume(paths, where)
    return follow_in_app(run=paths.root)


def _resume_headless(paths: RunPaths, where: Options, is_terminated: Callable[[], bool]) -> RunPaths:
    from staycourse.supervise.launch import resume

    resume(paths, where, is_terminated)
    return paths


def _finish_up(paths: RunPaths) -> None:
    """The engine's last acts, which a kill may have come before. A run that cannot be written is no worse
    off than it was."""
    from staycourse.cli.output import say
    from staycourse.report import write_report
    from staycourse.supervise.settling import settle

    settle(paths)
    if paths.report.exists():
        return
    try:
        write_report(paths)
    except OSError as error:
        say(f"the report cannot be written: {error}")


def _resume_all(options: argparse.Namespace) -> int:
    """A line a run; 0 unless there were runs to resume and not one could be."""
    from staycourse.cli.output import say
    from staycourse.supervise.options import Options

    folders = _folders(options.runs)
    if not folders:
        say("no run yet; `staycourse run ROADMAP` starts one")
    given = Options(options.devices, options.slots, options.cpus)
    results = [_resumed(folder, given) for folder in folders]
    return _NONE_RESUMED if False in results and True not in results else 0


def _folders(option: str | None) -> list[Path]:
    """The user's runs: those listed, and their own ones in a folder of runs that is named. Oldest first, so
    that the first to wait is the first to go on."""
    from staycourse.record.index import listed, runs_in
    from staycourse.record.paths import runs_folder

    is_named = option or os.environ.get("STAYCOURSE_RUNS")
    named = runs_in(runs_folder(option)) if is_named else []
    own = [run for run in named if run.stat().st_uid == os.getuid()]
    return list(dict.fromkeys([*reversed(listed()), *reversed(own)]))


def _resumed(folder: Path, given: Options) -> bool | None:
    """Whether the run was resumed; None if there was nothing to resume. Says either in a line."""
    from staycourse.cli.output import say
    from staycourse.core.state import RunStatus
    from staycourse.record.lock import is_held
    from staycourse.record.paths import RunPaths
    from staycourse.supervise.launch import read_state
    from staycourse.supervise.starting import start_engine

    paths = RunPaths(folder)
    try:
        state = read_state(paths)
        if (state.status.is_over or state.status is RunStatus.FAILED) and not is_held(paths.lock):
            _finish_up(paths)
        if reason := _leave_alone(state, paths):
            say(f"{paths.name}: {reason}")
            return None
        start_engine(paths, _options(state, given))
    except Exception as error:  # whatever it is, the other runs are not to wait for it
        say(f"{paths.name}: cannot be resumed: {_why(error)}")
        return False
    say(f"{paths.name}: goes on; `staycourse attach {paths.name}` shows it")
    return True


def _why(error: Exception) -> str:
    import sqlite3

    from staycourse.core.problems import UserError
    from staycourse.core.text import one_line

    is_known = isinstance(error, (UserError, OSError, sqlite3.Error))
    return one_line(str(error) if is_known else f"a fault of its own: {type(error).__name__}: {error}")


def _leave_alone(state: RunState, paths: RunPaths) -> str:
    """Why there is nothing to resume; empty if there is."""
    from staycourse.core.state import RunStatus
    from staycourse.record.lock import holder_of, is_held

    if is_held(paths.lock):
        return f"goes on already ({holder_of(paths.lock) or 'process unknown'})"
    by_hand = f"`staycourse resume {paths.name}` goes on"
    if state.status.is_over or state.status is RunStatus.FAILED:
        return f"{state.status} already" if state.status.is_over else f"failed ({state.reason}); {by_hand}"
    # What it has stopped for by itself is still there, or has to be looked at: three equal failures, say.
    if state.status is RunStatus.SUSPENDED and state.reason != "SIGTERM":
        return f"has suspended itself ({state.reason}); once that is mended, {by_hand}"
    return _elsewhere(state, paths, by_hand)


def _elsewhere(state: RunState, paths: RunPaths, by_hand: str) -> str:
    """A run on a network file system is known to many hosts, and goes on where it was."""
    from staycourse.record.mounts import network_of

    host = state.engine.host.get("hostname") if state.engine else None
    if host in (None, os.uname().nodename) or network_of(paths.root) is None:
        return ""
    return f"was followed on {host}; {by_hand} here"


def _options(state: RunState, given: Options) -> Options:
    """What is given counts, else what the run had last: at boot nobody is there to name its GPU again."""
    from staycourse.supervise.options import Options

    last = Options.from_json(state.engine.options if state.engine else {})
    return Options(given.devices or last.devices, given.slots or last.slots, given.cpus or last.cpus)
