"""staycourse runs: the runs here and how they stand."""

from __future__ import annotations

import argparse
from pathlib import Path

from staycourse.cli.arguments import add_runs

_HEADER = ("run", "status", "phase", "trials", "best", "since", "folder")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_runs(parser)
    parser.add_argument(
        "--compare", metavar="RUN", nargs="+", help="set two runs or more side by side, by name or folder"
    )


def run(options: argparse.Namespace) -> int:
    from staycourse.cli.output import say, say_table
    from staycourse.record.index import all_runs

    if options.compare:
        return _compare(options.compare, options.runs)

    folders = all_runs(options.runs)
    if not folders:
        say("no run yet; `staycourse run ROADMAP` starts one")
        return 0
    damages: list[str] = []
    say_table(_HEADER, [_row(folder, damages) for folder in folders], numbers=(3, 4))
    for damage in damages:
        say(damage)
    return 0


def _row(folder: Path, damages: list[str]) -> tuple[str, ...]:
    """The run's cells; what is wrong with a damaged one goes to `damages`."""
    from datetime import UTC, datetime

    from staycourse.record.summary import DAMAGED, UNREADABLE, SummaryReader

    summary = SummaryReader(folder).read()
    if summary.status == DAMAGED:
        damages.append(summary.problem)
    if summary.status in (DAMAGED, UNREADABLE):
        return (folder.name, summary.status, "", "", "", "", str(folder))
    phase, best = summary.phase, summary.best
    days, rest = divmod(int(summary.elapsed(datetime.now(UTC))), 86400)
    return (
        folder.name,
        summary.status,
        f"{phase.index + 1}/{len(summary.phases)} {phase.kind}" if phase else "",
        f"{summary.ended}/{summary.trials}",
        f"{best:.4g}" if best is not None else "",
        f"{days}d {rest // 3600}h" if days else f"{rest // 3600}h {rest % 3600 // 60:02}m",
        str(folder),
    )


def _compare(names: list[str], runs: str | None) -> int:
    """The settings that differ, then what came of them."""
    from staycourse.cli.output import say
    from staycourse.core.problems import UserError
    from staycourse.record.index import find
    from staycourse.report.comparison import compare
    from staycourse.report.exports.run_data import RunData

    if len(names) < 2:
        raise UserError("--compare takes two runs or more")
    told = [RunData(find(name, runs).root) for name in names]
    comparison = compare(told)
    columns = tuple(run.name for run in told)
    for title, rows, nothing in (
        ("settings", comparison.settings, "the settings are the same"),
        ("code, data, environment", comparison.surroundings, "code, data and environment are the same"),
        ("results", comparison.results, ""),
    ):
        if rows:
            _say_columns((title, *columns), rows)
        else:
            say(nothing)
        say("")
    return 0


def _say_columns(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    """Side by side as wide as the terminal is; a value that has no room goes on in the next line."""
    import shutil
    import textwrap

    from staycourse.cli.output import say

    width = max(60, shutil.get_terminal_size((80, 24)).columns)
    first = min(max(len(row[0]) for row in (header, *rows)), width // 3)
    each = max(12, (width - first) // (len(header) - 1) - 2)
    for row in (header, *rows):
        cells = [textwrap.wrap(cell, first if at == 0 else each) or [""] for at, cell in enumerate(row)]
        for at in range(max(map(len, cells))):
            parts = [cell[at] if at < len(cell) else "" for cell in cells]
            line = [parts[0].ljust(first), *(part.ljust(each) for part in parts[1:])]
            say("  ".join(line).rstrip())
