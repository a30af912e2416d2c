"""What the winner of a comparison will give, with the luck of having been picked taken out."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from staycourse.core.handoff import Ranked
from staycourse.core.paired import LEVEL, Values, interaction
from staycourse.core.ranking import mean_curve
from staycourse.core.student import quantile
from staycourse.core.trial import Trial, best_point

_Curves = Mapping[int, Mapping[int, float]]  # repetition -> epoch -> value


def expected(places: Sequence[Ranked], trials: Sequence[Trial], goal: str) -> dict[str, Any] | None:
    """The winner's expected value for a new seed at its best epoch, as JSON values; None for one seed.

    `value` has two kinds of luck taken out, which make the smallest of several means too good: over epochs
    (the best one was read off the same curves) and over set-ups (the winner was chosen by the same values).
    For each seed, epoch and winner are chosen by the other seeds alone and read on the one left out, the mean
    of which has no such luck in it; `optimism` is its difference to the winner's score (Tibshirani and
    Tibshirani: A bias correction for the minimum error rate in cross-validation, 2009; Cawley and Talbot: On
    over-fitting in model selection, 2010). `low` and `high` are its 95% interval: the noise of a mean over
    seeds, from all set-ups that have them all, with Satterthwaite's degrees of freedom (1946), since what a
    seed does to all set-ups alike is known only as often as there are seeds; and that of the luck taken out.
    """
    sign = 1.0 if goal == "min" else -1.0
    full = [each for each in (_curves(place, trials) for place in places) if each]
    seeds = sorted(set(full[0])) if full else []
    if len(seeds) < 2:
        return None
    rivals = [curves for curves in full if set(seeds) <= set(curves)]
    held_out = [_held_out(rivals, seed, seeds, goal) for seed in seeds]
    known = [value for value in held_out if value is not None]
    at_best = _at(full[0], seeds, goal)
    luck = [held - at_best[seed] for seed, held in zip(seeds, held_out, strict=True) if held is not None]
    value = statistics.fmean(known) if known else places[0].score
    # No choice makes a value look worse than it is: what says so is noise.
    value = sign * max(sign * value, sign * places[0].score)
    error, df = _error([_at(curves, seeds, goal) for curves in rivals], len(seeds))
    if len(luck) > 1:  # the luck that is taken out is an estimate too
        error = math.hypot(error, math.sqrt(statistics.variance(luck) / len(luck)))
    reach = quantile(1 - LEVEL / 2, df) * error
    return {
        "value": value,
        "low": value - reach,
        "high": value + reach,
        "optimism": abs(value - places[0].score),
        "seeds": len(seeds),
        "set_ups": len(rivals),
    }


def flat_epochs(winner: Ranked, trials: Sequence[Trial], goal: str, noise: float | None) -> dict[str, Any]:
    """The span of epochs around the best one whose mean is as good within the standard error of the best,
    as JSON values; `noise` stands in for the spread where there is one seed."""
    sign = 1.0 if goal == "min" else -1.0
    curve = mean_curve([t.curve for t in trials if t.id in winner.trials])
    spread = winner.spread if winner.spread is not None else noise or 0.0
    error = spread / math.sqrt(len(winner.trials))
    epochs = [epoch for epoch, _ in curve]
    at = epochs.index(winner.epoch)
    is_good = [sign * (value - winner.score) <= error for _, value in curve]
    first = last = at
    while first > 0 and is_good[first - 1]:
        first -= 1
    while last + 1 < len(epochs) and is_good[last + 1]:
        last += 1
    return {"first": epochs[first], "last": epochs[last], "best": winner.epoch, "error": error}


def _curves(place: Ranked, trials: Sequence[Trial]) -> _Curves:
    return {trial.repetition: dict(trial.curve) for trial in trials if trial.id in place.trials}


def _held_out(rivals: Sequence[_Curves], seed: int, seeds: Sequence[int], goal: str) -> float | None:
    """The value with this seed of what the others would have chosen."""
    sign = 1.0 if goal == "min" else -1.0
    choices = []
    for curves in rivals:
        others = mean_curve([tuple(curves[other].items()) for other in seeds if other != seed])
        usable = [
            (epoch, value) for epoch, value in others if math.isfinite(curves[seed].get(epoch, math.nan))
        ]
        if best := best_point(usable, goal):
            choices.append((sign * best[1], curves[seed][best[0]]))
    return min(choices, key=lambda choice: choice[0])[1] if choices else None


def _at(curves: _Curves, seeds: Sequence[int], goal: str) -> Values:
    """The set-up's values at the best epoch of its mean curve."""
    best = best_point(mean_curve([tuple(curves[seed].items()) for seed in seeds]), goal)
    return {seed: curves[seed][best[0]] for seed in seeds} if best else {}


def _error(values: Sequence[Values], seeds: int) -> tuple[float, float]:
    """Standard error of a mean over the seeds, and its degrees of freedom."""
    known = [each for each in values if each]
    means = [statistics.fmean(each[seed] for each in known) for seed in sorted(known[0])]
    shared = len(known) * statistics.variance(means) * (seeds - 1)
    variance, df = interaction(known)
    squares, total = shared + variance * df, shared**2 / (seeds - 1) + (variance * df) ** 2 / max(df, 1)
    pooled = squares / (len(known) * (seeds - 1))
    return math.sqrt(pooled / seeds), max(seeds - 1.0, squares**2 / total if total else 0.0)
