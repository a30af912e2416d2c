"""How many set-ups are kept: the best ones, and those that noise cannot separate from the last of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from staycourse.core.handoff import Ranked
from staycourse.core.noise import of_one_seed
from staycourse.core.paired import LEVEL, difference
from staycourse.core.ranking import values_at_best
from staycourse.core.trial import Trial

_Z = 1.96


def kept_with_ties(
    places: Sequence[Ranked], trials: Sequence[Trial], keep: int, at_most: int, before: Mapping[str, Any]
) -> tuple[int, dict[str, Any]]:
    """How many of `places`, best first, are kept, and what it was judged by, as JSON values.

    A further set-up is kept as long as the 95% interval of its difference to the `keep`-th place holds zero.
    With several seeds by their paired differences; with one by the curves' own jitter, or the noise that the
    phase before has found (`before`, its findings) where that is larger.
    """
    if len(places) <= keep or at_most <= keep:
        return min(keep, len(places)), {}
    values = [values_at_best(place, trials) for place in places]
    noise = of_one_seed(trials, before)
    count = keep
    while count < min(at_most, len(places)):
        found = difference(values[keep - 1], values[count], values)
        if found is None or (p := found.p()) is None:
            gap = abs(places[count].score - places[keep - 1].score)
            if noise is None or gap > _Z * math.sqrt(2) * noise:
                break
        elif p <= LEVEL:
            break
        count += 1
    said: dict[str, Any] = {"kept": count, "of": keep, "at_most": at_most}
    said["by"] = "seeds" if any(len(each) > 1 for each in values) else "curves"
    said["noise"] = noise if said["by"] == "curves" else None
    return count, said
