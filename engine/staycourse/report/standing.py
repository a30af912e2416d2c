"""Which set-up leads, and by how much, measured against what another seed does."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

from staycourse.core.handoff import Ranked
from staycourse.core.ranking import ranked_trials
from staycourse.core.state import RunStatus
from staycourse.report.facts import Facts
from staycourse.report.markdown import code


@dataclass(frozen=True)
class Standing:
    """Set-ups best first, as `phase` measured them (None: the run that was taken up). `is_handed_on`: that
    phase is closed."""

    phase: int | None
    places: tuple[Ranked, ...]
    is_handed_on: bool

    @property
    def best(self) -> Ranked:
        return self.places[0]


@dataclass(frozen=True)
class Gap:
    """How much better one set-up is than another. `spread` is the standard deviation of the difference
    over `seeds` seeds that both have, None for fewer than two; `wins` counts the seeds on which it is.
    Where the trials are an earlier run's there are no curves here, and so no seeds to compare."""

    difference: float
    spread: float | None
    seeds: int
    wins: int

    @property
    def is_clear(self) -> bool:
        """Whether the difference exceeds its own spread over seeds."""
        return self.spread is not None and self.difference > self.spread


def standing(facts: Facts) -> Standing | None:
    """By the last ranking handed on, else the last comparison, else the trials of the newest phase that
    has a score. None before there is any, and for an abandoned run, which ranks nothing."""
    if facts.status is RunStatus.ABANDONED:
        return None
    return _ranked(facts) or _compared(facts) or _scored(facts)


def gap(facts: Facts, better: Ranked, worse: Ranked) -> Gap:
    """Seed by seed: equal seeds see the same data in the same order, so what they share cancels out."""
    sign = 1.0 if facts.goal == "min" else -1.0
    own, others = _by_seed(facts, better), _by_seed(facts, worse)
    differences = [sign * (others[seed] - own[seed]) for seed in own if seed in others]
    spread = statistics.stdev(differences) if len(differences) > 1 else None
    mean = statistics.fmean(differences) if differences else sign * (worse.score - better.score)
    return Gap(mean, spread, len(differences), sum(each > 0 for each in differences))


def seeds_of(facts: Facts, place: Ranked) -> int:
    """How many trials with different seeds the place rests on."""
    trials = facts.state.trials
    return len({trials[t].plan.repetition if t in trials else t for t in place.trials})


def measured_in(facts: Facts, leading: Standing) -> str:
    """`phase 3 (grid)`, or the earlier run."""
    if leading.phase is not None:
        return facts.title(leading.phase)
    return code(facts.lineage.run) if facts.lineage else "an earlier run"


def _ranked(facts: Facts) -> Standing | None:
    handoffs = facts.state.handoffs
    if not handoffs or not handoffs[-1].ranking:
        return None
    places = handoffs[-1].ranking
    first = facts.state.trials.get(places[0].trials[0])
    return Standing(first.plan.phase if first else None, places, True)


def _compared(facts: Facts) -> Standing | None:
    for phase in reversed(range(len(facts.state.handoffs))):
        if rows := facts.state.handoffs[phase].findings.get("comparison"):
            places = [
                Ranked(r["setup"], r["score"], tuple(r["trials"]), r["epoch"], r["spread"], r["name"])
                for r in rows
            ]
            return Standing(phase, tuple(places), True)
    return None


def _scored(facts: Facts) -> Standing | None:
    for phase in reversed(range(len(facts.roadmap.phases))):
        places = ranked_trials([trial.trial() for trial in facts.state.trials_of(phase)], facts.goal)
        if places:
            return Standing(phase, tuple(places), False)
    return None


def _by_seed(facts: Facts, place: Ranked) -> dict[int, float]:
    """Value at the place's epoch by repetition."""
    found = {}
    for trial in place.trials:
        curve = dict(facts.curves.get(trial, ()))
        if place.epoch in curve:
            found[facts.state.trials[trial].plan.repetition] = curve[place.epoch]
    return found
