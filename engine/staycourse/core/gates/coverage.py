"""Whether there were enough trials for the dimensions of the space."""

from __future__ import annotations

from typing import ClassVar

from staycourse.core.gates import Closing, Finding, Level, rounded
from staycourse.core.space import Choice, Hyperparameter, Interval, Space, format_value, same

# A curve along each dimension by itself has two coefficients each, and one for all of them: with fewer
# trials than that, not even a bend along every single dimension can be told.
_LEAST_A_DIMENSION = 2
# Ten trials a dimension is the rule for a model of a computer experiment (Loeppky, Sacks and Welch, Choosing
# the sample size of a computer experiment, 2009), and about what the playbook advises for Adam's
# hyperparameters. Half of it draws a note: a search that looks where it is good needs fewer.
_RULE = 10


class Coverage:
    """Too few points for the dimensions. A choice counts as one dimension for each option but the first; a
    hyperparameter that exists under some options only counts like any other."""

    NAME: ClassVar[str] = "points for the dimensions"
    KINDS: ClassVar[frozenset[str]] = frozenset({"probe", "narrow"})

    def look(self, closing: Closing) -> list[Finding]:
        space = closing.before.handoff.space
        scored = sum(trial.score(closing.goal) is not None for trial in closing.trials)
        dimensions = sum(_dimensions(h) for h in space)
        unseen = _unseen(closing, space)
        figures = {"scored": scored, "dimensions": dimensions, "untried": unseen}
        if not dimensions:
            return [Finding(self.NAME, "fine", "nothing was open to search", figures=figures)]
        figures["each"] = rounded(scored / dimensions)
        said = f"{scored} trials with a score for {dimensions} dimensions, {scored / dimensions:.1f} each"
        if unseen:
            said += f"; without a single score: {', '.join(unseen)}"
        is_thin = scored < _LEAST_A_DIMENSION * dimensions + 1
        if not unseen and not is_thin and scored >= _RULE / 2 * dimensions:
            return [Finding(self.NAME, "fine", said, figures=figures)]
        means = "good regions may have been missed, and what mattered can be told roughly at best"
        change = f"about {_RULE * dimensions} trials, or fewer hyperparameters open at a time"
        # A probe looks at training, not for the best: few points are its nature.
        level: Level = "warning" if is_thin and closing.phase.kind != "probe" else "note"
        return [Finding(self.NAME, level, said, means, change, figures)]


def _dimensions(h: Hyperparameter) -> int:
    if isinstance(h, Choice):
        return len(h.options) - 1
    return int(isinstance(h, Interval) and h.high > h.low)


def _unseen(closing: Closing, space: Space) -> list[str]:
    """Options without a trial that has a score, `optimizer sgd`."""
    return [
        f"{h.name} {format_value(option)}"
        for h in space
        if isinstance(h, Choice)
        for option in h.options
        if not any(
            h.name in course.setup and same(course.setup[h.name], option) for course in closing.courses
        )
    ]
