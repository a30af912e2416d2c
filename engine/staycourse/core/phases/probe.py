"""probe: points spread over the whole space, trained until convergence, to learn what training does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any, ClassVar, Literal

from staycourse.core.elimination import eliminate, least_trials
from staycourse.core.handoff import Handoff
from staycourse.core.phases.base import Before, Decision, Outlook, SearchSpec, all_ended, failure_words
from staycourse.core.phases.searched import SearchedPhase
from staycourse.core.problems import KeyPath, Problem, nearest
from staycourse.core.ranking import best_values
from staycourse.core.space import Choice
from staycourse.core.training_phases import segments
from staycourse.core.trial import Trial, rank


class Probe(SearchedPhase):
    """Hands on the loss floor, the significant phases of training and the space without the options that
    are beaten beyond noise. It ranks nothing: its points lie too far apart."""

    KIND: ClassVar[str] = "probe"
    RANKS: ClassVar[bool] = False
    kind: Literal["probe"]
    sampler: Literal["quasi-random", "random"] = "quasi-random"
    eliminate: list[str] = []

    def check(self, outlook: Outlook, path: KeyPath) -> list[Problem]:
        problems = super().check(outlook, path)
        choices = [h.name for h in outlook.space if isinstance(h, Choice)]
        for at, name in enumerate(self.eliminate):
            where = (*path, "eliminate", at)
            if name not in outlook.space.names:
                right = nearest(name, choices)
                problems.append(Problem(where, f"no hyperparameter '{name}'", right))
            elif name not in choices:
                problems.append(Problem(where, f"'{name}' is no choice", nearest(name, choices)))
        return problems

    def warnings(self, outlook: Outlook, path: KeyPath) -> list[Problem]:
        found = []
        if "schedule" in self.eliminate:
            late = [
                f"{name} ({schedule.milestones()[-1]})"
                for name, schedule in outlook.schedules.items()
                if name in _options(outlook, "schedule")
                and max(schedule.milestones(), default=0) >= self.epochs
            ]
            if late:
                said = f"{self.epochs} epochs are too short to reach the last milestone of {', '.join(late)}"
                right = "these options cannot be judged: more epochs, or leave 'schedule' out of eliminate"
                found.append(Problem((*path, "epochs"), said, right))
        for name in self.eliminate:
            options = len(_options(outlook, name))
            share = outlook.space.share(outlook.space.get(name))
            least = least_trials(options) if options > 1 else 0
            if self.trials * share < least * options:
                said = f"{self.trials} trials cannot eliminate any of the {options} options of '{name}'"
                if share < 1:
                    said += f", which exists in {float(share):.0%} of them"
                right = f"at least {least} trials an option; until then every option is kept"
                found.append(Problem((*path, "trials"), said, right))
        return found

    def after(self, outlook: Outlook) -> Outlook:
        return replace(outlook, valued=True)

    def search(self) -> SearchSpec:
        return SearchSpec(self.sampler, self.trials, self.trials)

    def decide(self, before: Before, trials: Sequence[Trial]) -> Decision:
        needs = self.known_needs(trials, self.trials)
        if not all_ended(trials, needs):
            return Decision(needs)
        if not rank(trials, before.goal):
            return Decision(needs, failure=failure_words(trials))
        return Decision(needs, handoff=self._handoff(before, trials))

    def _handoff(self, before: Before, trials: Sequence[Trial]) -> Handoff:
        space, verdicts = eliminate(self.eliminate, trials, before.goal, before.handoff.space)
        findings = _what_training_does(trials, before.goal)
        if self.eliminate:
            findings["elimination"] = verdicts
        known = best_values(trials, before.goal, space, before.handoff.best_values)
        return replace(before.handoff, space=space, best_values=known, findings=findings)

    def miniature(self) -> Probe:
        return self.model_copy(update={"trials": min(2, self.trials), "epochs": min(2, self.epochs)})


def _what_training_does(trials: Sequence[Trial], goal: str) -> dict[str, Any]:
    """The loss floor (the best value of all trials) and how the best trial got there."""
    best = rank(trials, goal)[0]
    point = best.best(goal)
    assert point is not None
    return {
        "floor": {"value": point[1], "epoch": point[0], "trial": best.id},
        "training_phases": [asdict(segment) for segment in segments(best.curve, goal)],
    }


def _options(outlook: Outlook, name: str) -> tuple[Any, ...]:
    if name not in outlook.space.names:
        return ()
    h = outlook.space.get(name)
    return h.options if isinstance(h, Choice) else ()
