"""Arguments that several commands share."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_roadmap(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("roadmap", metavar="ROADMAP", type=Path, help="a roadmap file (TOML)")


def add_run(parser: argparse.ArgumentParser, *, optional: bool) -> None:
    text = "a run's name or folder" + (" (default: the newest)" if optional else "")
    parser.add_argument("name", metavar="RUN", nargs="?" if optional else None, help=text)


def add_runs(parser: argparse.ArgumentParser, default: str | None = argparse.SUPPRESS) -> None:
    """`--runs`; what stands before the command holds for it, so that a command has no default of its own."""
    text = "where runs are kept (default: STAYCOURSE_RUNS, else ./runs)"
    parser.add_argument("--runs", metavar="DIR", default=default, help=text)


def add_view(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--no-ui", action="store_true", help="no screen: progress bars, or a line an event")


def add_devices(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--devices", metavar="LIST", help='GPUs by index or UUID, "0,1", or "cpu"')
    parser.add_argument("--slots", metavar="N", type=at_least_one, help="trials side by side")
    parser.add_argument("--cpus", metavar="LIST", help='CPUs to use: a number, or a list such as "0-3,8"')


def at_least_one(text: str) -> int:
    """An argument that counts something."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("expected 1 or more")
    return value
