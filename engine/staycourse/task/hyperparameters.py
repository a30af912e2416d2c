"""The hyperparameters of which a task's code speaks: `hp["x"]`, `hp.x`, `hp.get("x", 0.1)`."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from pathlib import Path
from typing import Any

_HP = "hp"
_METHODS = ("get", "items", "keys", "values", "replaced", "names_read")


def read_hyperparameters(files: Iterable[Path]) -> dict[str, Any]:
    """Names in the order in which they appear, with the default that the code gives, None without one."""
    found: dict[str, Any] = {}
    for file in files:
        try:
            tree = ast.parse(file.read_bytes(), str(file))
        except (SyntaxError, ValueError, OSError):
            continue
        for node in ast.walk(tree):
            for name, default in _read(node):
                if found.get(name) is None:
                    found[name] = default
    return found


def _read(node: ast.AST) -> list[tuple[str, Any]]:
    if isinstance(node, ast.Subscript) and _is_hp(node.value):
        name = _text(node.slice)
        return [(name, None)] if name is not None else []
    if isinstance(node, ast.Attribute) and _is_hp(node.value) and node.attr not in _METHODS:
        return [(node.attr, None)]
    is_get = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get"
    if is_get and isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
        name = _text(node.args[0]) if _is_hp(node.func.value) else None
        default = node.args[1] if len(node.args) > 1 else None
        return [(name, default.value if isinstance(default, ast.Constant) else None)] if name else []
    return []


def _is_hp(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id == _HP


def _text(node: ast.AST) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None
