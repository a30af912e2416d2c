"""What can be wrong with a command task, as far as the roadmap alone tells."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from staycourse.core import command as commands
from staycourse.core.command import ALL, CONDITIONAL, DATA, RESUME, TOLD, text_of
from staycourse.core.metric_names import resolve
from staycourse.core.phases.base import Phase
from staycourse.core.problems import KeyPath, Problem, nearest
from staycourse.core.sections import Objective, Task, Training
from staycourse.core.space import Interval, Space, options

_OF_COMMANDS = ("python", "include", "links", "env", "weights", "flags", "metrics")
# Read beside the metrics: where a value stands.
_PLACES = ("epoch", "step", "file")
_OWN_BUSINESS = {
    "data": ("validation", "workers", "pin_memory", "trusted", "buffer", "exact"),
    "training": tuple(Training.model_fields),
    "limits": ("on_oom", "checkpoint_every"),
}


def kind_problems(task: Task) -> list[Problem]:
    """Whether it is a file or a command, and not a little of both."""
    path: KeyPath = ("task",)
    if task.file is None and task.command is None:
        return [Problem((*path, "file"), "missing", "'file' or 'command' is required")]
    if task.file is not None and task.command is not None:
        return [Problem((*path, "command"), "a task is a file or a command", "leave one of them out")]
    if task.command is not None:
        told = ("args belong to a task file", "write them into the command")
        return [Problem((*path, "args"), *told)] if task.args else []
    return [
        Problem((*path, key), f"'{key}' belongs to a command", "leave it out, or say task.command")
        for key in _OF_COMMANDS
        if key in task.model_fields_set
    ]


def command_problems(
    document: Mapping[str, Any],
    task: Task,
    space: Space,
    phases: Sequence[Phase | None],
    objective: Objective | None,
) -> list[Problem]:
    """Every problem of a roadmap whose task is a command; `document` is the roadmap as it was written."""
    problems = _not_ours(document)
    try:
        words = commands.split(task.command or "")
    except ValueError as error:
        said = str(error).lower().rstrip(".")
        return [*problems, Problem(("task", "command"), said, "each quote needs its other half")]
    if not words:
        return [*problems, Problem(("task", "command"), "no program", 'such as "python train.py --lr {lr}"')]
    check = _Check(task, words, space)
    problems += check.templates()
    problems += check.flags()
    problems += check.unused()
    problems += [problem for at, phase in enumerate(phases) if phase for problem in check.phase(phase, at)]
    problems += _metric_problems(task, objective, phases)
    return problems


def command_warnings(task: Task, space: Space, phases: Sequence[Phase]) -> list[Problem]:
    """What will work and is probably not meant."""
    try:
        words = commands.split(task.command or "")
    except ValueError:
        return []
    return list(_warnings(_Check(task, words, space), phases))


def _warnings(check: _Check, phases: Sequence[Phase]) -> Iterator[Problem]:
    path: KeyPath = ("task", "command")
    if not check.tells("epochs", "stop_epoch"):
        yield Problem(path, "the script is not told how long to train", "{epochs}, or {stop_epoch}")
    if not check.tells("seed"):
        yield Problem(path, "the script is given no seed: its numbers need not repeat", "a flag with {seed}")
    if RESUME not in check.task.flags:
        for at, phase in enumerate(phases):
            if _goes_on(phase):
                said = "the script cannot resume: trials that should go on start over, to the full length"
                yield Problem(("phase", at), said, 'resume = "…" in [task.flags]')
    if check.task.weights is None and not check.tells("checkpoint"):
        for at, phase in enumerate(phases):
            if phase.kind == "final":
                yield Problem(
                    ("phase", at), "nothing says which weights the script leaves", 'weights = "…" in [task]'
                )


def _goes_on(phase: Phase) -> bool:
    """Whether trials of the phase go on from the end of others."""
    return getattr(phase, "finish", None) is not None or getattr(phase, "halving", None) is not None


def _not_ours(document: Mapping[str, Any]) -> list[Problem]:
    """Keys that only an engine that trains by itself could follow."""
    problems = []
    for table, keys in _OWN_BUSINESS.items():
        held = document.get(table)
        for key in held if isinstance(held, Mapping) else ():
            if key in keys:
                said = "a command's own business, which cannot be set from here"
                problems.append(Problem((table, key), said, "leave it out, and use the script's own flags"))
    if "schedules" in document:
        right = "leave it out; {schedule} is then an option of the script's own"
        problems.append(Problem(("schedules",), "a command follows its own schedules", right))
    return problems


class _Check:
    """One command against the space and the phases."""

    def __init__(self, task: Task, words: tuple[str, ...], space: Space) -> None:
        self.task, self.words, self.space = task, words, space

    def tells(self, *names: str) -> bool:
        """Whether the script hears of any of these, in the command or in a flag."""
        texts = [*self.words, *(text for _, text in self._flag_texts()), *self.task.env.values()]
        return any(name in names for text in texts for name in commands.placeholders(text))

    def templates(self) -> list[Problem]:
        """Placeholders that stand for nothing, and those that do not exist in each set-up."""
        problems = []
        for path, text in self._texts():
            for name in dict.fromkeys(commands.placeholders(text)):
                if name not in (*TOLD, *self.space.names):
                    right = nearest(name, (*TOLD, *self.space.names))
                    problems.append(Problem(path, f"nothing is called {{{name}}}", right))
                elif path[:2] != ("task", "flags") and name in self.space.names and self.space.get(name).when:
                    said = f"{{{name}}} does not exist in every set-up"
                    right = f'{name} = "--{name} {{{name}}}" in [task.flags], appended where it does'
                    problems.append(Problem(path, said, right))
        return problems

    def flags(self) -> list[Problem]:
        """Flags of what is not there, and options that a choice does not have."""
        problems = []
        known = (*CONDITIONAL, *self.space.names)
        for name, flag in self.task.flags.items():
            path: KeyPath = ("task", "flags", name)
            if name not in known:
                problems.append(Problem(path, f"no flag applies to '{name}'", nearest(name, known)))
            elif name in CONDITIONAL and not isinstance(flag, str):
                problems.append(Problem(path, "expected text in quotes, found a table"))
            elif not isinstance(flag, str):
                problems += self._option_problems(name, flag, path)
        problems += [problem for path, text in self._flag_texts() for problem in _split_problem(path, text)]
        return problems

    def _option_problems(self, name: str, flag: Mapping[str, str], path: KeyPath) -> list[Problem]:
        h = self.space.get(name)
        if isinstance(h, Interval):
            right = f'"--{name} {{{name}}}"'
            return [Problem(path, f"{name} is a range, so there is no flag for each value", right)]
        known = [text_of(option) for option in options(h)]
        wrong = [option for option in flag if option not in known]
        return [Problem((*path, o), f"'{o}' is no option of {name}", nearest(o, known)) for o in wrong]

    def unused(self) -> list[Problem]:
        """Hyperparameters of which the script never hears."""
        heard = {name for _, text in self._texts() for name in commands.placeholders(text)}
        right = "a flag with {%s} in the command, or one in [task.flags]"
        return [
            Problem(("space", name), f"the script never hears of {name}", right % name)
            for name in self.space.names
            if name not in heard and name not in self.task.flags
        ]

    def phase(self, phase: Phase, at: int) -> Iterator[Problem]:
        """What the phase needs and the script cannot do."""
        share, path = getattr(phase, "data", 1.0), ("phase", at)
        if isinstance(share, float) and share < 1 and not self.tells(DATA):
            right = 'data = "--subset {data}" in [task.flags], if it can, or data = 1.0'
            yield Problem((*path, "data"), "the script cannot take a share of the data", right)
        if phase.kind == "final" and share == "all" and ALL not in self.task.flags:
            right = 'all = "…" in [task.flags], or data = "split" here, a deviation that the report names'
            yield Problem((*path, "data"), "the script cannot train without holding data back", right)
        if getattr(phase, "seeds", 1) > 1 and not self.tells("seed"):
            yield Problem(
                (*path, "seeds"), "the script is given no seed", "a flag with {seed} in the command"
            )

    def _texts(self) -> Iterator[tuple[KeyPath, str]]:
        for word in self.words:
            yield ("task", "command"), word
        yield from self._flag_texts()
        for name, text in self.task.env.items():
            yield ("task", "env", name), text
        if self.task.weights is not None:
            yield ("task", "weights"), self.task.weights

    def _flag_texts(self) -> Iterator[tuple[KeyPath, str]]:
        for name, flag in self.task.flags.items():
            if isinstance(flag, str):
                yield ("task", "flags", name), flag
            else:
                for option, text in flag.items():
                    yield ("task", "flags", name, option), text


def _split_problem(path: KeyPath, text: str) -> Iterator[Problem]:
    try:
        commands.split(text)
    except ValueError as error:
        yield Problem(path, str(error).lower().rstrip("."), "each quote needs its other half")


def _metric_problems(
    task: Task, objective: Objective | None, phases: Sequence[Phase | None]
) -> Iterator[Problem]:
    metrics = task.metrics
    if metrics is None:
        return  # a script may write to STAYCOURSE_METRICS
    path: KeyPath = ("task", "metrics")
    for name, pattern in (metrics.text or {}).items():
        yield from _pattern_problem((*path, "text", name), pattern)
    if metrics.csv is not None and "file" not in metrics.csv:
        right = 'csv = { file = "{trial_dir}/**/metrics.csv", … }'
        yield Problem((*path, "csv", "file"), "missing", right)
    tables = (metrics.text, metrics.jsonl, metrics.csv, metrics.tensorboard)
    if any(table is True for table in tables):
        return  # all that is there, under the names that it has
    named = {name for table in tables if isinstance(table, Mapping) for name in table} - {*_PLACES}
    for where, name in _asked(objective, phases):
        if resolve(name, named) is None:
            yield Problem(where, f"no metric called '{name}' is read of the script", nearest(name, named))
    has_epochs = any(isinstance(table, Mapping) and "epoch" in table for table in tables)
    if RESUME in task.flags and not has_epochs:
        said = "a script that resumes has to say in which epoch it is"
        yield Problem((*path, "text", "epoch"), said, r"epoch = 'epoch\s+(\d+)'")


def _pattern_problem(path: KeyPath, pattern: str) -> Iterator[Problem]:
    try:
        groups = re.compile(pattern).groups
    except re.error as error:
        yield Problem(path, f"no regular expression: {error}")
        return
    if groups != 1:
        said = f"{groups} groups in brackets, and one is needed, around the number"
        yield Problem(path, said, r"'valid loss\s+(\S+)'")


def _asked(objective: Objective | None, phases: Iterable[Phase | None]) -> Iterator[tuple[KeyPath, str]]:
    """Every metric that the roadmap names, and where."""
    if objective is not None:
        yield ("objective", "metric"), objective.metric
    for at, phase in enumerate(phases):
        stop, finish = getattr(phase, "stop", None), getattr(phase, "finish", None)
        if stop is not None and stop.metric:
            yield ("phase", at, "stop", "metric"), stop.metric
        if finish is not None and finish.stop is not None and finish.stop.metric:
            yield ("phase", at, "finish", "stop", "metric"), finish.stop.metric
