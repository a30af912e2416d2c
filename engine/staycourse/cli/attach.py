"""staycourse attach [RUN]: open the view again."""

from __future__ import annotations

import argparse

from staycourse.cli.arguments import add_run, add_runs, add_view


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_run(parser, optional=True)
    add_runs(parser)
    add_view(parser)


def run(options: argparse.Namespace) -> int:
    from staycourse.cli.views import can_show_app, follow_in_app, follow_without_screen
    from staycourse.record.index import find

    paths = find(options.name, options.runs)
    if options.no_ui or not can_show_app():
        return follow_without_screen(lambda _: paths)
    return follow_in_app(run=paths.root)
