"""What can be known of a command task before it is sealed, without running its script."""

from __future__ import annotations

import dataclasses
import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from staycourse.core.command import CommandSpec, placeholders, split
from staycourse.core.problems import KeyPath, Problem, UserError
from staycourse.core.roadmap import Roadmap
from staycourse.core.sections import Task
from staycourse.task import data_files
from staycourse.task.command import event_files
from staycourse.task.command.copying import Copied, copy
from staycourse.task.command.interpreter import WORDS, describe, interpreter
from staycourse.task.command.script_arguments import (
    Argument,
    named,
    needed_modules,
    script_arguments,
    syntax_error,
)

_COMMAND: KeyPath = ("task", "command")


@dataclass(frozen=True)
class CheckedCommand:
    """`facts` are those of the seal, complete only where there are no problems."""

    facts: Mapping[str, Any]
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]


def check_command(roadmap: Roadmap, folder: Path, code: Path) -> CheckedCommand:
    """Copy the command's code from the roadmap's `folder` into `code`, and check it there."""
    task = roadmap.task
    assert task.command is not None
    copied = copy(task, split(task.command), folder, code)
    problems = [*copied.problems, *_weights_problems(task)]
    if copied.problems:
        return CheckedCommand({}, tuple(problems), ())
    notes = list(copied.notes)
    python = _python(task, copied.words, folder)
    told: dict[str, Any] = {}
    if python is None:
        problems += _program_problem(copied, folder, code)
    else:
        try:
            modules = {name for script in copied.scripts for name, _ in needed_modules(code / script)}
            told = describe(python, modules - sys.stdlib_module_names)
        except UserError as error:
            at: KeyPath = ("task", "python") if task.python else _COMMAND
            problems.append(Problem(at, str(error), "a Python interpreter"))
    problems += _source_problems(task, copied, code, told.get("missing", ()))
    fingerprint, more, without = _fingerprint(roadmap, folder)
    problems += more
    notes += without
    notes += _metric_notes(task)
    notes += _end_notes(roadmap, copied.words)
    facts = {
        "command": dataclasses.asdict(_spec(task, copied, python)),
        "metrics": _metrics(task),
        **fingerprint,
    }
    if told:
        facts["interpreter"] = {"path": python} | {key: told[key] for key in ("python", "packages")}
    return CheckedCommand(facts, tuple(problems), tuple(notes))


def _spec(task: Task, copied: Copied, python: str | None) -> CommandSpec:
    metrics = task.metrics.model_dump(exclude_none=True) if task.metrics else {}
    return CommandSpec(
        copied.words,
        copied.folder,
        python or "",
        dict(task.env),
        task.weights,
        dict(task.flags),
        metrics,
    )


def _python(task: Task, words: Sequence[str], folder: Path) -> str | None:
    """The interpreter, where one has a part in it: the command says `python`, or the roadmap names one."""
    if task.python is None and words[0] not in WORDS:
        return None
    return interpreter(task.python, folder)


def _program_problem(copied: Copied, folder: Path, code: Path) -> Iterator[Problem]:
    program = copied.words[0]
    if placeholders(program):
        return
    place = code / copied.folder / program if os.sep in program else None
    if place is not None and place.is_file():
        if not os.access(place, os.X_OK):
            yield Problem(
                _COMMAND, f"{program} may not be executed", "chmod +x, or its interpreter before it"
            )
    elif not _is_found(program):
        yield Problem(_COMMAND, f"no such program: {program}", f"one in PATH, or a path from {folder}")


def _is_found(program: str) -> bool:
    """In PATH, or beside the interpreter, which stands before it."""
    places = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    return shutil.which(Path(program).expanduser(), path=places) is not None


def _weights_problems(task: Task) -> Iterator[Problem]:
    """What lies outside the trial's folder would be written by all trials at once."""
    weights = task.weights
    if weights and (weights.startswith(("/", "~")) or ".." in Path(weights).parts):
        right = '"{checkpoint}", "{trial_dir}/…", or a path in the folder that the script runs in'
        yield Problem(("task", "weights"), "each trial needs a place of its own", right)


def _source_problems(task: Task, copied: Copied, code: Path, missing: Sequence[str]) -> Iterator[Problem]:
    declared: dict[str, list[Argument]] = {}
    for script in copied.scripts:
        path = code / script
        if wrong := syntax_error(path):
            yield Problem(_COMMAND, f"{script}, line {wrong[0]}: {wrong[1]}")
        declared[script] = script_arguments(path)
        lines = dict(reversed(list(needed_modules(path))))
        places = (path.parent, code / copied.folder)
        for name in missing:
            if name in lines and not any(_has_module(place, name) for place in places):
                said = f"{script}, line {lines[name]}: the interpreter has no module '{name}'"
                yield Problem(_COMMAND, said, 'python = "…" names the one of the project')
    for path_, word in _said_flags(task, copied):
        for script, arguments in declared.items():
            argument = named(arguments, word)
            if argument is not None and argument.is_true_whatever_is_said:
                said = (
                    f"{script}, line {argument.line}: {argument.flag} has type=bool, "
                    'for which every text is true, "False" as well'
                )
                yield Problem(
                    path_, said, "action=argparse.BooleanOptionalAction there, or leave the flag out"
                )


def _has_module(folder: Path, name: str) -> bool:
    return (folder / name).is_dir() or (folder / f"{name}.py").is_file()


def _said_flags(task: Task, copied: Copied) -> Iterator[tuple[KeyPath, str]]:
    """Every word that may be a flag, in the command and in `[task.flags]`."""
    yield from ((_COMMAND, word) for word in copied.words if word.startswith("-"))
    for name, flag in task.flags.items():
        for text in [flag] if isinstance(flag, str) else flag.values():
            yield from ((("task", "flags", name), word) for word in split(text) if word.startswith("-"))


def _fingerprint(roadmap: Roadmap, folder: Path) -> tuple[dict[str, Any], list[Problem], list[str]]:
    """Of `[data] files`, or else of what is linked: a script's data is known by its files alone."""
    patterns = list(roadmap.data.files) or [_below(folder, name) for name in roadmap.task.links]
    if not patterns:
        note = "the seal does not cover the data: [data] files would, or links in [task]"
        return {"fingerprint": {}}, [], [note]
    problems, found = [], set()
    for at, pattern in enumerate(patterns):
        matching = data_files.matches(folder, pattern)
        found.update(matching)
        if not matching and roadmap.data.files:
            said = f"no file matches '{pattern}'"
            problems.append(Problem(("data", "files", at), said, f"relative to {folder}"))
    try:
        manifest = data_files.take(folder, found, "covered", patterns)
    except OSError as error:
        return {}, [Problem(("data", "files"), f"{error.filename} cannot be read ({error.strerror})")], []
    facts = data_files.fingerprint_facts(manifest)
    return {"fingerprint": facts, "data_files": manifest.to_json()}, problems, []


def _below(folder: Path, name: str) -> str:
    return f"{name}/**/*" if (folder / name).is_dir() else name


def _metrics(task: Task) -> list[str]:
    """The names that are read, as far as they are known."""
    if task.metrics is None:
        return []
    tables = task.metrics.model_dump(exclude_none=True).values()
    named_ = {name for table in tables if isinstance(table, dict) for name in table}
    return sorted(named_ - {"epoch", "step", "file"})


def _end_notes(roadmap: Roadmap, words: Sequence[str]) -> Iterator[str]:
    """What a script has to do that is not told where its trial ends."""
    is_told = any("stop_epoch" in placeholders(word) for word in words)
    if not is_told and any(getattr(phase, "epochs", None) == "best" for phase in roadmap.phases):
        yield (
            "the final training is ended by SIGTERM after its best epoch: the script has to save after each "
            "epoch, or to be told {stop_epoch}"
        )


def _metric_notes(task: Task) -> Iterator[str]:
    if task.metrics is None:
        yield "no [task.metrics]: the script has to write its results to the file named by STAYCOURSE_METRICS"
    elif task.metrics.tensorboard is not None and not event_files.is_available():
        raise UserError(
            "[task.metrics] tensorboard needs TensorBoard's reader: pip install 'staycourse[tensorboard]'"
        )
