"""staycourse rehearse ROADMAP: the whole campaign in miniature."""

from __future__ import annotations

import argparse

from staycourse.cli.arguments import add_devices, add_roadmap


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_roadmap(parser)
    add_devices(parser)


def run(options: argparse.Namespace) -> int:
    from staycourse.cli.ending import taken_back
    from staycourse.cli.output import say, say_checked
    from staycourse.supervise.options import Options
    from staycourse.supervise.rehearsal import rehearse
    from staycourse.task.checking import check

    with taken_back():
        checked = check(options.roadmap)
        say_checked(checked)
        result = rehearse(checked, Options(options.devices, options.slots, options.cpus), say)
    return 0 if result.is_good else 3
