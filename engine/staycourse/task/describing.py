"""`python -m staycourse.task.describing`: the arguments that a task file declares. JSON on stdin and stdout.

The request is {"code": folder, "file": path in it, "folder": the working directory}; the answer {"arguments":
[{"dest", "type", "default", "choices", "help", "is_switch", "nargs"}], "problems": [text]}.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping
from typing import Any

from staycourse.core.job import TaskSpec
from staycourse.task.contract import Task
from staycourse.task.mistakes import TaskError

_NO_VALUE = (argparse._HelpAction, argparse._VersionAction)
_PLAIN = (bool, int, float, str)


def describe(request: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to a request, in this process."""
    os.chdir(request["folder"])
    parser = argparse.ArgumentParser(add_help=False)
    try:
        task = Task.imported(TaskSpec(request["code"], request["file"], request["folder"], has_files=True))
    except TaskError as error:
        return {"arguments": [], "problems": [str(problem) for problem in error.problems]}
    if not task.has("add_arguments"):
        return {"arguments": [], "problems": []}
    task.functions["add_arguments"](parser)
    actions = [action for action in parser._actions if not isinstance(action, _NO_VALUE)]
    return {"arguments": [_told(action) for action in actions], "problems": []}


def _told(action: argparse.Action) -> dict[str, Any]:
    kind = getattr(action.type, "__name__", None)
    default = action.default if isinstance(action.default, _PLAIN) else None
    switches = (argparse._StoreTrueAction, argparse._StoreFalseAction, argparse.BooleanOptionalAction)
    return {
        "dest": action.dest,
        "type": kind,
        "default": default,
        "choices": [c for c in action.choices if isinstance(c, _PLAIN)] if action.choices else [],
        "help": action.help or "",
        "is_switch": isinstance(action, switches),
        "is_list": action.nargs not in (None, 0, "?"),
    }


def main() -> None:
    """Answer the request on stdin; standard output is kept for the answer."""
    answer_to = os.dup(1)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    answer = describe(json.load(sys.stdin))
    with os.fdopen(answer_to, "w") as out:
        json.dump(answer, out)
    os._exit(0)


if __name__ == "__main__":
    main()
