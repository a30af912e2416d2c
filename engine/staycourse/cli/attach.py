"""staycourse attach [RUN]: open the view again; with --line, one line about the run."""

from __future__ import annotations

import argparse

from staycourse.cli.arguments import add_run, add_runs, add_view, at_least_one

_CELLS = 40  # what tmux shows of `status-right` unless it is told otherwise


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_run(parser, optional=True)
    add_runs(parser)
    add_view(parser)
    parser.add_argument(
        "--line",
        "--compact",
        action="store_true",
        help="print how the run stands in one short line, for a status bar, and leave",
    )
    parser.add_argument(
        "--width",
        metavar="N",
        type=at_least_one,
        default=_CELLS,
        help=f"cells that this line may take (default: {_CELLS})",
    )


def run(options: argparse.Namespace) -> int:
    from staycourse.record.index import find

    if options.line:
        return _say_line(options)
    from staycourse.cli.views import can_show_app, follow_in_app, follow_without_screen

    paths = find(options.name, options.runs)
    if options.no_ui or not can_show_app():
        return follow_without_screen(lambda _: paths)
    return follow_in_app(run=paths.root)


def _say_line(options: argparse.Namespace) -> int:
    """A status bar shows what it gets: what went wrong too is one short line, and the exit code is 0."""
    import sqlite3

    from staycourse.cli.output import say
    from staycourse.client import RunClient
    from staycourse.core.problems import UserError
    from staycourse.core.text import one_line
    from staycourse.record.index import NoSuchRun, find
    from staycourse_tui.line import status_line

    name = options.name
    try:
        paths = find(name, options.runs)
        name = paths.name
        said = status_line(RunClient(paths.root).poll(), options.width)
    except NoSuchRun:
        said = "no run" if name is None else f"no run {name}"
    except (sqlite3.Error, OSError, UserError):
        said = f"{name} cannot be read"
    say(one_line(said, options.width))
    return 0
