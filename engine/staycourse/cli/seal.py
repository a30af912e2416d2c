"""staycourse seal ROADMAP: the seal that a run of it would have, for a commit message."""

from __future__ import annotations

import argparse

from staycourse.cli.arguments import add_devices, add_roadmap


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_roadmap(parser)
    add_devices(parser)


def run(options: argparse.Namespace) -> int:
    """One line in the form of a git trailer. Published before the run, it is what a rewritten chain cannot
    have."""
    from staycourse.cli.ending import taken_back
    from staycourse.cli.output import say
    from staycourse.supervise.options import Options
    from staycourse.supervise.sealing import sealed_parts
    from staycourse.task.checking import check

    with taken_back():
        checked = check(options.roadmap)
    sealing = sealed_parts(checked, Options(options.devices, options.slots, options.cpus))
    say(f"Staycourse-Seal: {sealing.seal} ({checked.roadmap.name})")
    return 0
