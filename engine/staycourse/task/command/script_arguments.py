"""What a script's own argparse declares, read from its source without running it."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_ADD = "add_argument"


@dataclass(frozen=True)
class Argument:
    """One `add_argument`: its names (`-l`, `--lr`), and of the rest what is written out there. `type` is the
    name of the type; `has_default` tells whether `default` is known."""

    names: tuple[str, ...]
    line: int
    type: str | None = None
    default: Any = None
    has_default: bool = False
    choices: tuple[Any, ...] = ()
    action: str | None = None
    required: bool = False
    help: str = ""

    @property
    def flag(self) -> str:
        """The long name, or the only one."""
        return max(self.names, key=len)

    @property
    def key(self) -> str:
        """What the value is called."""
        return self.flag.lstrip("-").replace("-", "_")

    @property
    def is_switch(self) -> bool:
        """Whether it takes no value."""
        return self.action in ("store_true", "store_false", "store_const", "count", "BooleanOptionalAction")

    @property
    def is_true_whatever_is_said(self) -> bool:
        """`type=bool` takes every text but the empty one for true, "False" as well."""
        return self.type == "bool"


def script_arguments(path: Path) -> list[Argument]:
    """Every argument that the file declares, in its order; empty for a file that is not Python."""
    try:
        tree = ast.parse(path.read_bytes(), str(path))
    except (SyntaxError, ValueError, OSError):
        return []
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _name(node.func) == _ADD]
    found = (_argument(call) for call in sorted(calls, key=lambda call: (call.lineno, call.col_offset)))
    return [argument for argument in found if argument is not None]


def named(arguments: Iterable[Argument], word: str) -> Argument | None:
    """The argument that a word of a command sets: `--lr`, `--lr=0.1`."""
    name = word.partition("=")[0]
    return next((argument for argument in arguments if name in argument.names), None)


def syntax_error(path: Path) -> tuple[int, str] | None:
    """(line, what is wrong) of a Python file that cannot be read as one."""
    try:
        ast.parse(path.read_bytes(), str(path))
    except SyntaxError as error:
        return error.lineno or 0, error.msg
    except ValueError as error:
        return 0, str(error)
    return None


def needed_modules(path: Path) -> Iterator[tuple[str, int]]:
    """(top-level module, line) of what the file imports whatever happens: at its top, not within `try`."""
    try:
        tree = ast.parse(path.read_bytes(), str(path))
    except (SyntaxError, ValueError, OSError):
        return
    for node in tree.body:
        if isinstance(node, ast.Import):
            yield from ((alias.name.partition(".")[0], node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield node.module.partition(".")[0], node.lineno


def _argument(call: ast.Call) -> Argument | None:
    names = tuple(v for v in map(_constant, call.args) if isinstance(v, str))
    if not names:
        return None
    said = {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
    default = said.get("default")
    choices = said.get("choices")
    return Argument(
        names=names,
        line=call.lineno,
        type=_name(said.get("type")),
        default=_literal(default),
        has_default=default is not None and _literal(default, missing=call) is not call,
        choices=tuple(_literal(choices) or ()) if choices is not None else (),
        action=_constant(said.get("action")) or _name(said.get("action")),
        required=bool(_constant(said.get("required"))),
        help=str(_constant(said.get("help")) or ""),
    )


def _constant(node: ast.AST | None) -> Any:
    return node.value if isinstance(node, ast.Constant) else None


def _literal(node: ast.AST | None, missing: Any = None) -> Any:
    try:
        return ast.literal_eval(node) if isinstance(node, ast.expr) else missing
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return missing


def _name(node: ast.AST | None) -> str | None:
    """`bool` of `bool`, `BooleanOptionalAction` of `argparse.BooleanOptionalAction`."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else None
