"""What a roadmap takes up of an earlier run (`[from]`): its space, its ranking, its best values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from staycourse.core.best_values import BestValues, best
from staycourse.core.handoff import Handoff
from staycourse.core.metric_names import resolve
from staycourse.core.phases.base import Outlook, Phase
from staycourse.core.problems import Problem
from staycourse.core.schedules import Schedule
from staycourse.core.sections import Objective
from staycourse.core.space import Fixed, Hyperparameter, Space, describe, format_value


@dataclass(frozen=True)
class Inherited:
    """The handoff of an earlier run's last closed phase, and what its ranking was measured by.

    Trials in the ranking are named `<run>/<id>`. `schedules` are those of the earlier roadmap.
    """

    run: str
    handoff: Handoff
    metric: str
    goal: str
    schedules: Mapping[str, Schedule] = field(default_factory=dict)


def common_space(declared: Space | None, inherited: Inherited, problems: list[Problem]) -> Space:
    """The handed-on hyperparameters as they were handed on, then those that only the roadmap declares
    (None: it declares none). One that was handed on and is not declared is a problem."""
    old = inherited.handoff.space
    if declared is None:
        return old
    missing = [h.name for h in old if old.can_exist(h) and h.name not in declared.names]
    if missing:
        said = f"{inherited.run} hands on {', '.join(missing)}, which {_are(missing)} not named here"
        problems.append(Problem(("space",), said, "name every one of them, or leave [space] out"))
    return Space((*old, *added_to(inherited, declared))).simplified()


def added_to(inherited: Inherited, space: Space) -> list[Hyperparameter]:
    """The hyperparameters of the space that the earlier run did not have."""
    return [h for h in space if h.name not in inherited.handoff.space.names]


def unvalued(inherited: Inherited, space: Space) -> list[str]:
    """Those of them for which some value has to be found yet, under any option that is left."""
    both = Space((*inherited.handoff.space, *added_to(inherited, space)))
    return [h.name for h in both.searched if h.name not in inherited.handoff.space.names]


def uses_ranking(kinds: Sequence[type[Phase] | None]) -> bool:
    """Whether ranked set-ups are taken as they are before a phase ranks anew."""
    for kind in kinds:
        if kind is not None and (kind.TAKES_RANKING or kind.RANKS):
            return kind.TAKES_RANKING
    return False


def objective_problem(inherited: Inherited, objective: Objective) -> Problem | None:
    """Where the objective is another than that by which the earlier run ranked."""
    metric, goal, run = objective.metric, objective.goal, inherited.run
    if resolve(metric, [inherited.metric]) is None:
        said = f"{run} ranked by {inherited.metric}, not by {metric}"
        return Problem(("objective", "metric"), said, f'metric = "{inherited.metric}", or rank anew')
    if goal != inherited.goal:
        said = f"{run} ranked by the {inherited.goal}imum of {inherited.metric}"
        return Problem(("objective", "goal"), said, f'goal = "{inherited.goal}", or rank anew')
    return None


def ranking_problem(inherited: Inherited, space: Space) -> Problem | None:
    """A hyperparameter without a value in the ranked set-ups."""
    names = unvalued(inherited, space)
    if not names:
        return None
    said = f"the ranked set-ups of {inherited.run} have no value for it"
    return Problem(("space", names[0]), said, "a plain value, or a narrow or grid phase first")


def handed_on(inherited: Inherited, space: Space, objective: Objective) -> Handoff:
    """What the first phase gets: fixed values that are new filled in everywhere; no ranking where its
    set-ups would lack a value or were ranked by something else."""
    given = inherited.handoff
    fixed = {h.name: h.value for h in added_to(inherited, space) if isinstance(h, Fixed)}
    is_kept = not unvalued(inherited, space) and objective_problem(inherited, objective) is None
    ranking = tuple(replace(place, setup={**place.setup, **fixed}) for place in given.ranking)
    return Handoff(
        space=space,
        ranking=ranking if is_kept else (),
        best_values=best(given.best_values) | fixed if given.best_values else BestValues(),
        horizon=given.horizon if is_kept else None,
    )


def first_outlook(
    handoff: Handoff, schedules: Mapping[str, Schedule], unknown: Sequence[str] = ()
) -> Outlook:
    """What is known before the first phase; `unknown` are hyperparameters that no earlier run had."""
    has_values = bool(handoff.best_values)
    known = frozenset(handoff.space.names) - frozenset(unknown)
    return Outlook(
        space=handoff.space,
        schedules=schedules,
        ranked=len(handoff.ranking),
        valued=has_values and not unknown,
        horizon=handoff.horizon,
        known=known if has_values else frozenset(),
    )


def notes(
    inherited: Inherited,
    declared: Space | None,
    objective: Objective,
    schedules: Mapping[str, Schedule],
) -> Iterator[str]:
    """What holds where the roadmap and the earlier run differ, a line each."""
    run, space = inherited.run, inherited.handoff.space
    for h in space:
        other = declared.get(h.name) if declared is not None and h.name in declared.names else h
        if other != h:
            yield f"space.{h.name}: {_words(h)}, as {run} hands on (declared: {_words(other)})"
    new = unvalued(inherited, declared) if declared is not None else []
    if inherited.handoff.ranking and new:
        yield f"the ranking of {run} is left behind: its set-ups have no value for {', '.join(new)}"
    elif inherited.handoff.ranking and objective_problem(inherited, objective):
        was = f"{inherited.metric} {inherited.goal}"
        yield f"the ranking of {run}, by {was}, is left behind; its ranges and best values are taken up"
    for name in sorted(schedules.keys() & inherited.schedules.keys()):
        if schedules[name] != inherited.schedules[name]:
            yield f"schedules.{name}: as declared here; {run} measured under another one of that name"


def _words(h: Hyperparameter) -> str:
    when = "".join(f", with {c.on} {'|'.join(map(format_value, c.options))}" for c in h.when)
    return describe(h).partition(" ")[2] + when


def _are(names: Sequence[str]) -> str:
    return "are" if len(names) > 1 else "is"
