"""From the results of a search to a narrower space."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from staycourse.core.elimination import eliminate
from staycourse.core.space import Choice, Interval, Setup, Space, describe_range, format_value
from staycourse.core.trial import Trial, rank

# The best quarter of the trials, at least three, spans the new range; a tenth of the old one is added at
# both ends, because the best points of a finite sample lie inside the region that they come from.
_BEST_SHARE, _LEAST_TRIALS, _MARGIN = 0.25, 3, 0.1


def narrow(trials: Sequence[Trial], goal: str, space: Space) -> tuple[Space, dict[str, Any]]:
    """The narrower space, and the findings that say what became of each hyperparameter."""
    ranked = rank(trials, goal)
    best = ranked[: max(_LEAST_TRIALS, math.ceil(len(ranked) * _BEST_SHARE))]
    changed = [_narrower(h, best) for h in space.searched if isinstance(h, Interval)]
    choices = [h.name for h in space if isinstance(h, Choice)]
    narrowed, verdicts = eliminate(choices, trials, goal, space.with_(changed))
    findings = {
        "ranges": [change for h in changed for change in _changes(space.get(h.name), h, narrowed)],
        "from_trials": [trial.id for trial in best],
        "elimination": verdicts,
    }
    return narrowed, findings


def _narrower(h: Interval, best: Sequence[Trial]) -> Interval:
    """Each pair of bounds by the trials under it."""
    by = []
    for bounds in h.by:
        under = [trial for trial in best if h.bounds_under(trial.setup) is bounds]
        new = _narrower_range(h.given({bounds.on: bounds.option}), under)
        by.append(replace(bounds, low=new.low, high=new.high))
    others = [trial for trial in best if h.bounds_under(trial.setup) is None]
    return replace(_narrower_range(h.given({}), others), by=tuple(by))


def _narrower_range(h: Interval, best: Sequence[Trial]) -> Interval:
    values = [float(trial.setup[h.name]) for trial in best if h.name in trial.setup]
    if not values:
        return h
    least, most = min(values), max(values)
    low = float(h.from_unit(h.to_unit(least) - _MARGIN))
    high = float(h.from_unit(h.to_unit(most) + _MARGIN))
    if h.integer:
        return replace(h, low=int(low), high=int(high)) if low < high else h
    short_low, short_high = max(h.low, float(f"{low:.3g}")), min(h.high, float(f"{high:.3g}"))
    # Where three digits are too few for the range, they would cut into it.
    is_close = abs(short_low - low) + abs(short_high - high) <= (high - low) * _MARGIN
    if is_close and short_low <= least and most <= short_high:
        return replace(h, low=short_low, high=short_high)
    return replace(h, low=min(low, least), high=max(high, most))


def _changes(old: Any, new: Interval, narrowed: Space) -> Iterator[dict[str, Any]]:
    """What became of each of the ranges that are left: one, unless the bounds depend on an option."""
    for option, to in narrowed.ranges(new).items():
        under = {} if option is None or new.depends_on is None else {new.depends_on: option}
        yield _change(old.given(under), to, under)


def _change(old: Interval, new: Interval, under: Setup) -> dict[str, Any]:
    touches = [side for side, is_at in (("low", new.low <= old.low), ("high", new.high >= old.high)) if is_at]
    where = "".join(f" with {on} {format_value(option)}" for on, option in under.items())
    words = f"{old.name} {describe_range(old)} became {describe_range(new)}{where}"
    return {
        "name": old.name,
        "under": dict(under),
        "from": [old.low, old.high],
        "to": [new.low, new.high],
        "at_bound": touches,
        "words": words,
    }
