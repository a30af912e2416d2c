"""staycourse check ROADMAP: every error at once."""

from __future__ import annotations

import argparse

from staycourse.cli.arguments import add_roadmap

add_arguments = add_roadmap


def run(options: argparse.Namespace) -> int:
    from staycourse.cli.ending import taken_back
    from staycourse.cli.output import say, say_checked
    from staycourse.task.checking import check

    with taken_back():
        checked = check(options.roadmap)
    say_checked(checked)
    say(f"{options.roadmap}: no errors")
    return 0
