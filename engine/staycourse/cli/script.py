"""staycourse script ROADMAP|RUN: every experiment as a line of a .sh file."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from staycourse.cli.arguments import add_runs

    parser.add_argument("name", metavar="ROADMAP|RUN", help="a roadmap file, or a run's name or folder")
    parser.add_argument(
        "-o", "--output", metavar="FILE", type=Path, help="write here (default: standard output)"
    )
    add_runs(parser)


def run(options: argparse.Namespace) -> int:
    import sys

    from staycourse.core.problems import UserError

    text = _of_roadmap(Path(options.name)) if options.name.endswith(".toml") else _of_run(options)
    if options.output is None:
        sys.stdout.write(text)
        return 0
    try:
        options.output.write_text(text, encoding="utf-8")
        options.output.chmod(0o755)
    except OSError as error:
        raise UserError(f"{options.output} cannot be written ({error.strerror})") from None
    return 0


def _of_roadmap(path: Path) -> str:
    from staycourse.report.shell import of_roadmap
    from staycourse.task.checking import read_roadmap

    text, roadmap, _ = read_roadmap(path)
    folder = path.resolve().parent
    task = path.resolve() if roadmap.task.file is None else folder / roadmap.task.file
    return of_roadmap(roadmap, text, {"TASK": str(task), "FOLDER": str(folder)})


def _of_run(options: argparse.Namespace) -> str:
    from staycourse.client import RunClient
    from staycourse.core.problems import UserError
    from staycourse.record.index import find
    from staycourse.report.shell import of_run

    client = RunClient(find(options.name, options.runs).root)
    client.poll()
    sealed, paths = client.state.sealed, client.paths
    if sealed is None:
        raise UserError(f"{paths.name} was never sealed: there is nothing to tell of")
    command = sealed.facts.get("command")
    where = {"RUN": str(paths.root.resolve())}
    if command:
        where |= {"TASK": "$RUN/roadmap.toml", "FOLDER": f"$RUN/code/{command['folder']}".rstrip("/")}
    else:
        where |= {"TASK": f"$RUN/code/{sealed.facts['task_file']}", "FOLDER": sealed.folder}
    files = {name: str(digest) for name, digest in client.state.files.items()}
    text = paths.roadmap.read_text(encoding="utf-8")
    return of_run(client.roadmap, text, client.state, where, files)
