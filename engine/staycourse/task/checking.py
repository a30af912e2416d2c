"""Everything that can be known of a roadmap before it is sealed; the task is loaded in a child process."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from staycourse.core.canonical import digest
from staycourse.core.from_table import earlier_run
from staycourse.core.phases.searched import OWN_OPTIMIZERS
from staycourse.core.problems import Problem, RoadmapError, UserError
from staycourse.core.roadmap import Roadmap, parse
from staycourse.core.toml_lines import key_lines, line_of
from staycourse.record.earlier_run import NoLineage, find_earlier, read_lineage
from staycourse.record.lineage import Lineage, differences
from staycourse.record.seal import hash_code
from staycourse.task.child import child
from staycourse.task.command.checking import check_command
from staycourse.task.inspection_request import inspection_request, search_request
from staycourse.task.literals import literal_warnings
from staycourse.task.sources import copy_sources


@dataclass(frozen=True)
class Checked:
    """A roadmap that can be sealed. `facts` is what the task and its data were seen to be, `notes` what is
    worth knowing, `code` a temporary folder with the task's files (gone with `copies`), `lineage` the earlier
    run that it takes up."""

    path: Path
    text: str
    roadmap: Roadmap
    facts: Mapping[str, Any]
    notes: tuple[str, ...]
    code: Path
    copies: tempfile.TemporaryDirectory[str]
    lineage: Lineage | None = None


def read_roadmap(path: Path) -> tuple[str, Roadmap, Lineage | None]:
    """The text and the roadmap of a file, and the earlier run that it takes up. Raises UserError,
    RoadmapError among them."""
    text = _read(path)
    lineage = _lineage(text, path.resolve().parent)
    inherited = lineage.inherited if isinstance(lineage, Lineage) else lineage
    roadmap = parse(text, str(path), inherited)
    return text, roadmap, lineage if isinstance(lineage, Lineage) else None


def _lineage(text: str, folder: Path) -> Lineage | Problem | None:
    """The earlier run that the text names, or why it cannot be taken up, to be told with all the rest."""
    run = earlier_run(text)
    if run is None:
        return None
    try:
        return read_lineage(find_earlier(run, folder))
    except NoLineage as error:
        return Problem(("from", "run"), str(error), error.right)


def _read(path: Path) -> str:
    try:
        if path.is_dir():
            raise UserError(f"{path}: a folder, not a roadmap file")
        if path.exists() and not path.is_file():  # a pipe would be waited for, a device has no end
            raise UserError(f"{path}: not a regular file")
        return path.read_text(encoding="utf-8-sig")  # some editors put a mark before the first character
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 text ({error.reason} at byte {error.start})") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None


def check(path: Path) -> Checked:
    """Check a roadmap and its task. Raises RoadmapError with every problem, UserError for its file."""
    text, roadmap, lineage = read_roadmap(path)
    copies = tempfile.TemporaryDirectory(prefix="staycourse-code-")
    code = Path(copies.name)
    if roadmap.task.file is None:
        facts, told = _check_command(path, text, roadmap, code)
    else:
        facts, told = _check_file(path, text, roadmap, code, roadmap.task.file)
        roadmap = _warned_of_literals(roadmap, text, code)
    notes = (*_lineage_notes(roadmap, lineage, facts, code), *told)
    return Checked(path.resolve(), text, roadmap, facts, notes, code, copies, lineage)


def _warned_of_literals(roadmap: Roadmap, text: str, code: Path) -> Roadmap:
    """The roadmap, its warnings with those of values that stand in the code, where it cannot reach them."""
    files = {path.relative_to(code).as_posix(): path for path in sorted(code.rglob("*.py"))}
    found = (_located(warning, text) for warning in literal_warnings(files))
    return replace(roadmap, warnings=(*roadmap.warnings, *found))


_Seen = tuple[dict[str, Any], tuple[str, ...]]  # facts and notes


def _check_command(path: Path, text: str, roadmap: Roadmap, code: Path) -> _Seen:
    with _searches(roadmap) as searches:
        checked = check_command(roadmap, path.resolve().parent, code)
        _refuse(path, text, [*checked.problems, *searches()])
    return dict(checked.facts), checked.notes


def _check_file(path: Path, text: str, roadmap: Roadmap, code: Path, file: str) -> _Seen:
    task_file = (path.parent / file).expanduser().resolve()
    if not task_file.is_file():
        said = f"not a regular file: {task_file}" if task_file.exists() else f"no such file: {task_file}"
        problem = Problem(("task", "file"), said, "a Python file, relative to the roadmap's folder")
        raise RoadmapError(str(path), [_located(problem, text)])
    copy_sources(task_file, code)
    answer, refusals = _ask(roadmap, path, code, task_file)
    _refuse(path, text, [_problem(item) for item in answer["problems"]] + refusals)
    return answer["facts"] | {"task_file": task_file.name}, tuple(answer["notes"])


def _refuse(path: Path, text: str, problems: list[Problem]) -> None:
    """Raises RoadmapError with all of them, if there are any."""
    if problems:
        located = sorted((_located(p, text) for p in problems), key=lambda p: p.line or 0)
        raise RoadmapError(str(path), located)


def _lineage_notes(
    roadmap: Roadmap, lineage: Lineage | None, facts: Mapping[str, Any], code: Path
) -> tuple[str, ...]:
    if lineage is None:
        return ()
    parts = {"code": digest(hash_code(code)), "data": digest(dict(facts.get("fingerprint", {})))}
    if outside := facts.get("outside"):
        parts["outside"] = outside["digest"]
    changed = differences(lineage, parts, roadmap)
    other = (f"not as in {lineage.run}: {', '.join(changed)}",) if changed else ()
    return (lineage.line, *roadmap.notes, *other)


def _ask(roadmap: Roadmap, path: Path, code: Path, task_file: Path) -> tuple[dict[str, Any], list[Problem]]:
    """The inspection of the task and the trial of each search's repeatability, side by side."""
    request = inspection_request(roadmap, path.resolve().parent, code, task_file)
    with child("staycourse.task.inspection", request) as inspection, _searches(roadmap) as searches:
        answer = inspection.answer()
        refusals = searches()
    if "problems" not in answer:
        died = Problem(("task", "file"), _died(answer) or "the check of the task gave no answer")
        answer = {"problems": [], "notes": [], "facts": {}}
        refusals.insert(0, died)
    return answer, refusals


@contextlib.contextmanager
def _searches(roadmap: Roadmap) -> Iterator[Callable[[], list[Problem]]]:
    """The trial of each search's repeatability; what it is entered for waits for the answers.

    Staycourse's own searches are repeatable by the tests; a model's proposals would take seconds here.
    """
    searched = [(at, phase) for at, phase in enumerate(roadmap.phases) if phase.kind == "narrow"]
    asked = [(at, search_request(roadmap, phase)) for at, phase in searched]
    with ExitStack() as children:
        questions = [
            (at, children.enter_context(child("staycourse.search.repeatable", search)))
            for at, search in asked
            if search["optimizer"] not in OWN_OPTIMIZERS
        ]
        yield lambda: [problem for at, question in questions for problem in _refusal(at, question.answer())]


def _refusal(at: int, told: Mapping[str, Any]) -> Iterator[Problem]:
    if reason := told.get("reason") or _died(told):
        yield Problem(("phase", at, "optimizer"), str(reason), '"bayes" is the default')


def _died(answer: Mapping[str, Any]) -> str:
    return f"the check's process died: {answer['died']}" if "died" in answer else ""


def _problem(item: Mapping[str, Any]) -> Problem:
    return Problem(tuple(item["path"]), item["message"], item.get("right", ""), item.get("line"))


def _located(problem: Problem, text: str) -> Problem:
    if problem.line is not None:
        return problem
    return replace(problem, line=line_of(problem.path, key_lines(text)))
