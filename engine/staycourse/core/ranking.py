"""Rankings: of single trials, and of set-ups over their seeds."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence

from staycourse.core.best_values import BestValues, learned
from staycourse.core.canonical import canonical_json
from staycourse.core.handoff import Ranked
from staycourse.core.space import Space, Value
from staycourse.core.trial import Curve, Trial, best_point, rank


def ranked_trials(trials: Iterable[Trial], goal: str) -> list[Ranked]:
    """One place a trial, best first; trials without a score have none."""
    places = []
    for trial in rank(trials, goal):
        best = trial.best(goal)
        assert best is not None
        places.append(Ranked(trial.setup, best[1], (trial.id,), best[0], None, trial.name))
    return places


def distinct(places: Iterable[Ranked]) -> list[Ranked]:
    """The best place of each set-up: a search in a small space proposes one more than once."""
    best: dict[str, Ranked] = {}
    for place in places:
        best.setdefault(canonical_json(place.setup), place)
    return list(best.values())


def ranked_setups(trials: Iterable[Trial], goal: str) -> list[Ranked]:
    """One place a set-up, by the mean curve over its seeds, best first.

    The best epoch is that of the mean curve, over the epochs that every seed has reached: single curves
    are best where their noise was lucky. A set-up of which a seed has failed stands behind all of which none
    has, ranked there by its others: the seeds that survive are not the typical ones, and what fails one time
    in three is no set-up to build on. One without any score has no place.
    """
    places, broken = [], set[str]()
    for group in _by_setup(trials):
        scored = [trial for trial in group if trial.score(goal) is not None]
        best = best_point(mean_curve([trial.curve for trial in scored]), goal)
        if best is None:
            continue
        at_best = [dict(trial.curve)[best[0]] for trial in scored]
        spread = statistics.stdev(at_best) if len(at_best) > 1 else None
        ids = tuple(trial.id for trial in scored)
        places.append(Ranked(group[0].setup, best[1], ids, best[0], spread, group[0].name))
        broken |= set(ids) if len(scored) < len(group) else set()
    sign = 1.0 if goal == "min" else -1.0
    return sorted(places, key=lambda place: (place.trials[0] in broken, sign * place.score))


def values_at_best(place: Ranked, trials: Iterable[Trial]) -> dict[int, float]:
    """The place's value at its best epoch for each of its repetitions."""
    own = [trial for trial in trials if trial.id in place.trials]
    return {trial.repetition: dict(trial.curve)[place.epoch] for trial in own}


def mean_curve(curves: Sequence[Curve]) -> Curve:
    """Mean value at each epoch that all curves have, with a finite value."""
    if not curves:
        return ()
    tables = [dict(curve) for curve in curves]
    epochs = [epoch for epoch, _ in curves[0] if all(epoch in table for table in tables)]
    means = [(epoch, statistics.fmean(table[epoch] for table in tables)) for epoch in epochs]
    return tuple((epoch, mean) for epoch, mean in means if math.isfinite(mean))


def best_values(trials: Iterable[Trial], goal: str, space: Space, before: Mapping[str, Value]) -> BestValues:
    """For each hyperparameter its value in the best set-up in which it exists, else what was known."""
    return learned((trial.setup for trial in rank(trials, goal)), space, before)


def _by_setup(trials: Iterable[Trial]) -> list[list[Trial]]:
    groups: dict[str, list[Trial]] = {}
    for trial in trials:
        groups.setdefault(trial.name + canonical_json(trial.setup), []).append(trial)
    return list(groups.values())
