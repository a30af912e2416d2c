"""Successive halving of a grid: which points are at which rung, and who goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from staycourse.core.phases.base import Need, all_ended
from staycourse.core.rules.halving import Halving
from staycourse.core.trial import Trial, rank


@dataclass(frozen=True)
class Climb:
    """The needs of all rungs known so far; once all have ended, the trials that reached the top, best first,
    and how each rung went, as JSON values."""

    needs: tuple[Need, ...]
    top: tuple[Trial, ...] | None = None
    rungs: tuple[dict[str, int], ...] = ()


def climb(
    points: Sequence[Need], halving: Halving, epochs: int, least: int, goal: str, trials: Sequence[Trial]
) -> Climb:
    """How far the `points` have come on their way to `epochs`; at least `least` of them go on at each rung.

    A point goes on as a trial of its own, from its last checkpoint. One that a rule has ended keeps its place
    with the best value that it has, and is not trained on.
    """
    heights = halving.rungs(epochs)
    here = all_needs = tuple(replace(point, epochs=heights[0]) for point in points)
    known = {trial.key: trial for trial in trials}
    said: list[dict[str, int]] = []
    standing: list[Trial] = []
    for number, height in enumerate(heights):
        if not all_ended(trials, here):
            return Climb(all_needs)
        standing = rank([*standing, *(known[need.key] for need in here)], goal)
        if number == len(heights) - 1:
            break
        count = halving.go_on(len(standing), least)
        said.append({"epochs": height, "trials": len(standing), "went_on": count})
        standing = standing[:count]
        going = [trial for trial in standing if trial.epochs_done >= height]
        standing = [trial for trial in standing if trial.epochs_done < height]
        here = tuple(_next(trial, points, number + 2, heights[number + 1]) for trial in going)
        all_needs += here
    return Climb(all_needs, tuple(standing), tuple(said))


def most_trials(count: int, halving: Halving, epochs: int, least: int) -> list[tuple[int, int]]:
    """(trials, epochs of each beyond the rung before) a rung, at most."""
    steps, before = [], 0
    for height in halving.rungs(epochs):
        steps.append((count, height - before))
        count, before = halving.go_on(count, least), height
    return steps


def _next(trial: Trial, points: Sequence[Need], rung: int, height: int) -> Need:
    """The trial with which a point goes on."""
    own = trial.key.partition("-rung-")[0]
    point = next(point for point in points if point.key == own)
    return replace(point, key=f"{own}-rung-{rung}", epochs=height, parent=trial.id)
