"""staycourse export RUN --to csv|tensorboard|mlflow: what a run knows, for other tools."""

from __future__ import annotations

import argparse
from pathlib import Path

from staycourse.cli.arguments import add_run, add_runs

# The module of each target in report.exports, and the package that it needs.
_TARGETS = {
    "csv": ("tables", None),
    "tensorboard": ("event_files", "tensorboard"),
    "mlflow": ("mlflow_runs", "mlflow"),
}
_MARK = ".staycourse-export"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_run(parser, optional=False)
    parser.add_argument("--to", choices=sorted(_TARGETS), required=True, help="for whom")
    parser.add_argument(
        "-o",
        "--output",
        metavar="DIR",
        type=Path,
        help="write there (default: <run>-<target> in this folder)",
    )
    add_runs(parser)


def run(options: argparse.Namespace) -> int:
    import importlib

    from staycourse.cli.output import say
    from staycourse.core.problems import UserError
    from staycourse.core.text import one_line
    from staycourse.record.index import find
    from staycourse.report.exports.run_data import RunData

    module, package = _TARGETS[options.to]
    try:
        target = importlib.import_module(f"staycourse.report.exports.{module}")
    except ModuleNotFoundError as error:
        if package is None or not (error.name or "").startswith(package):
            raise
        right = f"pip install 'staycourse[{package}]'"
        raise UserError(f"--to {options.to} needs {package}, which is not installed: {right}") from None
    data = RunData(find(options.name, options.runs).root)
    folder = options.output or Path(f"{data.name}-{options.to}")
    try:
        _make_room(folder, data.seal, data.paths.root)
        target.export(data, folder)
    except OSError as error:
        raise UserError(f"{folder} cannot be written ({error.strerror or error})") from None
    except Exception as error:
        if type(error).__name__ != "MlflowException":  # the store's own, told in its words
            raise
        raise UserError(f"MLflow refused: {one_line(str(error))}") from None
    say(str(folder))
    return 0


def _make_room(folder: Path, seal: str, run: Path) -> None:
    """A folder that is new, empty, or holds an earlier export of the same run. Raises UserError otherwise."""
    from staycourse.core.problems import UserError

    mark = folder / _MARK
    if folder.resolve().is_relative_to(run.resolve()):
        raise UserError(f"{folder} is in the run's own folder, which is sealed; -o names another one")
    if folder.exists() and any(folder.iterdir()):
        known = mark.read_text(encoding="utf-8") if mark.is_file() else ""
        if known.strip() != seal:
            raise UserError(f"{folder} holds something else; -o names another folder")
    folder.mkdir(parents=True, exist_ok=True)
    mark.write_text(f"{seal}\n", encoding="utf-8")
