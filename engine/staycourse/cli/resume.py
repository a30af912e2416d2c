"""staycourse resume [RUN]: go on where it was."""

from __future__ import annotations

import argparse

from staycourse.cli.arguments import add_devices, add_run, add_runs, add_view


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_run(parser, optional=True)
    add_runs(parser)
    add_view(parser)
    add_devices(parser)


def run(options: argparse.Namespace) -> int:
    from staycourse.cli.output import say
    from staycourse.cli.views import can_show_app, follow_in_app, follow_without_screen
    from staycourse.core.state import RunStatus
    from staycourse.record.index import find
    from staycourse.supervise.launch import read_state, resume
    from staycourse.supervise.options import Options

    paths = find(options.name, options.runs)
    if read_state(paths).status is RunStatus.FINISHED:
        say(f"{paths.name} is finished: {paths.report}")
        return 0
    resume(paths, Options(options.devices, options.slots, options.cpus))
    if options.no_ui or not can_show_app():
        return follow_without_screen(paths)
    return follow_in_app(run=paths.root)
