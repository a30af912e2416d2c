"""What commands print: plain lines, the same on a terminal and in a file."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from staycourse.core.problems import Problem
from staycourse.core.roadmap import Roadmap
from staycourse.core.text import one_line

if TYPE_CHECKING:
    from staycourse.task.checking import Checked


def say(text: str) -> None:
    """One line on standard output, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def say_table(header: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[int] = ()) -> None:
    """Columns two spaces apart; those named in `numbers` end at the right."""
    lines = [list(header), *([one_line(cell, 60) for cell in row] for row in rows)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(header))]
    for line in lines:
        cells = [
            cell.rjust(width) if at in numbers else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        say("  ".join(cells).rstrip())


def say_plan(roadmap: Roadmap) -> None:
    """The phase queue with its upper bounds."""
    queue = roadmap.plan()
    rows = [
        (
            str(at),
            planned.kind,
            str(planned.trials),
            str(planned.epochs_per_trial),
            str(planned.total_epochs),
            f"{planned.share:.0%}",
            "; ".join(planned.notes),
        )
        for at, planned in enumerate(queue, start=1)
    ]
    say_table(("", "phase", "trials", "epochs each", "epochs in all", "data", ""), rows, (0, 2, 3, 4, 5))
    trials, epochs = sum(p.trials for p in queue), sum(p.total_epochs for p in queue)
    say(f"{trials} trials and {epochs} epochs at most")


def say_problems(what: str, problems: Iterable[Problem]) -> None:
    """Warnings, a line each."""
    for problem in problems:
        say(f"{what}: {problem}")


def say_checked(checked: Checked) -> None:
    """What the check saw: data, notes and warnings."""
    facts = checked.facts
    sizes = [
        f"{facts[key]} {name}"
        for key, name in (("train_samples", "to train on"), ("validation_samples", "to validate on"))
        if facts.get(key) is not None
    ]
    if sizes:
        say(f"data: {', '.join(sizes)}")
    for note in checked.notes:
        say(f"note: {one_line(note)}")
    say_problems("warning", checked.roadmap.warnings)
