"""Whether the best set-ups still got better when their length was over."""

from __future__ import annotations

from typing import ClassVar

from staycourse.core.courses import Course
from staycourse.core.gates import Closing, Finding, rounded
from staycourse.core.trends import costs, descent, late, late_gain

# Still getting better: at more than this share of the pace of an even descent over the whole curve. It is
# where core.training_phases has a plateau end.
_PACE = 0.15
_MOST_OF_THEM = 2 / 3


class Improving:
    """Curves still improving at the end, of the best few that used up their allowed epochs; one that a rule
    has ended had stopped improving by that rule."""

    NAME: ClassVar[str] = "still improving at the end"
    KINDS: ClassVar[frozenset[str]] = frozenset({"probe", "narrow", "grid", "confirm", "compare"})

    def look(self, closing: Closing) -> list[Finding]:
        few = closing.best_few
        cut = [course for course in few if course.done >= course.allowed]
        if cut and not all(late(costs(course.curve, closing.goal)) for course in cut):
            said = f"{min(len(course.curve) for course in cut)} values a curve are too few to show a trend"
            return [Finding(self.NAME, "cannot tell", said)]
        gains = {course.trials[0]: gain for course in cut if (gain := _gain(course, closing.goal)) > 0}
        figures = {"improving": len(gains), "of": len(few), "shares": gains}
        said = f"{len(gains)} of the best {len(few)} set-ups were still improving when their epochs were over"
        if len(gains) < _MOST_OF_THEM * len(few):
            return [Finding(self.NAME, "fine", said, figures=figures)]
        said += (
            f" (the last quarter brought {', '.join(f'{gain:.1%}' for gain in gains.values())} of the way)"
        )
        if closing.is_until_convergence:
            means = "they had not converged: with more epochs the values, and their order, may change"
            change = "allow more epochs, or let the learning rate fall earlier"
            return [Finding(self.NAME, "warning", said, means, change, figures)]
        means = "the comparison is one of speed as much as of what is reached in the end"
        change = "allow more epochs here, unless later phases train until convergence and decide"
        return [Finding(self.NAME, "note", said, means, change, figures)]


def _gain(course: Course, goal: str) -> float:
    """What the late part of the curve brought, as a share of the whole descent; 0 if that is little."""
    values = costs(course.curve, goal)
    whole, gain = descent(values), late_gain(values)
    even = (len(late(values)) - 1) / (len(values) - 1)
    return rounded(gain / whole) if whole > 0 and gain / whole > _PACE * even else 0.0
