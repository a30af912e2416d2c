"""staycourse train TASK --lr …: one experiment by flags."""

from __future__ import annotations

import argparse
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from staycourse.cli.train_flags import Flags
    from staycourse.core.roadmap import Roadmap
    from staycourse.core.sections import Task
    from staycourse.supervise.alone import Told

_UNFINISHED, _SUSPENDED = 3, 75


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "task",
        metavar="TASK",
        type=Path,
        help="a task file, or a roadmap whose task and fixed values are taken",
    )
    parser.add_argument(
        "flags", metavar="FLAGS", nargs=argparse.REMAINDER,
        help="--epochs N --out DIR, the task's arguments and hyperparameters; `staycourse train TASK --help` "
        "lists them all",
    )  # fmt: skip


def run(options: argparse.Namespace) -> int:
    from staycourse.cli.output import say
    from staycourse.supervise.experiment import Place, prepare

    task, defaults = _task(options.task)
    if (out := _out(options.flags)) and Place(Path(out)).is_finished_with(options.flags, options.task):
        say(f"{out}: finished already")  # before anything is loaded: a script has many such lines
        return 0
    values = _values(options.task, task, defaults, options.flags)
    place = Place(Path(values["out"]))
    experiment = prepare(options.task, task, values, place, options.flags, say)
    return _follow(experiment, place)


def _out(words: Sequence[str]) -> str | None:
    """The folder that the flags name, looked for without a parser."""
    for at, word in enumerate(words):
        if word in ("-o", "--out") and at + 1 < len(words):
            return words[at + 1]
        if word.startswith("--out="):
            return word.removeprefix("--out=")
    return None


def _task(path: Path) -> tuple[Task, Roadmap | None]:
    """What is trained; of a roadmap its fixed values count as defaults."""
    from staycourse.core.problems import UserError
    from staycourse.core.sections import Task
    from staycourse.task.checking import read_roadmap

    if not path.is_file():
        raise UserError(f"{path}: no such file")
    if path.suffix == ".toml":
        _, roadmap, _ = read_roadmap(path)
        return roadmap.task, roadmap
    return Task(file=path.name), None


def _values(path: Path, task: Task, roadmap: Roadmap | None, words: Sequence[str]) -> dict[str, Any]:
    """The document of core.experiment, with `args`, and what a job needs beside it."""
    from staycourse.cli.train_flags import own_flags, taken_apart
    from staycourse.core.value_text import any_of

    named, rest = taken_apart(words)
    flags = own_flags(f"staycourse train {path}")
    if _needs_all(flags, rest):
        _add_all(flags, path, task, roadmap)
    parsed = flags.parser.parse_args(rest)
    document = _defaults(roadmap)
    for dest, (table, name) in flags.places.items():
        value = getattr(parsed, dest)
        if value is None:
            continue
        is_open = isinstance(value, str) and (table or name == "schedules")
        target = document.setdefault(table, {}) if table else document
        target[name] = any_of(value) if is_open else value
    for table, given in named.items():
        document.setdefault(table, {}).update({name: any_of(text) for name, text in given.items()})
    return {**document, "out": parsed.out}


def _needs_all(flags: Flags, words: Sequence[str]) -> bool:
    """Whether the words hold more than the engine's own flags: only then is the task asked for its own."""
    known = {spelling for action in flags.parser._actions for spelling in action.option_strings}
    known -= {"-h", "--help"}
    return any(
        word.startswith("-") and word.partition("=")[0] not in known and not _is_number(word)
        for word in words
    )


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _add_all(flags: Flags, path: Path, task: Task, roadmap: Roadmap | None) -> None:
    """The flags of the task: hyperparameters by reading its code, arguments by asking its parser."""
    from staycourse.cli.train_flags import add_hyperparameters, add_task_arguments
    from staycourse.core.space import describe
    from staycourse.supervise.experiment import task_file
    from staycourse.task.hyperparameters import read_hyperparameters
    from staycourse.task.sources import local_modules

    ranges = {h.name: describe(h).removeprefix(h.name).strip() for h in roadmap.space} if roadmap else {}
    file = task_file(path, task)
    found = read_hyperparameters(local_modules(file).values()) if file is not None else {}
    add_hyperparameters(flags, found if file is not None else None, ranges)
    if file is not None:
        add_task_arguments(flags, _described(file), dict(task.args))


def _described(file: Path) -> list[Mapping[str, Any]]:
    from staycourse.core.problems import UserError
    from staycourse.task.child import child

    request = {"code": str(file.parent), "file": file.name, "folder": str(Path.cwd())}
    with child("staycourse.task.describing", request) as asked:
        answer = asked.answer()
    if problems := answer.get("problems") or ([answer["died"]] if "died" in answer else []):
        raise UserError("\n".join(f"{file}: {problem}" for problem in problems))
    found: list[Mapping[str, Any]] = answer["arguments"]
    return found


def _defaults(roadmap: Roadmap | None) -> dict[str, Any]:
    """What a roadmap says of an experiment: its tables as far as they are written out, its fixed values."""
    if roadmap is None:
        return {}
    tables = {name: getattr(roadmap, name).model_dump(exclude_unset=True) for name in ("objective", "data")}
    from staycourse.core.space import Fixed

    fixed = {h.name: h.value for h in roadmap.space if isinstance(h, Fixed)}
    return {
        **{name: dict(table) for name, table in tables.items()},
        "hp": fixed,
        "args": dict(roadmap.task.args),
        "seed": roadmap.seed,
    }


def _follow(experiment: Any, place: Any) -> int:
    """Train it to its end, telling of each epoch; what follows from how it ended."""
    from staycourse.cli.output import say
    from staycourse.core.text import one_line
    from staycourse.supervise.alone import train

    stops: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: stops.append(number))
    told = train(experiment, place.log, _Telling(experiment), lambda: bool(stops))
    place.keep(told)
    return _end(told, place.folder, say, one_line)


class _Telling:
    """A line an epoch, on a terminal in place of the one before."""

    def __init__(self, job: Any) -> None:
        self._job = job

    def __call__(self, message: dict[str, Any]) -> None:
        from staycourse.cli.output import say

        if message["type"] == "ready" and message.get("resumed_from"):
            say(f"goes on after epoch {message['epoch']} from {message['resumed_from']}")
        if message["type"] != "metrics":
            return
        ends: dict[int, list[str]] = {}
        for name, _, epoch, value in message["rows"]:
            if not name.endswith("_step") and name not in ("lr", "batch_size", "loss_scale"):
                shown = f"{value:.6g}" if isinstance(value, (int, float)) else str(value)
                ends.setdefault(epoch, []).append(f"{name} {shown}")
        for epoch, words in ends.items():
            say(f"epoch {epoch}/{self._job.epochs}  {'  '.join(words)}")


def _end(told: Told, folder: Path, say: Any, one_line: Any) -> int:
    """The exit code of design §7, and a line that says it."""
    last = told.last or {}
    if last.get("type") == "ended":
        best = last.get("best")
        value = f", best {best['value']:.6g} at epoch {best['epoch']}" if best else ""
        say(f"{folder}: {last['outcome']} after epoch {last['epoch']} ({one_line(last['detail'])}){value}")
        return 0 if last["outcome"] == "completed" else _UNFINISHED
    if last.get("type") == "failed":
        say(f"{folder}: failed in epoch {last['epoch'] + 1}: {one_line(last['error'])}")
        return _UNFINISHED
    how = "interrupted" if last else one_line(told.why) or f"its process ended with {told.code}"
    say(f"{folder}: {how}; the same command goes on from its last checkpoint")
    return _SUSPENDED
