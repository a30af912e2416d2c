"""The hybrid schedule beside the decaying one, on two data sets: is it equivalent, and what does it save?

    python bench/schedules.py [--seeds 8] [--data NAME] [--keep FOLDER]

Follows roadmaps/schedules.toml with the engine, as it stands and for another task. A second phase holds the
decaying schedule against one that does nothing until epoch 60, by the same margin: whatever passes for
equivalent has to be able to fail.
"""

from __future__ import annotations

import argparse
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from staycourse.core.roadmap import Roadmap
from staycourse.core.schedules import Schedule
from staycourse.core.state import TrialState
from staycourse.record.paths import RunPaths
from staycourse.report.facts import Facts, read_facts

HERE = Path(__file__).parent.resolve()
ROADMAP = HERE.parent / "roadmaps" / "schedules.toml"
CONTROL = """
[[phase]]
kind = "compare"
seeds = {seeds}
epochs = 100
margin = {margin}
[[phase.setup]]
name = "decaying"
schedule = "decaying"
[[phase.setup]]
name = "untouched"
schedule = "untouched"
"""


@dataclass(frozen=True)
class Case:
    """A data set: what its roadmap says in place of the shipped one's words."""

    name: str
    changes: Mapping[str, str]


CASES = (
    Case("digits", {}),
    Case(
        "friedman",
        {
            'file = "tasks/digits.py"': f'file = "{HERE / "tasks" / "friedman.py"}"',
            "args = { hidden = 64, held_out = 300 }": "args = { hidden = 64, count = 1500 }",
            "dropout    = 0.2": "dropout    = 0.1",
        },
    ),
)


def roadmap_of(case: Case, seeds: int) -> str:
    """The shipped roadmap for this data set, with the control behind it."""
    text = ROADMAP.read_text(encoding="utf-8").replace('"tasks/', f'"{ROADMAP.parent}/tasks/')
    changes = {old.replace('"tasks/', f'"{ROADMAP.parent}/tasks/'): new for old, new in case.changes.items()}
    margin = text.partition("margin = ")[2].split()[0]
    changes |= {
        "seeds = 8": f"seeds = {seeds}",
        '["decaying", "hybrid"]': '["decaying", "hybrid", "untouched"]',
        "[schedules]\n": "[schedules]\nuntouched = { lr = { 60 = 0.5, 90 = 0.5 } }\n",
    }
    for old, new in changes.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text + CONTROL.format(seeds=seeds, margin=margin)


def follow(case: Case, seeds: int, folder: Path) -> Facts:
    """The whole run, and what it recorded."""
    file = folder / f"{case.name}.toml"
    file.write_text(roadmap_of(case, seeds), encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "staycourse.cli.main",
        "run",
        str(file),
        "--no-ui",
        "--runs",
        str(folder),
    ]
    environment = {**os.environ, "XDG_STATE_HOME": str(folder / "state")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{case.name}: the run ended with {done.returncode}\n{done.stdout}{done.stderr}")
    return read_facts(RunPaths(max(folder.glob("schedules-*"))))


def updates_of(schedule: Schedule, base: int, samples: int, epochs: int) -> int:
    """Parameter updates by arithmetic: the batches of each epoch, rounded up; a last one of a single sample
    is left out."""
    sizes = [schedule.batch_size(base, done) for done in range(epochs)]
    return sum(math.ceil(samples / size) - (size > 1 and samples % size == 1) for size in sizes)


def saved(own: float, full: float) -> str:
    return f"{1 - own / full:.1%}"


def lines_of(case: Case, facts: Facts, phase: int) -> list[str]:
    """One line a set-up but the decaying one, beside that."""
    rows = facts.state.handoffs[phase].findings["comparison"]
    judged = rows[1]
    by_name = {row["name"]: row for row in rows}
    decaying = by_name.pop("decaying")
    (other,) = by_name.values()
    sign = 1 if judged is other else -1
    low, high = sorted(sign * end for end in judged["equivalence"]["interval"])
    counted, full = (_expected(facts, row) for row in (other, decaying))
    trained = {_trial(facts, name).end.steps for name in other["trials"]}  # type: ignore[union-attr]
    exact = "exact" if trained == {counted} else f"COUNTED {counted}"
    seconds, whole = (_seconds(facts, row) for row in (other, decaying))
    words = [
        f"{case.name:10}{other['name']:11}{decaying['score']:9.4f}{other['score']:9.4f}",
        f"{decaying['epoch']:6d}{other['epoch']:5d}",
        f"{sign * judged['difference']:+10.4f}  {low:+.4f} .. {high:+.4f}",
        f"{judged['equivalence']['verdict']:28}",
        f"{full:6d}{counted:6d} {saved(other['updates'], decaying['updates']):>6} ({exact})",
        f"{whole:6.1f}{seconds:6.1f}",
    ]
    return ["  ".join(words)]


def _expected(facts: Facts, row: Mapping[str, Any]) -> int:
    roadmap: Roadmap = facts.roadmap
    setup = row["setup"]
    samples, epochs = int(facts.sealed.facts["train_samples"]), _trial(facts, row["trials"][0]).plan.epochs
    return updates_of(roadmap.schedules[setup["schedule"]], int(setup["batch_size"]), samples, epochs)


def _seconds(facts: Facts, row: Mapping[str, Any]) -> float:
    ends = [_trial(facts, name).end for name in row["trials"]]
    return sum(end.seconds for end in ends if end) / len(ends)


def _trial(facts: Facts, name: str) -> TrialState:
    return facts.state.trials[name]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--data", choices=[case.name for case in CASES], action="append")
    parser.add_argument("--keep", type=Path, help="a folder for the runs and their reports")
    asked = parser.parse_args()
    chosen = [case for case in CASES if case.name in (asked.data or [case.name])]
    margin = ROADMAP.read_text(encoding="utf-8").partition("margin = ")[2].split()[0]
    _say(
        f"each against `decaying`, {asked.seeds} seeds, margin {margin} of val_loss declared in the roadmap\n"
    )
    _say(
        f"{'data':10}{'schedule':11}{'val_loss: decaying, it':>20}  {'at epoch':>10}  {'difference':>10}  "
        f"{'90% interval':18}{'verdict':30}{'updates, saved':28}{'seconds'}"
    )
    with tempfile.TemporaryDirectory(prefix="bench-schedules-") as temporary:
        for case in chosen:
            folder = (asked.keep or Path(temporary)) / case.name
            folder.mkdir(parents=True)
            facts = follow(case, asked.seeds, folder)
            for phase in range(len(facts.roadmap.phases)):
                for line in lines_of(case, facts, phase):
                    _say(line)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
