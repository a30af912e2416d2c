"""The leader of a ranking against each other set-up, seed by seed: the evidence beside a ranking."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from staycourse.core.handoff import Ranked
from staycourse.core.paired import BETTER, CANNOT_TELL, LEVEL, difference, pairs_of
from staycourse.core.ranking import values_at_best
from staycourse.core.trial import Trial


def versus(places: Sequence[Ranked], trials: Sequence[Trial]) -> list[dict[str, Any]]:
    """For each place but the first: `difference` of its mean to the leader's over the seeds that both have,
    its `interval` (95%, all differences at once), `p`, `seeds`, and the `verdict` on the leader.

    None where one seed leaves nothing to judge by. A set-up that stands behind for a failed seed is judged
    by the seeds that it has.
    """
    values = [values_at_best(place, trials) for place in places]
    family = pairs_of(len(places))
    return [_row(place, values, at, family) for at, place in enumerate(places) if at]


def _row(place: Ranked, values: Sequence[dict[int, float]], at: int, family: int) -> dict[str, Any]:
    found = difference(values[0], values[at], values)
    p = found.p(family) if found else None
    interval = found.interval(family) if found else None
    return {
        "trials": list(place.trials),
        "difference": found.mean if found else None,
        "interval": list(interval) if interval else None,
        "p": p,
        "seeds": found.seeds if found else 0,
        "verdict": BETTER if p is not None and p <= LEVEL else CANNOT_TELL,
    }
