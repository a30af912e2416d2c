"""staycourse runs: the runs here and how they stand."""

from __future__ import annotations

import argparse
from pathlib import Path

from staycourse.cli.arguments import add_runs

add_arguments = add_runs
_HEADER = ("run", "status", "phase", "trials", "best", "since", "folder")


def run(options: argparse.Namespace) -> int:
    from staycourse.cli.output import say, say_table
    from staycourse.record.index import all_runs

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
