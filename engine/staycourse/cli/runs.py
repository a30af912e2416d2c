"""staycourse runs: the runs here and how they stand."""

from __future__ import annotations

import argparse
import sqlite3
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
    from staycourse.client import RunClient
    from staycourse.core.problems import UserError
    from staycourse.record.damage import DamagedRun

    try:
        snapshot = RunClient(folder).poll()
    except DamagedRun as error:
        damages.append(str(error))
        return (folder.name, "damaged", "", "", "", "", str(folder))
    except (sqlite3.Error, OSError, UserError):
        return (folder.name, "unreadable", "", "", "", "", str(folder))
    phase = snapshot.phase
    ended = sum(trial.status == "ended" for trial in snapshot.trials)
    total = sum(view.trials for view in snapshot.phases)
    ranked = [view.best for view in snapshot.phases if view.best is not None]
    days, rest = divmod(int(snapshot.elapsed), 86400)
    return (
        folder.name,
        str(snapshot.status),
        f"{phase.index + 1}/{len(snapshot.phases)} {phase.kind}" if phase else "",
        f"{ended}/{total}",
        f"{ranked[-1]:.4g}" if ranked else "",
        f"{days}d {rest // 3600}h" if days else f"{rest // 3600}h {rest % 3600 // 60:02}m",
        str(folder),
    )
