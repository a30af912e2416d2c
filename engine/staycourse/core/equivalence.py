"""Whether set-ups are as good as the leader within a margin that was declared ahead.

By two one-sided tests at 5% (Schuirmann: A comparison of the two one-sided tests procedure and the power
approach for assessing the equivalence of average bioavailability, 1987): both reject exactly where the 90%
interval of the difference lies within the margin on either side. That no difference was found would show
nothing: a few noisy seeds find none either.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from staycourse.core.handoff import Ranked
from staycourse.core.paired import LEVEL, difference, pairs_of
from staycourse.core.ranking import values_at_best
from staycourse.core.trial import Curve, Trial

NOT_SHOWN = "not shown to be equivalent"
NOT_PARTED = "the same training up to"


def equivalences(places: Sequence[Ranked], trials: Sequence[Trial], margin: float) -> list[dict[str, Any]]:
    """For each place but the first, as JSON values: the `margin`, the `interval` of its difference to the
    leader's over the seeds that both have (90%, all pairs of set-ups at once; None for fewer than two
    `seeds`), whether equivalence `is_shown`, and the `verdict` in words.

    Two schedules are the same training until one of them changes something: where the best epoch lies before,
    equal values say nothing of the schedules, and nothing is shown.
    """
    values = [values_at_best(place, trials) for place in places]
    family, leader = pairs_of(len(places)), _curves(places[0], trials)
    found = []
    for place, other in zip(places[1:], values[1:], strict=True):
        gap = difference(values[0], other, values)
        interval = gap.interval(family, 2 * LEVEL) if gap else None
        is_parted = leader != _curves(place, trials)
        is_shown = is_parted and interval is not None and -margin < interval[0] and interval[1] < margin
        equal = f"equivalent within {margin:g}" if is_shown else NOT_SHOWN
        found.append(
            {
                "margin": margin,
                "interval": list(interval) if interval else None,
                "seeds": gap.seeds if gap else 0,
                "is_shown": is_shown,
                "verdict": equal if is_parted else f"{NOT_PARTED} epoch {place.epoch}",
            }
        )
    return found


def _curves(place: Ranked, trials: Sequence[Trial]) -> dict[int, Curve]:
    """The curves of a place's repetitions up to its best epoch."""
    own = [trial for trial in trials if trial.id in place.trials]
    return {trial.repetition: tuple(p for p in trial.curve if p[0] <= place.epoch) for trial in own}
