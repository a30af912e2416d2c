"""The roadmap: what a campaign does, in which order, and what may end a trial."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from staycourse.core import inherited as inheritance
from staycourse.core import not_yet, phases, plain_values
from staycourse.core.command_check import command_problems, command_warnings, kind_problems
from staycourse.core.events import RunSealed
from staycourse.core.explain import validate
from staycourse.core.from_table import FromTable
from staycourse.core.handoff import Handoff
from staycourse.core.inherited import Inherited
from staycourse.core.metric_names import resolve
from staycourse.core.optimizer_scales import scale_warnings
from staycourse.core.own_names import batch_size_problems, schedule_problems
from staycourse.core.phases.base import Outlook, Phase, Planned
from staycourse.core.problems import Problem, RoadmapError, nearest
from staycourse.core.rule_warnings import rule_warnings
from staycourse.core.schedule_format import parse_schedules
from staycourse.core.schedules import Schedule
from staycourse.core.sections import SECTIONS, Data, Limits, Objective, Task, Training
from staycourse.core.space import Space
from staycourse.core.space_format import STAND_IN, parse_space
from staycourse.core.toml_lines import key_lines, line_of, not_toml

_TABLES = ("name", "seed", "space", "schedules", "phase", "from", *SECTIONS)
_NAME = re.compile(r"[a-z0-9_-]+")


@dataclass(frozen=True)
class Roadmap:
    """A checked roadmap. `schedules` holds "constant" too; `warnings` is what is probably not meant, `notes`
    what holds where the roadmap and the earlier run that it builds on differ; `handed` is that run's handoff
    as the first phase gets it."""

    name: str
    seed: int
    task: Task
    objective: Objective
    space: Space
    schedules: Mapping[str, Schedule]
    data: Data
    training: Training
    limits: Limits
    phases: tuple[Phase, ...]
    warnings: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()
    handed: Handoff | None = None

    @property
    def first_handoff(self) -> Handoff:
        """What the first phase is handed: the declared space, unless an earlier run is taken up."""
        return self.handed or Handoff(self.space)

    def outlooks(self) -> Iterator[tuple[Phase, Outlook]]:
        """Each phase with what is known of those before it."""
        outlook = inheritance.first_outlook(self.first_handoff, self.schedules)
        for phase in self.phases:
            yield phase, outlook
            outlook = phase.after(outlook)

    def plan(self) -> tuple[Planned, ...]:
        """The queue: upper bounds of trials and epochs for each phase."""
        return self._plan

    @cached_property
    def _plan(self) -> tuple[Planned, ...]:
        # Views ask at each poll, and a big grid is laid out anew each time.
        return tuple(phase.plan(outlook) for phase, outlook in self.outlooks())

    def followed(self, sealed: RunSealed | None) -> Roadmap:
        """The roadmap as a run follows it: its metrics by the names that the task reports, and in
        miniature where the run is a rehearsal."""
        if sealed is None:
            return self
        resolved = self._with_metrics(sealed.facts.get("metrics", []))
        return resolved.miniature() if sealed.rehearsal else resolved

    def _with_metrics(self, reported: Iterable[str]) -> Roadmap:
        metric = resolve(self.objective.metric, reported) or self.objective.metric
        phases = tuple(phase.with_metrics(reported) for phase in self.phases)
        return replace(self, objective=self.objective.model_copy(update={"metric": metric}), phases=phases)

    def miniature(self) -> Roadmap:
        """The whole campaign for a rehearsal: two set-ups and two epochs a phase."""
        handed = self.handed and replace(self.handed, ranking=self.handed.ranking[:2])
        return replace(self, phases=tuple(phase.miniature() for phase in self.phases), handed=handed)


def parse(text: str, source: str = "roadmap", inherited: Inherited | Problem | None = None) -> Roadmap:
    """The roadmap that a TOML text holds. Raises RoadmapError with every problem at once.

    `inherited` is what the run that `[from]` names hands on, or why it cannot be taken up.
    """
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise RoadmapError(source, [not_toml(error, text)]) from None
    document, problems = plain_values.tidy(document)
    roadmap = _Parser(problems, inherited).roadmap(document)
    lines = key_lines(text)
    if roadmap is None:
        located = [replace(problem, line=line_of(problem.path, lines)) for problem in problems]
        raise RoadmapError(source, sorted(located, key=lambda problem: problem.line or 0))
    warnings = [replace(warning, line=line_of(warning.path, lines)) for warning in roadmap.warnings]
    return replace(roadmap, warnings=tuple(warnings))


class _Parser:
    """Parses section by section, so that a mistake in one hides none in another, and is told once."""

    def __init__(self, problems: list[Problem], inherited: Inherited | Problem | None) -> None:
        self.problems = problems
        self._inherited = inherited
        self._document: Mapping[str, Any] = {}
        self._broken: set[str] = set()
        self._has_space = True

    def roadmap(self, document: dict[str, Any]) -> Roadmap | None:
        document, waiting = not_yet.take_out(document)
        self.problems += waiting
        self._document = document
        for key in document:
            if key not in _TABLES:
                self._problem((key,), f"unknown key '{key}'", nearest(key, _TABLES))
        name, seed = self._name(document), self._seed(document)
        sections = {key: self._section(document, key) for key in SECTIONS}
        self._from = FromTable(document, self._inherited, self.problems)
        declared = self._declared_space(document)
        space = self._space(declared)
        schedules = parse_schedules(document.get("schedules", {}), space, self.problems)
        is_command = sections["task"] is not None and sections["task"].command is not None
        self._check_own_names(space, schedules, is_command=is_command)
        found = self._phases(document.get("phase"))
        handed = self._from.handed(space, sections["objective"], self._kinds(document))
        warnings = self._check_phases(found, self._from.outlook(space, schedules, handed))
        if is_command and self._has_space:
            told = command_problems(document, sections["task"], space, found, sections["objective"])
            self.problems += [problem for problem in told if not self._is_consequence(problem)]
        if self.problems:
            return None
        complete = tuple(phase for phase in found if phase is not None)
        if is_command:
            warnings += command_warnings(sections["task"], space, complete)
        return Roadmap(
            name,
            seed,
            space=space,
            schedules=schedules,
            phases=complete,
            warnings=tuple(warnings),
            notes=self._from.notes(declared, sections["objective"], schedules),
            handed=handed,
            **sections,
        )

    def _declared_space(self, document: Mapping[str, Any]) -> Space | None:
        """The space that the roadmap declares; one that builds on an earlier run may declare none."""
        if self._from.is_there and "space" not in document:
            return None
        space = parse_space(document.get("space"), self.problems)
        self._broken = {str(p.path[1]) for p in self.problems if p.path[0] == "space" and len(p.path) > 1}
        return space

    def _space(self, declared: Space | None) -> Space:
        """What is searched; if nothing, a stand-in, so that the phases can be checked all the same."""
        space = self._from.space(declared)
        self._has_space = bool(space.hyperparameters)
        return space if self._has_space else Space((STAND_IN,))

    def _kinds(self, document: Mapping[str, Any]) -> list[type[Phase] | None]:
        """The kind of each phase, of those as well that cannot be read otherwise."""
        tables, known = document.get("phase"), phases.kinds()
        return [
            known.get(str(table.get("kind"))) if isinstance(table, dict) else None
            for table in (tables if isinstance(tables, list) else [])
        ]

    def _is_consequence(self, problem: Problem) -> bool:
        """Whether the space's own mistakes are to blame: told where they are made, not once more here."""
        if not self._has_space:
            return len(problem.path) > 2
        value: Any = self._document
        for part in problem.path:
            if part in self._broken:
                return True
            value = _inside(value, part)
        return isinstance(value, str) and value in self._broken

    def _name(self, document: Mapping[str, Any]) -> str:
        name = document.get("name")
        if name is None:
            self._problem(("name",), "missing", "'name' is required")
        elif not isinstance(name, str) or not _NAME.fullmatch(name):
            self._problem(("name",), f"{name!r} is no name", "made of a-z, 0-9, - and _")
        return str(name)

    def _seed(self, document: Mapping[str, Any]) -> int:
        seed = document.get("seed", 0)
        if isinstance(seed, bool) or not isinstance(seed, int):
            self._problem(("seed",), f"expected a whole number, found {seed!r}")
            return 0
        return seed

    def _section(self, document: Mapping[str, Any], key: str) -> Any:
        if key == "task" and key not in document:
            self._problem((key,), "missing", "a [task] table with its file or its command")
            return None
        section = validate(SECTIONS[key], document.get(key, {}), (key,), self.problems)
        if key == "task" and section is not None:
            self.problems += kind_problems(section)
        return section

    def _phases(self, tables: Any) -> list[Phase | None]:
        """Every phase in order, None where one cannot be read."""
        if not isinstance(tables, list) or not tables:
            said = "expected a list of phases" if tables else "no phases"
            self._problem(("phase",), said, "at least one [[phase]] table, in double brackets")
            return []
        known = phases.kinds()
        found: list[Phase | None] = []
        for at, table in enumerate(tables):
            phase = None
            kind = table.get("kind") if isinstance(table, dict) else None
            if kind is None:
                self._problem(("phase", at, "kind"), "missing", "one of " + ", ".join(sorted(known)))
            elif not isinstance(kind, str) or kind not in known:
                self._problem(("phase", at, "kind"), f"unknown kind {kind!r}", nearest(str(kind), known))
            else:
                phase = validate(known[kind], table, ("phase", at), self.problems)
            found.append(phase)
        return found

    def _check_own_names(self, space: Space, schedules: Mapping[str, Schedule], *, is_command: bool) -> None:
        """The hyperparameters that the engine itself reads; a script has schedules of its own."""
        if "schedule" not in self._broken and not is_command:
            path, whose = self._from.schedule_names()
            self.problems += schedule_problems(space, schedules, path, whose)
        if "batch_size" not in self._broken:
            self.problems += batch_size_problems(space)

    def _check_phases(self, found: list[Phase | None], outlook: Outlook) -> list[Problem]:
        """What each phase needs of those before it; the warnings. A phase that is wrong counts as one
        that hands everything on, so that it is blamed once."""
        warnings: list[Problem] = []
        for at, phase in enumerate(found):
            path = ("phase", at)
            wrong = phase.check(outlook, path) if phase is not None else []
            self.problems += [problem for problem in wrong if not self._is_consequence(problem)]
            if phase is None or wrong:
                outlook = self._as_if_right(outlook, at)
                continue
            if phase.kind == "final" and at < len(found) - 1:
                self._problem(path, "final is not the last phase", "put it at the end")
            warnings += phase.warnings(outlook, path)
            warnings += rule_warnings(phase, outlook, at) + scale_warnings(phase, outlook, at)
            outlook = phase.after(outlook)
        return warnings

    def _as_if_right(self, outlook: Outlook, at: int) -> Outlook:
        """The outlook after a wrong phase, as if it handed on all that its kind can."""
        table = self._document["phase"][at]
        kind = phases.kinds().get(str(table.get("kind"))) if isinstance(table, dict) else None
        if kind is not None and not kind.RANKS:
            return replace(outlook, valued=True)
        return replace(outlook, valued=True, ranked=max(1, outlook.ranked), horizon=outlook.horizon or 1)

    def _problem(self, path: tuple[str | int, ...], message: str, right: str = "") -> None:
        self.problems.append(Problem(path, message, right))


def _inside(value: Any, part: str | int) -> Any:
    """What a table or a list holds there; None where it is not said."""
    if isinstance(value, dict):
        return value.get(part)
    return value[part] if isinstance(value, list) and isinstance(part, int) else None
