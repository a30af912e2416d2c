"""staycourse report RUN [-o FILE]: write the report again."""

from __future__ import annotations

import argparse
from pathlib import Path

from staycourse.cli.arguments import add_run, add_runs


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_run(parser, optional=False)
    parser.add_argument("-o", "--output", metavar="FILE", type=Path, help="write here instead")
    add_runs(parser)


def run(options: argparse.Namespace) -> int:
    from staycourse.cli.output import say
    from staycourse.core.problems import UserError
    from staycourse.record.index import find
    from staycourse.report import write_report

    try:
        say(str(write_report(find(options.name, options.runs), options.output)))
    except OSError as error:
        raise UserError(f"the report cannot be written: {error}") from None
    return 0
