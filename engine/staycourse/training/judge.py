"""What an epoch's values mean: whether a rule ends the trial, and whether the epoch is the best so far."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from staycourse.core.job import Job
from staycourse.core.metric_names import resolve
from staycourse.core.problems import UserError, nearest
from staycourse.core.rules import Ending, Progress, first_to_fire
from staycourse.training.state import Curve, is_better
from staycourse.training.validation import VAL_LOSS


class Judge:
    """The declared rules and the objective of a job."""

    def __init__(self, job: Job, has_validation: bool) -> None:
        self._job = job
        self._has_validation = has_validation
        self._rules = job.rules()

    def verdict(self, epoch: int, curves: Mapping[str, Curve], seconds: float) -> Ending | None:
        """The ending of the first rule that fires after `epoch` epochs."""
        return first_to_fire(self._rules, Progress(epoch, self._stop_curve(curves), seconds))

    def beats(self, values: Mapping[str, float], best: float | None) -> float | None:
        """The objective's value if it beats the best so far; raises UserError if it is not reported."""
        value = values[reported_as(self._job.metric, values)]
        return value if is_better(value, best, self._job.goal) else None

    def _stop_curve(self, curves: Mapping[str, Curve]) -> Curve:
        """The curve that the declared `stop` watches; none where nothing is validated."""
        if not self._has_validation or VAL_LOSS not in curves:
            return []
        return curves[reported_as(self._job.stop_metric, curves)]


def extended(curves: Mapping[str, Curve], epoch: int, values: Mapping[str, float]) -> dict[str, Curve]:
    """The curves with an epoch's values added."""
    return {**curves, **{name: [*curves.get(name, []), (epoch, value)] for name, value in values.items()}}


def reported_as(name: str, reported: Iterable[str]) -> str:
    """The reported metric that the roadmap means; raises UserError if none is."""
    known = list(reported)
    found = resolve(name, known)
    if found is None:
        raise UserError(f"the metric '{name}' is never reported ({nearest(name, known)})")
    return found
