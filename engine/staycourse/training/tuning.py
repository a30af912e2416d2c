"""How many loader workers a trial needs, found while it trains: what is tried changes no batch.

A number is timed for a moment; while steps still wait for data, more are tried, and the fastest is kept.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

# Waiting that is not worth another process, and a gain that is.
_FED, _GAIN = 0.03, 0.03
_LEAST_S, _LEAST_STEPS, _LONGEST_S = 2.5, 10, 15.0
_WARM_UP_S = 0.3


@dataclass
class WorkerTuner:
    """`workers` are in use, at most `most` of them worth trying; `rates` holds samples/s of each number that
    was timed."""

    workers: int
    most: int
    rates: dict[int, float] = field(default_factory=dict)
    is_settled: bool = False
    _warm: float = 0.0
    _steps: int = 0
    _samples: int = 0
    _seconds: float = 0.0
    _waited: float = 0.0

    def observe(self, steps: int, samples: int, seconds: float, waited: float) -> int | None:
        """Take note of steps that were made; another number of workers if one is to be tried or kept."""
        if self.is_settled:
            return None
        if self._warm < _WARM_UP_S or self._steps < 0:
            self._warm += seconds
            self._steps = min(0, self._steps + steps)
            return None
        self._steps += steps
        self._samples += samples
        self._seconds += seconds
        self._waited += waited
        is_enough = self._seconds >= _LEAST_S and self._steps >= _LEAST_STEPS
        return self._judge() if is_enough or self._seconds >= _LONGEST_S else None

    def _judge(self) -> int | None:
        rate, share = self._samples / self._seconds, self._waited / self._seconds
        before = max(self.rates.values(), default=0.0)
        self.rates[self.workers] = rate
        has_gained = rate > before * (1 + _GAIN)
        wanted = self._wanted(share) if share > _FED and has_gained else self.workers
        if wanted in self.rates:
            wanted, self.is_settled = self._best(), True
        return self._use(wanted) if wanted != self.workers else None

    def _wanted(self, share: float) -> int:
        """What would do if each worker did as much as those in use; without any, the trial fetched itself."""
        busy = max(share / (1 - share), 1.0) if self.workers == 0 else self.workers / max(1 - share, 0.1)
        return min(self.most, max(self.workers + 1, math.ceil(busy - 0.05)))

    def _best(self) -> int:
        """The smallest number that is as fast as the fastest."""
        fastest = max(self.rates.values())
        return min(number for number, rate in self.rates.items() if rate * (1 + _GAIN) >= fastest)

    def _use(self, workers: int) -> int:
        self.workers = workers
        # The first batches of new workers say how fast a process starts.
        self._warm, self._steps, self._samples = 0.0, -2 * (workers + 1), 0
        self._seconds = self._waited = 0.0
        return workers
