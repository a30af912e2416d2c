"""What the median rule compares a trial with: trials that have ended whoever was faster."""

from __future__ import annotations

from collections.abc import Sequence

from staycourse.core.fields import SearchStop
from staycourse.core.job import StopSpec
from staycourse.core.rules.median import medians
from staycourse.core.trial import Trial


def stop_spec(stop: SearchStop | None, earlier: Sequence[str], trials: Sequence[Trial]) -> StopSpec | None:
    """The rules of a trial; `earlier` are the keys of those that had ended when it was planned.

    It is compared with them once as many as the rule asks for have a curve.
    """
    if stop is None:
        return None
    if stop.median is None:
        return stop.spec()
    known = {trial.key: trial for trial in trials}
    curves = tuple(known[key].curve for key in earlier if key in known and known[key].curve)
    return stop.spec(medians(curves) if len(curves) >= stop.median.after else ())


def first_batch(stop: SearchStop | None, keys: Sequence[str], trials: Sequence[Trial]) -> int:
    """How many of the trials with these keys, planned all at once, may be planned now.

    Under the median rule the first ones are not compared; all others wait until these have ended, and are
    compared with these alone: whoever is faster after that, and on how many slots, changes nothing.
    """
    if stop is None or stop.median is None:
        return len(keys)
    ended = {trial.key for trial in trials if trial.outcome is not None}
    first = keys[: stop.median.after]
    return len(keys) if ended.issuperset(first) else len(first)
