"""Whole campaigns decided phase by phase with computed curves in place of trainings.

Every need of a phase is answered by a `Trial` whose curve is a formula of its set-up. Trials end one at a
time in random order, as if all of them ran side by side, and the phase is asked again after each.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tests.support.estimates import estimated

from staycourse.core import handoff as handoffs
from staycourse.core.canonical import canonical_json
from staycourse.core.deciding import decide
from staycourse.core.handoff import Handoff
from staycourse.core.outcome import Outcome
from staycourse.core.phases.base import Before, Decision, Need, Phase
from staycourse.core.roadmap import Roadmap
from staycourse.core.rules import Progress, first_to_fire
from staycourse.core.space import Choice, Fixed, Setup, Space
from staycourse.core.trial import Curve, Trial
from staycourse.core.views import rules_of

Loss = Callable[[Setup, int, int], float]
Ends = Callable[[Phase, Need], Outcome]
Answer = Callable[[Mapping[str, Any]], dict[str, Any]]


def smooth_loss(setup: Setup, repetition: int, epoch: int) -> float:
    """Best at lr 0.01 and width 32, sgd worse than adam, with an over-fitting tail after epoch 9."""
    lr, width = float(setup.get("lr", 0.01)), float(setup.get("width", 32))
    floor = 0.1 + (math.log10(lr) + 2) ** 2 / 10 + (math.log2(width) - 5) ** 2 / 50
    floor += 0.05 if setup.get("optimizer") == "sgd" else 0.0
    return floor + 1 / epoch + 0.02 * max(0, epoch - 9) + 0.001 * repetition


def all_complete(phase: Phase, need: Need) -> Outcome:
    return Outcome.COMPLETED


@dataclass
class Played:
    """A phase as it went: what it knew, all it asked for, its trials in the order of their planning."""

    phase: Phase
    before: Before
    needs: tuple[Need, ...] = ()
    trials: list[Trial] = field(default_factory=list)
    decision: Decision = Decision()

    @property
    def handoff(self) -> Handoff:
        assert self.decision.handoff is not None, self.decision.failure
        return self.decision.handoff

    def trial(self, key: str) -> Trial:
        return next(trial for trial in self.trials if trial.key == key)


def campaign(
    roadmap: Roadmap,
    seed: int = 0,
    loss: Loss = smooth_loss,
    ends: Ends = all_complete,
    answer: Answer = estimated,
) -> Iterator[Played]:
    """Each phase played to its end; stops after one that cannot be finished."""
    rng = random.Random(seed)
    handoff, number = roadmap.first_handoff, 0
    for phase in roadmap.phases:
        played = Played(phase, Before(roadmap.objective.goal, handoff))
        _play(roadmap, played, number, rng, loss, ends, answer)
        number += len(played.trials)
        yield played
        if played.decision.handoff is None:
            return
        # As a run does it: through the ledger.
        handoff = handoffs.from_json(json.loads(canonical_json(handoffs.to_json(played.handoff))))


def _play(
    roadmap: Roadmap,
    played: Played,
    number: int,
    rng: random.Random,
    loss: Loss,
    ends: Ends,
    answer: Answer,
) -> None:
    while True:
        decision = decide(played.phase, played.before, tuple(played.trials))
        assert decision.needs[: len(played.needs)] == played.needs, "a need changed or vanished"
        assert decision == decide(played.phase, played.before, tuple(played.trials)), "not a pure function"
        for need in decision.needs[len(played.needs) :]:
            number += 1
            space = decision.search.space if decision.search else None
            drawn = sample(space or played.before.handoff.space, rng)
            setup = drawn if need.setup is None else dict(need.setup)
            played.trials.append(_planned(f"t{number}", need, setup))
        played.needs, played.decision = decision.needs, decision
        if decision.handoff is not None or decision.failure is not None:
            return
        if decision.question is not None:
            # As a run does it: through the ledger.
            told = json.loads(canonical_json(answer(decision.question)))
            played.before = replace(played.before, estimates=(*played.before.estimates, told))
            continue
        waiting = [at for at, trial in enumerate(played.trials) if trial.outcome is None]
        assert waiting, "the phase waits for nothing"
        at = rng.choice(waiting)
        played.trials[at] = _ended(roadmap, played, at, loss, ends)


def _planned(name: str, need: Need, setup: Setup) -> Trial:
    return Trial(name, 0, need.key, setup, need.repetition, need.name, need.parent, horizon=need.horizon)


def _ended(roadmap: Roadmap, played: Played, at: int, loss: Loss, ends: Ends) -> Trial:
    trial, need = played.trials[at], played.needs[at]
    outcome = ends(played.phase, need)
    parent = next((t.curve for t in played.trials if t.id == need.parent), ())
    curve = _curve(roadmap, need, trial, parent, loss)
    if outcome is not Outcome.COMPLETED:
        curve = curve[: len(curve) // 2]
    return replace(trial, outcome=outcome, curve=curve if need.split else (), epochs_done=len(curve))


def _curve(roadmap: Roadmap, need: Need, trial: Trial, parent: Curve, loss: Loss) -> Curve:
    """The whole curve from the first epoch on, ended by the declared rules."""
    curve = list(parent)
    rules = rules_of(roadmap, need.epochs, need.stop)
    sign = 1 if roadmap.objective.goal == "min" else -1
    for epoch in range(len(parent) + 1, need.epochs + 1):
        curve.append((epoch, sign * loss(trial.setup, trial.repetition, epoch)))
        if first_to_fire(rules, Progress(epoch, curve, 0.0)):
            break
    return tuple(curve)


def sample(space: Space, rng: random.Random) -> dict[str, object]:
    """A random set-up of the space."""
    values: dict[str, Any] = {}
    for h in space:
        if isinstance(h, Choice):
            values[h.name] = rng.choice(h.options)
        elif not isinstance(h, Fixed):
            values[h.name] = h.given(values).from_unit(rng.random())
    return space.active(values)


def kinds(played: Sequence[Played]) -> list[str]:
    return [one.phase.kind for one in played]
