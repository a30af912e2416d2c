"""Whether the allowed length fits: where in it the best epochs lie."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from staycourse.core.courses import Course
from staycourse.core.gates import Closing, Finding, Level
from staycourse.core.trends import arrival, costs, descent, jitter

# The playbook's own figures, from "Deciding how long to train when training is not compute-bound": best
# always in the first 10% is far too long, best consistently in the last 25% may be too short.
_EARLY, _LATE = 0.1, 0.75
# "Consistently": so many of the best few.
_MOST_OF_THEM = 2 / 3
# A best value that was there before to within a hundredth of the way down was not waited for. Nor was one
# that is better by jitter only: the best of many lies some two standard deviations below what is typical.
_TOLERANCE, _JITTERS = 0.01, 3.0
# Shorter trainings have no first tenth, or no last quarter.
_LEAST_EARLY, _LEAST_LATE = 10, 4


class BestEpoch:
    """Best epoch in the first tenth or in the last quarter of the allowed length, of the best few.

    For the last quarter it counts when a curve first was as good as at its best, to within its jitter: the
    minimum of a flat curve that jitters lies there once in four times.
    """

    NAME: ClassVar[str] = "best epoch"
    KINDS: ClassVar[frozenset[str]] = frozenset({"probe", "narrow", "grid", "confirm", "compare"})

    def look(self, closing: Closing) -> list[Finding]:
        few = closing.best_few
        allowed = few[0].allowed
        if allowed < _LEAST_LATE:
            return [Finding(self.NAME, "cannot tell", f"{allowed} epochs are too few to have parts")]
        epochs = [course.epoch for course in few]
        late = sum(_arrival(course, closing.goal) > _LATE * allowed for course in few)
        figures = {"epochs": epochs, "allowed": allowed, "late": late, "of": len(few)}
        where = f"epoch {', '.join(map(str, epochs))} of {allowed} allowed"
        said = f"the best {len(few)} set-ups were best at {where}" if len(few) > 1 else f"best at {where}"
        if allowed >= _LEAST_EARLY and max(epochs) <= _EARLY * allowed:
            level, means, change = _early(few)
        elif late >= _MOST_OF_THEM * len(few):
            level, means, change = _too_late(closing)
        else:
            return [Finding(self.NAME, "fine", said, figures=figures)]
        return [Finding(self.NAME, level, said, means, change, figures)]


def _early(few: Sequence[Course]) -> tuple[Level, str, str]:
    """A rule that ended the trials has saved most of what was too much."""
    was_saved = all(course.done <= course.allowed / 2 for course in few)
    means = "the length is far too great, so schedules made for it have hardly begun; or training overfits"
    change = "allow fewer epochs, or regularise more if the curves rise again"
    return "note" if was_saved else "warning", means, change


def _too_late(closing: Closing) -> tuple[Level, str, str]:
    if closing.is_until_convergence:
        means = "training was cut off before it had converged, or nearly so"
        return "warning", means, "allow more epochs, and stretch or retune the schedules with them"
    means = "these trainings were short, so set-ups that learn quickly stand better than they may at the end"
    return "note", means, "if the later, longer phases rank them otherwise, allow more epochs here"


def _arrival(course: Course, goal: str) -> int:
    values = costs(course.curve, goal)
    luck = _JITTERS * jitter(values[len(values) // 2 :])
    return arrival(course.curve, values, max(_TOLERANCE * descent(values), luck))
