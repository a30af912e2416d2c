"""What the user's code got wrong, said in one line: no traceback, but the place."""

from __future__ import annotations

import traceback
from pathlib import Path

from staycourse.core.problems import Problem, UserError
from staycourse.core.text import one_line


class TaskError(UserError):
    """Mistakes of a task file; `problems` holds them all."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__("\n".join(str(problem) for problem in problems))


def describe(error: BaseException) -> str:
    """`ValueError: text` on one line, harmless."""
    text = str(error)
    if isinstance(error, SyntaxError):
        text = error.msg
    name = type(error).__name__
    return one_line(f"{name}: {text}" if text else name)


def place(error: BaseException, folder: Path) -> str:
    """`digits.py, line 34`: the innermost line of the task's own files; empty if there is none."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{_relative(error.filename, folder) or Path(error.filename).name}, line {error.lineno}"
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if relative := _relative(frame.filename, folder):
            return f"{relative}, line {frame.lineno}"
    return ""


def called(error: BaseException, folder: Path) -> str:
    """`loss()`: the outermost function of the task's own files that was running; empty if there is none."""
    for frame in traceback.extract_tb(error.__traceback__):
        if _relative(frame.filename, folder) and not frame.name.startswith("<"):
            return f"{frame.name}()"
    return ""


def raised(what: str, error: BaseException, folder: Path) -> Problem:
    """`loss() raises ValueError: text (digits.py, line 34)`, at `("task", "file")`."""
    at = place(error, folder)
    return Problem(("task", "file"), f"{what} raises {describe(error)}" + (f" ({at})" if at else ""))


def _relative(filename: str, folder: Path) -> str | None:
    path = Path(filename)
    for root in (folder, folder.resolve()):
        if path.is_relative_to(root):
            return path.relative_to(root).as_posix()
    return None
