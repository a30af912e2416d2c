"""What a script's parser declares: asked of the parser itself where that is possible, of `--help`, or of the
source. To ask, the script is run up to where it parses its arguments."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

from staycourse.task.command.help_text import help_arguments
from staycourse.task.command.script_arguments import Argument, script_arguments

_PATIENCE_S = 60.0
_MARK = "staycourse-parser:"
_PARSERS = ("argparse", "ArgumentParser", "click", "typer", "HfArgument", "simple_parsing")
# Run in the script's own interpreter, in place of the script.
_ASK = """
import argparse, json, os, runpy, sys

def told(action):
    kind = getattr(action.type, "__name__", None)
    default = action.default if isinstance(action.default, (bool, int, float, str, type(None))) else None
    choices = [c for c in action.choices if isinstance(c, (bool, int, float, str))] if action.choices else []
    names = {"_StoreTrueAction": "store_true", "_StoreFalseAction": "store_false", "_CountAction": "count"}
    action_name = type(action).__name__
    return {
        "names": list(action.option_strings) or [action.dest], "type": kind, "default": default,
        "has_default": action.default is not None and action.default != argparse.SUPPRESS,
        "choices": choices, "required": bool(action.required), "help": action.help or "",
        "action": names.get(action_name, action_name if action_name == "BooleanOptionalAction" else None),
    }

def tell(parser, *args, **kwargs):
    left_out = (argparse._HelpAction, argparse._VersionAction, argparse._SubParsersAction)
    wanted = [a for a in parser._actions if not isinstance(a, left_out)]
    sys.__stdout__.write("staycourse-parser:" + json.dumps([told(a) for a in wanted]) + chr(10))
    sys.__stdout__.flush()
    os._exit(0)

argparse.ArgumentParser.parse_args = argparse.ArgumentParser.parse_known_args = tell
sys.argv = [sys.argv[1], '--help']  # for a parser of another kind, which then ends the script
sys.path[0] = os.path.dirname(os.path.abspath(sys.argv[0]))
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def look(script: Path, python: str, *, may_run: bool = True) -> tuple[list[Argument], str]:
    """(the arguments, whence they are known). A script that imports no parser is not run: it might train."""
    written = script_arguments(script)
    source = script.read_text(encoding="utf-8", errors="replace")
    if may_run and any(word in source for word in _PARSERS):
        output = _run([python, "-c", _ASK, str(script)], script.parent)
        if (asked := _asked(output)) is not None:
            return _with_lines(asked, written), "its parser"
        if told := help_arguments(output):
            return told, "its --help"
    return written, "its source"


def _asked(output: str) -> list[Argument] | None:
    line = next((line for line in output.splitlines() if line.startswith(_MARK)), None)
    if line is None:
        return None
    body: list[dict[str, Any]] = json.loads(line.removeprefix(_MARK))
    return [
        Argument(line=0, **{**each, "names": tuple(each["names"]), "choices": tuple(each["choices"])})
        for each in body
    ]


def _run(command: list[str], folder: Path) -> str:
    """Its output; empty if it fails or takes too long."""
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PATIENCE_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout


def _with_lines(asked: list[Argument], written: list[Argument]) -> list[Argument]:
    """The parser knows values, the source knows lines."""
    lines = {name: each.line for each in written for name in each.names}
    return [replace(each, line=lines.get(each.flag, 0)) for each in asked]
