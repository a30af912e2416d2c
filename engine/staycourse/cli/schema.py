"""staycourse schema: JSON Schema of the roadmap, for editors."""

from __future__ import annotations

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """It takes none."""


def run(options: argparse.Namespace) -> int:
    import json

    from staycourse.cli.output import say
    from staycourse.core.json_schema import roadmap_schema

    say(json.dumps(roadmap_schema(), indent=2))
    return 0
