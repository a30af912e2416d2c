"""staycourse check ROADMAP: every error at once."""

from __future__ import annotations

import argparse

from staycourse.cli.arguments import add_roadmap

add_arguments = add_roadmap


def run(options: argparse.Namespace) -> int:
    from staycourse.cli.ending import taken_back
    from staycourse.cli.output import say, say_checked
    from staycourse.record.paths import runs_folder
    from staycourse.supervise.disk import forecast_words
    from staycourse.task.checking import check

    with taken_back():
        checked = check(options.roadmap)
    say_checked(checked)
    for words in forecast_words(checked, runs_folder(None)):
        say(f"disk: {words}")
    say(f"{options.roadmap}: no errors")
    return 0
