"""Numbers and paths that are written into a task's code, where no roadmap can reach them.

Found by reading. Defaults of arguments and of `hp.get` are where such values belong, and are left alone.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from staycourse.core.problems import Problem
from staycourse.core.text import one_line

_WHAT = {
    "lr": ("learning rate", 'hp["lr"]'),
    "learning_rate": ("learning rate", 'hp["lr"]'),
    "batch_size": ("batch size", 'hp["batch_size"]'),
    "epochs": ("number of epochs", "epochs in the roadmap's phases"),
    "num_epochs": ("number of epochs", "epochs in the roadmap's phases"),
    "n_epochs": ("number of epochs", "epochs in the roadmap's phases"),
    "max_epochs": ("number of epochs", "epochs in the roadmap's phases"),
}
_OPTIMIZERS = (
    "SGD",
    "Adam",
    "AdamW",
    "RMSprop",
    "Adagrad",
    "Adadelta",
    "NAdam",
    "RAdam",
    "Adamax",
    "LBFGS",
    "Muon",
)
_DECLARES = ("add_argument", "get", "set_defaults")
_ARGUMENT = "an argument of the task's own, add_arguments(parser)"
_MOST_TOLD = 8


@dataclass(frozen=True)
class Literal:
    """What was found where, and what would be better."""

    file: str
    line: int
    words: str
    right: str


def literal_warnings(files: Mapping[str, Path]) -> list[Problem]:
    """A warning for each, in the order of the files, which are those of a task by their path in the copy."""
    found = [literal for name, path in files.items() for literal in literals(name, path)]
    told = [
        Problem(("task", "file"), f"{each.file}, line {each.line}: {each.words}", each.right)
        for each in found[:_MOST_TOLD]
    ]
    more = len(found) - len(told)
    return told + ([Problem(("task", "file"), f"{more} more literals of that kind")] if more > 0 else [])


def literals(name: str, path: Path) -> list[Literal]:
    """Those of one file, by line; none of a file that does not parse."""
    try:
        tree = ast.parse(path.read_bytes(), str(path))
    except (SyntaxError, ValueError, OSError):
        return []
    found = {(line, words): Literal(name, line, words, right) for line, words, right in _found(tree)}
    return sorted(found.values(), key=lambda each: each.line)


def _found(tree: ast.Module) -> Iterator[tuple[int, str, str]]:
    allowed = _allowed(tree)
    for node in ast.walk(tree):
        if id(node) in allowed:
            continue
        if isinstance(node, ast.Call):
            yield from _in_call(node)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            yield from _in_assignment(node)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and _is_absolute(node.value):
            yield node.lineno, f"the absolute path {one_line(node.value, 60)!r}", _ARGUMENT


def _allowed(tree: ast.Module) -> set[int]:
    """Nodes that declare a default, and docstrings."""
    allowed: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _name(node.func) in _DECLARES:
            allowed.update(map(id, ast.walk(node)))
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            allowed.add(id(node.value))
    return allowed


def _in_call(node: ast.Call) -> Iterator[tuple[int, str, str]]:
    for keyword in node.keywords:
        if keyword.arg in _WHAT and _is_number(keyword.value):
            yield _told(keyword.arg, keyword.value)
    if _name(node.func) in _OPTIMIZERS and len(node.args) > 1 and _is_number(node.args[1]):
        yield _told("lr", node.args[1])


def _in_assignment(node: ast.Assign | ast.AnnAssign) -> Iterator[tuple[int, str, str]]:
    targets: Iterable[ast.expr] = node.targets if isinstance(node, ast.Assign) else [node.target]
    for target in targets:
        name = target.id.lower() if isinstance(target, ast.Name) else ""
        if name in _WHAT and node.value is not None and _is_number(node.value):
            yield _told(name, node.value)


def _told(name: str, value: ast.expr) -> tuple[int, str, str]:
    what, right = _WHAT[name]
    return value.lineno, f"the literal {what} {ast.unparse(value)}", right


def _is_number(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, (int, float)) and node.value is not True


def _is_absolute(text: str) -> bool:
    """A path from the root or the home folder on; a lone slash, a date or an option is none."""
    parts = text.split("/")
    is_rooted = text.startswith("/") and len(parts) > 2 and all(parts[1:3])
    return "\n" not in text and " " not in text and (is_rooted or (text.startswith("~/") and len(text) > 2))


def _name(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
