"""Whether curves jitter so much late in training that luck decides between set-ups."""

from __future__ import annotations

import statistics
from typing import ClassVar

from staycourse.core.gates import Closing, Finding, rounded
from staycourse.core.trends import jitter, late

# Between set-ups that are all alike it is about one standard deviation of the jitter from the best score to
# the middle one, as each score is the best of ten to forty values (0.5 to 1.3 for two to twenty-four set-ups,
# by simulation). So at a half, half of the difference may be luck, and at a fifth, a fifth of it.
_WARNING, _NOTE = 0.5, 0.2


class Jitter:
    """Variance late in training, measured by the difference between set-ups: that from the best one to the
    middle one of all that the phase has compared."""

    NAME: ClassVar[str] = "variance late in training"
    KINDS: ClassVar[frozenset[str]] = frozenset({"probe", "narrow", "grid", "confirm", "compare"})

    def look(self, closing: Closing) -> list[Finding]:
        parts = [late([value for _, value in course.curve]) for course in closing.best_few]
        late_parts = [part for part in parts if part]
        if not late_parts or len(closing.whole) < 2:
            said = "one set-up alone" if late_parts else "the curves are too short to have a late part"
            return [Finding(self.NAME, "cannot tell", said)]
        own = statistics.median(jitter(part) for part in late_parts)
        best = closing.whole[0].score
        gap = statistics.median(abs(course.score - best) for course in closing.whole[1:])
        figures = {"jitter": rounded(own), "difference": rounded(gap)}
        said = (
            f"values jitter by {own:.2g} (standard deviation) from epoch to epoch late in training, and from "
            f"the best to the middle set-up it is {gap:.2g}"
        )
        if own <= _NOTE * gap:
            return [Finding(self.NAME, "fine", said, figures=figures)]
        means = "a best value is partly luck with its epoch"
        change = (
            "let the learning rate fall at the end, take larger batches, more validation data or more seeds"
        )
        if own >= _WARNING * gap:
            means = "luck with the epoch may have decided between set-ups as much as the set-ups have"
            return [Finding(self.NAME, "warning", said, means, change, figures)]
        return [Finding(self.NAME, "note", said, means, change, figures)]
