"""staycourse verify RUN: recompute the chain; name the first thing that does not fit."""

from __future__ import annotations

import argparse

from staycourse.cli.arguments import add_run, add_runs

FAILED = 4


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_run(parser, optional=False)
    add_runs(parser)


def run(options: argparse.Namespace) -> int:
    from staycourse.cli.output import say
    from staycourse.record.index import NoSuchRun, find, find_remains
    from staycourse.record.verification import verify

    try:
        paths = find(options.name, options.runs)
    except NoSuchRun:
        remains = find_remains(options.name, options.runs)
        if remains is None:
            raise
        say(f"{remains.name} does not fit: run.db is missing")
        return FAILED
    verified = verify(paths)
    say(verified.line)
    return 0 if verified.fits else FAILED
