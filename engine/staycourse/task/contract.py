"""The task contract: functions of a plain Python file, found by name, called by parameter name.

`Task.load(spec)` imports the sealed copy and builds its arguments; `task.call("model", args=…, hp=…)` passes
a function those of the offered values that it declares; `task.bind("loss", …)` does so once for a function
that is called for every batch. `Setup` is the `hp` that the functions get.
"""

from __future__ import annotations

import argparse
import functools
import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from staycourse.core.job import TaskSpec
from staycourse.core.problems import Problem, nearest
from staycourse.core.space import Value
from staycourse.task import arguments
from staycourse.task.mistakes import TaskError, raised


@dataclass(frozen=True)
class Offer:
    """What the engine offers a function by name; `first` is passed by position, whatever it is called."""

    values: tuple[str, ...]
    required: bool = False
    first: str | None = None


_STEP = ("model", "batch", "hp", "args", "epoch", "stage", "teacher", "dataset")
FUNCTIONS: Mapping[str, Offer] = {
    "add_arguments": Offer((), first="parser"),
    "dataset": Offer(("args", "stage"), required=True),
    "model": Offer(("args", "hp", "dataset"), required=True),
    "loss": Offer(_STEP, required=True),
    "metrics": Offer(_STEP),
    "evaluate": Offer(("model", "loader", "hp", "args", "epoch", "teacher", "dataset")),
    "optimizer": Offer(("model", "hp", "args")),
    "collate": Offer(("args",), first="samples"),
    "groups": Offer(("dataset", "args")),
    "teacher": Offer(("args", "dataset")),
}


class Setup(Mapping[str, Value]):
    """A set-up as the task sees it: read-only, by item, `.get` or attribute; notes which names were read."""

    def __init__(self, values: Mapping[str, Value], read: set[str] | None = None) -> None:
        self._values = dict(values)
        self._read = set() if read is None else read

    @property
    def names_read(self) -> set[str]:
        """Every hyperparameter that was asked for by name so far."""
        return self._read

    def __getitem__(self, name: str) -> Value:
        self._read.add(name)
        if name not in self._values:
            raise KeyError(f"the set-up has no '{name}' ({nearest(name, self._values)})")
        return self._values[name]

    def get(self, name: str, default: Any = None) -> Any:
        self._read.add(name)
        return self._values.get(name, default)

    def __getattr__(self, name: str) -> Value:
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            return self[name]
        except KeyError as error:
            raise AttributeError(error.args[0]) from None

    def __contains__(self, name: object) -> bool:
        return name in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Setup({self._values!r})"

    def replaced(self, values: Mapping[str, Value]) -> Setup:
        """The set-up with some values replaced; what is read of it is noted in the same place."""
        return Setup({**self._values, **values}, self._read) if values else self


class Task:
    """The functions of a task file and the namespace of its arguments."""

    def __init__(self, folder: Path, functions: Mapping[str, Callable[..., Any]]) -> None:
        self.folder = folder
        self.functions = functions
        self.args = argparse.Namespace()
        self._parameters = {name: _parameters(function) for name, function in functions.items()}

    @classmethod
    def load(cls, spec: TaskSpec, importing: AbstractContextManager[object] | None = None) -> Task:
        """Import the sealed copy and build its arguments; raises TaskError with every problem found.

        The caller has made the roadmap's folder the working directory. Nothing is written into `code`.
        The file is imported within `importing`.
        """
        task = cls.imported(spec, importing)
        task._build_arguments(spec.args)
        return task

    @classmethod
    def imported(cls, spec: TaskSpec, importing: AbstractContextManager[object] | None = None) -> Task:
        """The functions of the sealed copy, its arguments not built yet."""
        path = Path(spec.code) / spec.file
        with importing or nullcontext():
            module = _import(path)
        task = cls(path.parent, _functions(module))
        if problems := task.problems(path.name, has_files=spec.has_files):
            raise TaskError(problems)
        return task

    def problems(self, file: str, *, has_files: bool = False) -> list[Problem]:
        """Functions that are missing or that ask for what the engine does not offer. Where `[data] files`
        says what the samples are, the task need not."""
        problems = []
        for name, offer in FUNCTIONS.items():
            if name in self.functions:
                problems += [_unknown(file, name, offer, p) for p in self._unoffered(name, offer)]
            elif offer.required and not (name == "dataset" and has_files):
                problems.append(_missing(file, name))
        return problems

    def has(self, name: str) -> bool:
        return name in self.functions

    def takes(self, name: str, parameter: str) -> bool:
        """Whether the function declares the parameter, or takes any."""
        declared, any_name = self._parameters[name]
        return any_name or parameter in declared

    def call(self, name: str, *first: Any, **values: Any) -> Any:
        """Call a function with those of `values` that it declares; `args` is always offered."""
        return self.functions[name](*first, **self._accepted(name, {"args": self.args, **values}))

    def bind(self, name: str, **values: Any) -> Callable[[Any], Any]:
        """`function(batch)`, everything else filled in once: for what is called at every step."""
        bound = functools.partial(self.functions[name], **self._accepted(name, {"args": self.args, **values}))
        if self.takes(name, "batch"):
            return lambda batch: bound(batch=batch)
        return lambda batch: bound()

    def collate(self) -> Callable[[list[Any]], Any] | None:
        """The task's own `collate`, as a function of the list of samples."""
        if not self.has("collate"):
            return None
        return functools.partial(self.functions["collate"], **self._accepted("collate", {"args": self.args}))

    def _accepted(self, name: str, values: Mapping[str, Any]) -> dict[str, Any]:
        offered = set(FUNCTIONS[name].values)
        return {key: value for key, value in values.items() if key in offered and self.takes(name, key)}

    def _unoffered(self, name: str, offer: Offer) -> list[str]:
        """Parameters without a default that no value is offered for."""
        parameters = list(inspect.signature(self.functions[name]).parameters.values())
        if offer.first is not None:
            parameters = parameters[1:]
        named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
        return [
            p.name
            for p in parameters
            if p.default is p.empty
            and p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)
            and (p.name not in offer.values or p.kind not in named)
        ]

    def _build_arguments(self, values: Mapping[str, Any]) -> None:
        try:
            self.args, problems = arguments.build(self.functions.get("add_arguments"), values)
        except (Exception, SystemExit) as error:
            raise TaskError([raised("add_arguments()", error, self.folder)]) from error
        if problems:
            raise TaskError(problems)


def _import(path: Path) -> ModuleType:
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(path.parent))
    # A task file may be called like a module that is already loaded, `random.py` say.
    name = path.stem if path.stem not in sys.modules else f"task_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        sys.modules.pop(name, None)
        raise TaskError([raised(f"importing {path.name}", error, path.parent)]) from error
    return module


def _functions(module: ModuleType) -> dict[str, Callable[..., Any]]:
    found = ((name, getattr(module, name, None)) for name in FUNCTIONS)
    return {name: function for name, function in found if callable(function)}


def _parameters(function: Callable[..., Any]) -> tuple[frozenset[str], bool]:
    """Names that can be passed by name, and whether any name is taken (`**kwargs`)."""
    parameters = inspect.signature(function).parameters.values()
    names = frozenset(p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY))
    return names, any(p.kind is p.VAR_KEYWORD for p in parameters)


def _missing(file: str, name: str) -> Problem:
    needed = ", ".join(f"{n}()" for n, offer in FUNCTIONS.items() if offer.required)
    example = f"def {name}({', '.join(FUNCTIONS[name].values[:3])}): …"
    return Problem(("task", "file"), f"{file} has no function {name}()", f"{example}; a task needs {needed}")


def _unknown(file: str, name: str, offer: Offer, parameter: str) -> Problem:
    message = f"{file}: {name}() asks for '{parameter}', which it cannot be given"
    if name == "dataset" and parameter == "hp":
        message += "; the data is the same for every set-up"
    available = ", ".join(offer.values) or "nothing"
    return Problem(("task", "file"), message, f"available by name: {available}")
