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
from staycourse.core.trial import Trial

NOT_SHOWN = "not shown to be equivalent"


def equivalences(places: Sequence[Ranked], trials: Sequence[Trial], margin: float) -> list[dict[str, Any]]:
    """For each place but the first, as JSON values: the `margin`, the `interval` of its difference to the
    leader's over the seeds that both have (90%, all pairs of set-ups at once; None for fewer than two
    `seeds`), whether equivalence `is_shown`, and the `verdict` in words.
    """
    values = [values_at_best(place, trials) for place in places]
    family, found = pairs_of(len(places)), []
    for other in values[1:]:
        gap = difference(values[0], other, values)
        interval = gap.interval(family, 2 * LEVEL) if gap else None
        is_shown = interval is not None and -margin < interval[0] and interval[1] < margin
        found.append(
            {
                "margin": margin,
                "interval": list(interval) if interval else None,
                "seeds": gap.seeds if gap else 0,
                "is_shown": is_shown,
                "verdict": f"equivalent within {margin:g}" if is_shown else NOT_SHOWN,
            }
        )
    return found
