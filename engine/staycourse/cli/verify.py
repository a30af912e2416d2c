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
    from staycourse.record.index import find
    from staycourse.record.verification import verify

    verified = verify(find(options.name, options.runs))
    say(verified.line)
    return 0 if verified.fits else FAILED
