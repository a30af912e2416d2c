"""The trainings of a phase by set-up, as its gates look at them: one curve each, the mean over its seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from staycourse.core.canonical import canonical_json
from staycourse.core.ranking import mean_curve
from staycourse.core.space import Value
from staycourse.core.trial import Curve, Trial, best_point


@dataclass(frozen=True)
class Course:
    """How the training of one set-up went, over its seeds.

    `curve` is the mean curve, `epoch` and `score` its best point, `allowed` the epochs that its trials may
    take, `done` those that all of them have taken.
    """

    setup: Mapping[str, Value]
    trials: tuple[str, ...]
    curve: Curve
    epoch: int
    score: float
    allowed: int
    done: int

    @property
    def name(self) -> str:
        """`t4`, or `t4 and 2 more` where there are several seeds."""
        more = f" and {len(self.trials) - 1} more" if len(self.trials) > 1 else ""
        return f"{self.trials[0]}{more}"


def courses(trials: Sequence[Trial], allowed: Mapping[str, int], goal: str) -> tuple[Course, ...]:
    """One course for each set-up with a score; first those that were allowed the most epochs, each best
    first. `allowed` has the epochs by the trial's key. A trial that another one took up is part of that."""
    scored = [trial for trial in trials if trial.score(goal) is not None and trial.key in allowed]
    taken_up = {trial.parent for trial in scored if trial.parent}
    groups: dict[str, list[Trial]] = {}
    for trial in scored:
        if trial.id not in taken_up:
            groups.setdefault(trial.name + canonical_json(trial.setup), []).append(trial)
    found = [course for group in groups.values() if (course := _course(group, allowed, goal))]
    sign = 1.0 if goal == "min" else -1.0
    return tuple(sorted(found, key=lambda course: (-course.allowed, sign * course.score)))


def _course(group: Sequence[Trial], allowed: Mapping[str, int], goal: str) -> Course | None:
    curve = mean_curve([trial.curve for trial in group])
    best = best_point(curve, goal)
    if best is None:
        return None
    return Course(
        setup=group[0].setup,
        trials=tuple(trial.id for trial in group),
        curve=curve,
        epoch=best[0],
        score=best[1],
        allowed=max(allowed[trial.key] for trial in group),
        done=min(trial.epochs_done for trial in group),
    )
