"""compare: set-ups listed by name, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import fmean
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from staycourse.core.best_values import value_for
from staycourse.core.equivalence import equivalences
from staycourse.core.fields import Count, Finite, PatienceStop, Share
from staycourse.core.handoff import Ranked
from staycourse.core.phases.base import (
    Before,
    Decision,
    Need,
    Outlook,
    Phase,
    Planned,
    all_ended,
    failure_words,
)
from staycourse.core.problems import KeyPath, Problem, nearest
from staycourse.core.ranking import ranked_setups
from staycourse.core.space import Fixed, Space, Value, exists
from staycourse.core.space_format import value_problem
from staycourse.core.trial import Trial
from staycourse.core.versus import versus


class NamedSetup(BaseModel):
    """A set-up with a name; every other key is a hyperparameter."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)
    name: Annotated[str, Field(min_length=1)]

    @property
    def values(self) -> dict[str, Value]:
        return dict(self.model_extra or {})


class Compare(Phase):
    """What a set-up does not give takes its fixed or its best value so far. With a `margin`, in the
    objective's units, it is also asked which set-ups are equivalent. Hands on what it was handed."""

    KIND: ClassVar[str] = "compare"
    RANKS: ClassVar[bool] = False
    kind: Literal["compare"]
    seeds: Count = 3
    epochs: Count
    stop: PatienceStop | None = None
    data: Share = 1.0
    margin: Annotated[Finite, Field(gt=0)] | None = None
    setups: Annotated[list[NamedSetup], Field(alias="setup", min_length=2)]

    def check(self, outlook: Outlook, path: KeyPath) -> list[Problem]:
        problems = []
        names = [setup.name for setup in self.setups]
        for at, setup in enumerate(self.setups):
            where = (*path, "setup", at)
            if setup.name in names[:at]:
                problems.append(
                    Problem((*where, "name"), f"two set-ups are named '{setup.name}'", "one name each")
                )
            wrong = [
                problem
                for name, value in setup.values.items()
                if (problem := _value_problem((*where, name), name, value, outlook.space))
            ]
            problems += wrong
            if not wrong and not outlook.valued:
                missing = _without_value(outlook, setup.values)
                if missing:
                    said = f"no value for {', '.join(missing)}: no earlier phase hands on a best value"
                    problems.append(Problem(where, said, "give it here, or put a probe before"))
        return problems

    def warnings(self, outlook: Outlook, path: KeyPath) -> list[Problem]:
        if self.margin is None or self.seeds > 1:
            return []
        said = "one seed can show no equivalence"
        return [Problem((*path, "margin"), said, "seeds = 5, say: the more, the narrower the interval")]

    def plan(self, outlook: Outlook) -> Planned:
        count = len(self.setups) * self.seeds
        return Planned(self.kind, count, self.epochs, count * self.epochs, self.data)

    def after(self, outlook: Outlook) -> Outlook:
        return outlook

    def decide(self, before: Before, trials: Sequence[Trial]) -> Decision:
        stop = self.stop.spec() if self.stop else None
        needs = tuple(
            Need(
                key=f"{named.name}-seed-{repetition}",
                epochs=self.epochs,
                horizon=self.epochs,
                setup=self._setup(named, before),
                repetition=repetition,
                share=self.data,
                stop=stop,
                name=named.name,
            )
            for repetition in range(self.seeds)
            for named in self.setups
        )
        if not all_ended(trials, needs):
            return Decision(needs)
        places = ranked_setups(trials, before.goal)
        if not places:
            return Decision(needs, failure=failure_words(trials))
        findings = {"comparison": _comparison(places, trials, self.margin)}
        return Decision(needs, handoff=replace(before.handoff, findings=findings))

    def _setup(self, named: NamedSetup, before: Before) -> dict[str, Value]:
        known, setup = before.handoff.best_values, dict[str, Value]()
        for h in before.handoff.space:
            if not exists(h, setup):
                continue
            if h.name in named.values:
                setup[h.name] = named.values[h.name]
            elif isinstance(h, Fixed) and h.name in known:  # a grid may have listed other values
                setup[h.name] = known[h.name]
            else:
                setup[h.name] = value_for(h, setup, known)
        return setup

    def miniature(self) -> Compare:
        return self.model_copy(
            update={"seeds": min(2, self.seeds), "epochs": min(2, self.epochs), "setups": self.setups[:2]}
        )


def _comparison(
    places: Sequence[Ranked], trials: Sequence[Trial], margin: float | None
) -> list[dict[str, Any]]:
    """Each set-up with its mean score, spread and mean number of updates, its paired difference, seed by
    seed, to the best, and whether it is equivalent to that."""
    evidence: list[dict[str, Any]] = [{"difference": 0.0}, *versus(places, trials)]
    if margin is not None:
        for row, found in zip(evidence[1:], equivalences(places, trials, margin), strict=True):
            row["equivalence"] = found
    steps = {trial.id: trial.steps for trial in trials}
    return [
        {
            **found,
            "name": place.name,
            "setup": dict(place.setup),
            "score": place.score,
            "spread": place.spread,
            "epoch": place.epoch,
            "updates": fmean(steps[trial] for trial in place.trials),
            "trials": list(place.trials),
        }
        for place, found in zip(places, evidence, strict=True)
    ]


def _without_value(outlook: Outlook, values: Mapping[str, Value]) -> list[str]:
    missing = outlook.space.missing(outlook.space.active(values))
    return [name for name in missing if name not in outlook.known]


def _value_problem(where: KeyPath, name: str, value: Any, space: Space) -> Problem | None:
    if name not in space.names:
        return Problem(where, f"no hyperparameter '{name}' in the space", nearest(name, space.names))
    return value_problem(where, space.get(name), value)
