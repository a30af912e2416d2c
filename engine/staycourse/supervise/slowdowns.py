"""What holds the running attempts up: judged from their meters now and then, and told once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from staycourse.core.events import SlowdownSeen
from staycourse.core.slowdowns import Slowdown, is_news, look
from staycourse.hardware.sampler import Reading
from staycourse.record.store import Store
from staycourse.supervise.attempt import Attempt

# Judging takes less than a millisecond, and a verdict needs several seconds of training anyway.
_AT_MOST_EVERY, _AT_LEAST_EVERY = 1.0, 5.0


class Slowdowns:
    """Judges attempts, and records what is news. A rehearsal is not judged: its few batches tell nothing."""

    def __init__(self, store: Store, now: Callable[[], float] = time.monotonic) -> None:
        self._store, self._now = store, now
        self._judged: dict[tuple[str, int], float] = {}

    def sample(self, readings: Iterable[Reading], running: Iterable[Attempt]) -> None:
        """Hand the sensors' newest readings to the attempts that they concern."""
        now = self._now()
        devices: dict[str, dict[str, float]] = {}
        for device, name, value in readings:
            devices.setdefault(device, {})[name] = value
        for attempt in running:
            gpu = attempt.slot.gpu
            own = devices.get(gpu.label, {}) if gpu else {}
            attempt.gauges.take_sensors(devices.get("cpu", {}), own, now)

    def look(self, running: Iterable[Attempt]) -> None:
        """Once in a turn of the loop, after the workers were heard: at an epoch's end, every few seconds, and
        once more when an attempt has said its last word."""
        sealed = self._store.state.sealed
        attempts = list(running)
        now = self._now()
        due = [attempt for attempt in attempts if self._is_due(attempt, now)]
        self._judged = {key: self._judged.get(key, now) for key in map(_key, attempts)}
        for attempt in due:
            self._judged[_key(attempt)] = now
            if sealed is not None and not sealed.rehearsal:
                self._judge(attempt)

    def _is_due(self, attempt: Attempt, now: float) -> bool:
        passed = now - self._judged.get(_key(attempt), now)
        is_at_epochs_end = attempt.gauges.has_news and (passed >= _AT_MOST_EVERY or attempt.last is not None)
        return is_at_epochs_end or passed >= _AT_LEAST_EVERY

    def _judge(self, attempt: Attempt) -> None:
        trial = self._store.state.trials[attempt.trial]
        told = {seen.slowdown: seen.share for seen in trial.slowdowns}
        for found in look(attempt.gauges.signs()):
            if is_news(found.share, told.get(found.kind)):
                self._store.append(_event(attempt, found))


def _key(attempt: Attempt) -> tuple[str, int]:
    return attempt.trial, attempt.number


def _event(attempt: Attempt, found: Slowdown) -> SlowdownSeen:
    return SlowdownSeen(
        trial=attempt.trial,
        attempt=attempt.number,
        epoch=attempt.gauges.epoch,
        slowdown=found.kind,
        text=found.text,
        share=found.share,
        figures=dict(found.figures),
    )
