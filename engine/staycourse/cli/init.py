"""staycourse init SCRIPT: a roadmap to start from, made from a script's own arguments."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("script", metavar="SCRIPT", type=Path, help="a training script with flags of its own")
    parser.add_argument(
        "-o", "--output", metavar="FILE", type=Path, help="write here; by default <script>.toml beside it"
    )
    parser.add_argument(
        "--python", metavar="PATH", help="the interpreter of the script; by default the one that runs this"
    )
    parser.add_argument(
        "--run",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="run the script up to where it parses its arguments, to ask its parser (default: --run)",
    )


def run(options: argparse.Namespace) -> int:
    import os

    from staycourse.cli.output import say
    from staycourse.core.problems import UserError
    from staycourse.task.command.first_roadmap import first_roadmap, roadmap_name
    from staycourse.task.command.interpreter import interpreter
    from staycourse.task.command.looking import look

    script: Path = options.script.expanduser()
    if not script.is_file():
        raise UserError(f"{script}: no such file")
    output: Path = options.output or script.with_suffix(".toml")
    if output.exists():
        raise UserError(f"{output} is there already; -o names another file")
    python = interpreter(options.python, Path.cwd())
    arguments, source = look(script.resolve(), python, may_run=options.run)
    relative = os.path.relpath(script.resolve(), output.resolve().parent)
    text = first_roadmap(relative, roadmap_name(script.name), arguments, source, options.python)
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(f"{output} cannot be written ({error.strerror})") from None
    say(f"{output}: a first roadmap, from {len(arguments)} arguments ({source}); read it through, then:")
    say(f"staycourse check {output}")
    return 0
