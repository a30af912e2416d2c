"""staycourse run ROADMAP: check, seal, follow."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from staycourse.cli.arguments import add_devices, add_roadmap, add_runs, add_view

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from staycourse.record.paths import RunPaths
    from staycourse.supervise.options import Options
    from staycourse.task.checking import Checked
    from staycourse_tui.offer import Offer


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_roadmap(parser)
    add_runs(parser)
    add_view(parser)
    add_devices(parser)


def run(options: argparse.Namespace) -> int:
    from staycourse.cli.ending import taken_back
    from staycourse.cli.output import say
    from staycourse.cli.views import can_show_app, follow_in_app, follow_without_screen
    from staycourse.record.paths import runs_folder
    from staycourse.supervise.options import Options
    from staycourse.task.checking import check

    has_screen = not options.no_ui and can_show_app()
    if has_screen:
        say(f"checking {options.roadmap}: its task is loaded, and one batch goes through it")
    with taken_back():
        checked = check(options.roadmap)
    runs = runs_folder(options.runs)
    where = Options(options.devices, options.slots, options.cpus)
    if not has_screen:
        return follow_without_screen(lambda stop: _seal_aloud(checked, runs, where, stop))
    return follow_in_app(offer=offer(checked, str(options.roadmap), runs, where))


def _seal_aloud(checked: Checked, runs: Path, where: Options, is_terminated: Callable[[], bool]) -> RunPaths:
    """Print the plan, seal it, start the engine."""
    from staycourse.cli.output import say, say_checked, say_plan
    from staycourse.supervise.disk import forecast_words

    say_checked(checked)
    for words in forecast_words(checked, runs):
        say(f"disk: {words}")
    say_plan(checked.roadmap)
    paths = _seal(checked, runs, where, is_terminated)
    say(f"seal: {_seal_of(paths)}")
    say(f"run folder: {paths.root}")
    return paths


def _seal_of(paths: RunPaths) -> str:
    from staycourse.supervise.launch import read_state

    sealed = read_state(paths).sealed
    return sealed.seal if sealed else ""


def _seal(
    checked: Checked, runs: Path, where: Options, is_terminated: Callable[[], bool] = lambda: False
) -> RunPaths:
    from staycourse.supervise.launch import prepare
    from staycourse.supervise.starting import start_engine

    paths = prepare(checked, runs, where)
    start_engine(paths, where, is_terminated)
    return paths


def offer(checked: Checked, source: str, runs: Path, where: Options) -> Offer:
    """What the app shows before Enter seals it; `source` is the roadmap's path as it is shown."""
    from staycourse.supervise.disk import forecast_words
    from staycourse.supervise.rehearsal import rehearse
    from staycourse.supervise.sealing import sealed_parts
    from staycourse_tui.offer import Offer

    return Offer(
        roadmap=checked.roadmap,
        source=source,
        notes=(*checked.notes, *forecast_words(checked, runs)),
        facts=checked.facts,
        seal=lambda: _seal(checked, runs, where).root,
        rehearse=lambda say: rehearse(checked, where, say).is_good,
        will_be=sealed_parts(checked, where).seal,
    )
