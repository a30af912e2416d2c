"""The `[from]` table while a roadmap is parsed: what it takes up, and what cannot be taken up."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from staycourse.core import inherited as inheritance
from staycourse.core.explain import validate
from staycourse.core.handoff import Handoff
from staycourse.core.inherited import Inherited
from staycourse.core.phases.base import Outlook, Phase
from staycourse.core.problems import KeyPath, Problem
from staycourse.core.schedules import Schedule
from staycourse.core.sections import From, Objective
from staycourse.core.space import Space


def earlier_run(text: str) -> str | None:
    """The run that the text says to take up, as it is written there; None if it names none."""
    try:
        table = tomllib.loads(text).get("from")
    except (ValueError, RecursionError):
        return None
    run = table.get("run") if isinstance(table, dict) else None
    return run if isinstance(run, str) and run else None


class FromTable:
    """`is_there` says whether the roadmap has the table, `inherited` is None where nothing is taken up."""

    def __init__(
        self, document: Mapping[str, Any], given: Inherited | Problem | None, problems: list[Problem]
    ) -> None:
        self.is_there = "from" in document
        self.inherited: Inherited | None = None
        self._problems = problems
        if not self.is_there:
            return
        section = validate(From, document["from"], ("from",), problems)
        if section is None:
            return
        if isinstance(given, Inherited):
            self.inherited = given
        else:
            unread = Problem(("from", "run"), "the earlier run was not read", "its folder must be at hand")
            problems.append(given or unread)

    def space(self, declared: Space | None) -> Space:
        """What is searched; `declared` is None where the roadmap declares no space."""
        if self.inherited is None:
            return declared or Space(())
        return inheritance.common_space(declared, self.inherited, self._problems)

    def schedule_names(self) -> tuple[KeyPath, str]:
        """Where the names of schedules come from, and whose they are: the space's, or an earlier run's."""
        if self.inherited is not None and "schedule" in self.inherited.handoff.space.names:
            return ("schedules",), f", which {self.inherited.run} hands on"
        return ("space", "schedule"), ""

    def handed(
        self, space: Space, objective: Objective | None, kinds: Sequence[type[Phase] | None]
    ) -> Handoff | None:
        """What the first phase gets; a ranking that cannot be used as it is asked for is a problem."""
        if self.inherited is None or objective is None:
            return None
        if self.inherited.handoff.ranking and inheritance.uses_ranking(kinds):
            found = (
                inheritance.objective_problem(self.inherited, objective),
                inheritance.ranking_problem(self.inherited, space),
            )
            if wrong := [problem for problem in found if problem]:
                self._problems += wrong
                return None
        return inheritance.handed_on(self.inherited, space, objective)

    def outlook(self, space: Space, schedules: Mapping[str, Schedule], handed: Handoff | None) -> Outlook:
        """What is known before the first phase; where an earlier run cannot be taken up, all that it might
        have handed on, so that the phases are not blamed for it."""
        if handed is not None and self.inherited is not None:
            unknown = inheritance.unvalued(self.inherited, space)
            return inheritance.first_outlook(handed, schedules, unknown)
        outlook = Outlook(space, schedules)
        return replace(outlook, ranked=1, valued=True, horizon=1) if self.is_there else outlook

    def notes(
        self, declared: Space | None, objective: Objective, schedules: Mapping[str, Schedule]
    ) -> tuple[str, ...]:
        """What holds where the roadmap and the earlier run differ."""
        if self.inherited is None:
            return ()
        return tuple(inheritance.notes(self.inherited, declared, objective, schedules))
