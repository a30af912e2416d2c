"""The winning set-up, and how to load what it was trained to."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from staycourse.core.space import Choice, Hyperparameter, Interval, describe_range
from staycourse.report.facts import Facts
from staycourse.report.markdown import NOTHING, code, escape, fence, setting, table
from staycourse.report.script import left_words
from staycourse.report.standing import Standing, standing
from staycourse.report.trials import names_of

_HEAD = """\
import argparse, importlib.util, {more}json, sys
from pathlib import Path

from safetensors.torch import load_file

run = Path(".").resolve()  # this run's folder
made = json.loads((run / "final" / "setup.json").read_text())
file = run / "code" / made["task"]["file"]
sys.path.insert(0, str(file.parent))
spec = importlib.util.spec_from_file_location(f"task_{{file.stem}}", file)
task = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(task)


class Setup(dict):  # hp["lr"] and hp.lr
    def __getattr__(self, name):
        if name in self:
            return self[name]
        raise AttributeError(name)


"""
_CALL = """\
def call(function, **offered):  # with what it asks for by name
    names = inspect.signature(function).parameters
    return function(**{name: value for name, value in offered.items() if name in names})


"""
_ARGS = """\
for action in parser._actions:
    action.required = False  # what is required is given below
args = parser.parse_args([])
for name, value in made["task"]["args"].items():
    setattr(args, name.lstrip("-").replace("-", "_"), value)
hp = Setup(made["setup"])
"""
_DATASET = """\
os.chdir({folder!r})  # relative paths start at the roadmap's folder
data = {call}
data = data[0] if isinstance(data, tuple) else data
"""
_TAIL = """\
model = {call}
model.load_state_dict(load_file(run / "final" / "model.safetensors"))
model.eval()
"""
_OFFERED = {"args": "args", "hp": "hp", "dataset": "data", "stage": '"train"'}


def winner_section(facts: Facts) -> str:
    """The set-up as a table, and the code that loads its weights once there are some."""
    leading = standing(facts)
    if leading is None:
        return ""
    title = "The winning set-up" if facts.state.winner is not None else "The best set-up so far"
    return "\n\n".join([f"## {title}", _table(facts, leading), _weights(facts)])


def loading_code(source: str, folder: str) -> str:
    """Python that builds the task's model and loads the weights, run in the run's folder. It needs torch,
    safetensors and the task's own packages. `source` is the task file's text, which is read, not run;
    `folder` is the roadmap's."""
    functions = _functions(source)
    asked = functions.get("model")
    needs_data = asked is not None and "dataset" in asked
    more = ("inspect, " if asked is None else "") + ("os, " if needs_data else "")
    parts = [_HEAD.format(more=more)]
    if asked is None:
        parts.append(_CALL)
    parts += [_parser(functions), _ARGS]
    if needs_data:
        call = _call("dataset", functions.get("dataset") or [])
        parts.append(_DATASET.format(folder=folder, call=call))
    model = "call(task.model, args=args, hp=hp)" if asked is None else _call("model", asked)
    return "".join([*parts, _TAIL.format(call=model)])


def _table(facts: Facts, leading: Standing) -> str:
    rows = []
    for name in names_of(facts, [leading.best.setup]):
        value = leading.best.setup[name]
        declared = facts.roadmap.space.get(name) if name in facts.roadmap.space.names else None
        rows.append((code(name), setting(value), _exact(value), _declared(declared)))
    return table(["hyperparameter", "value", "exactly", "declared"], rows, right=[1, 2])


def _exact(value: object) -> str:
    return repr(value) if isinstance(value, float) else NOTHING


def _declared(h: Hyperparameter | None) -> str:
    if isinstance(h, Interval):
        return escape(describe_range(h, " to ", ", log" if h.log else ""))
    if isinstance(h, Choice):
        return ", ".join(map(setting, h.options))
    return "fixed"


def _weights(facts: Facts) -> str:
    heading = "### Load the weights"
    if not facts.weights:
        return f"{heading}\n\nThere are none: no final phase has been trained to its end."
    if facts.sealed.facts.get("command"):
        return f"{heading}\n\n{left_words(facts)}"
    file = facts.paths.code / str(
        facts.sealed.facts.get("task_file", PurePosixPath(facts.roadmap.task.words).name)
    )
    source = file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
    how = (
        "In this run's folder, with torch, safetensors and the task's own packages; staycourse itself is not "
        "needed. `final/last.pt` is the checkpoint to train on from."
    )
    return f"{heading}\n\n{how}\n\n{fence(loading_code(source, facts.sealed.folder), 'python')}"


def _functions(source: str) -> dict[str, list[str] | None]:
    """Parameters of each function of the file; None for a name that is bound otherwise, by an import say."""
    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError):
        return {}
    found: dict[str, list[str] | None] = {}
    for node in body:
        if isinstance(node, ast.FunctionDef):
            found[node.name] = _parameters(node.args)
        elif isinstance(node, ast.ImportFrom):
            found |= {alias.asname or alias.name: None for alias in node.names}
        elif isinstance(node, ast.Assign):
            found |= {target.id: None for target in node.targets if isinstance(target, ast.Name)}
    return found


def _parameters(arguments: ast.arguments) -> list[str] | None:
    if arguments.kwarg is not None:
        return None
    return [argument.arg for argument in (*arguments.args, *arguments.kwonlyargs)]


def _parser(functions: Mapping[str, object]) -> str:
    made = "parser = argparse.ArgumentParser()\n"
    if "model" in functions and "add_arguments" not in functions:
        return made
    condition = "" if "model" in functions else 'if hasattr(task, "add_arguments"):\n    '
    return f"{made}{condition}task.add_arguments(parser)\n"


def _call(name: str, parameters: Sequence[str]) -> str:
    return f"task.{name}({', '.join(f'{p}={_OFFERED[p]}' for p in parameters if p in _OFFERED)})"
