"""staycourse abandon RUN --reason …: the honest exit."""

from __future__ import annotations

import argparse

from staycourse.cli.arguments import add_run, add_runs


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_run(parser, optional=False)
    parser.add_argument("--reason", required=True, help="why; it stands in the ledger and in the report")
    add_runs(parser)


def run(options: argparse.Namespace) -> int:
    from staycourse.cli.output import say
    from staycourse.core.problems import UserError
    from staycourse.core.text import one_line
    from staycourse.record.index import find
    from staycourse.report import write_report
    from staycourse.supervise.launch import abandon

    reason = one_line(options.reason)
    if not reason:
        raise UserError("--reason is empty: say why, in a few words; it stands in the report")
    paths = find(options.name, options.runs)
    abandon(paths, reason)
    write_report(paths)
    say(f"{paths.name} is abandoned; every result stands in {paths.report}")
    return 0
