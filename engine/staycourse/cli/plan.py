"""staycourse plan ROADMAP: the phase queue."""

from __future__ import annotations

import argparse

from staycourse.cli.arguments import add_roadmap

add_arguments = add_roadmap


def run(options: argparse.Namespace) -> int:
    from staycourse.cli.output import say, say_plan, say_problems
    from staycourse.core.space import describe
    from staycourse.core.text import one_line
    from staycourse.task.checking import read_roadmap

    _, roadmap, lineage = read_roadmap(options.roadmap)
    say(f"{roadmap.name}: {roadmap.objective.metric} {roadmap.objective.goal}, seed {roadmap.seed}")
    say("space: " + ", ".join(describe(h) for h in roadmap.space))
    if lineage:
        say(f"from: {one_line(lineage.line, 500)}")
    for note in roadmap.notes:
        say(f"note: {one_line(note, 500)}")
    say_plan(roadmap)
    say_problems("warning", roadmap.warnings)
    return 0
