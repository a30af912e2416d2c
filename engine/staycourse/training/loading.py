"""Batches of an epoch, in its order, from any batch on, by the data path that is fastest.

Neither the path, nor the number of workers, nor where an epoch was resumed changes a single batch, so that
all of it may change while a trial is under way.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from typing import Any

from staycourse.training.data import Data
from staycourse.training.fetching import TRAIN, VALIDATION, VALIDATION_EPOCH
from staycourse.training.ordering import training_order, validation_order
from staycourse.training.plan import Plan, training_batches
from staycourse.training.randomness import Randomness
from staycourse.training.sources.base import Source
from staycourse.training.tuning import WorkerTuner


class Loader:
    """Batches of a trial's data, collated. `limit` is the most batches of a pass, for a miniature;
    `epoch_steps` the updates of an epoch of data without an end.

    With a `tuner`, `made_with` makes the source with another number of workers; `has_changed` tells that
    what `batches` has given comes from a source that is not in use any more.
    """

    def __init__(
        self,
        data: Data,
        randomness: Randomness,
        source: Source,
        *,
        limit: int | None = None,
        epoch_steps: int | None = None,
        tuner: WorkerTuner | None = None,
        made_with: Callable[[int], Source] | None = None,
    ) -> None:
        self._data, self._randomness, self._limit = data, randomness, limit
        self._source, self._epoch_steps = source, epoch_steps
        self._tuner, self._made_with = tuner, made_with
        self.has_changed = False

    @property
    def path(self) -> str:
        return self._source.PATH

    @property
    def workers(self) -> int:
        return self._source.workers

    @property
    def pin_memory(self) -> bool:
        return self._source.pin_memory

    @property
    def will_fork(self) -> bool:
        """Whether the next batches are asked of processes that are not there yet."""
        return self._source.will_fork

    @property
    def facts(self) -> dict[str, Any]:
        """How batches are made, for the record; `worker_rates` are samples/s by number of workers."""
        rates = self._tuner.rates if self._tuner is not None else {}
        return {
            "data_path": self.path,
            "loader_workers": self.workers,
            "pin_memory": self.pin_memory,
            "worker_rates": {str(number): round(rate, 1) for number, rate in sorted(rates.items())},
        }

    def training_plan(self, epoch: int, batch_size: int, at_once: int | None = None) -> Plan:
        """The updates of epoch `epoch` (from 1)."""
        if self._data.is_stream:
            return self._stream_plan(epoch, batch_size, at_once)
        count = len(self._data.train)
        batches = training_batches(count, batch_size)
        order, blocks = training_order(self._data.train, self._randomness, epoch)
        return Plan(TRAIN, epoch, order, batch_size, self._limited(batches), at_once, blocks)

    def _stream_plan(self, epoch: int, batch_size: int, at_once: int | None) -> Plan:
        """An epoch of data without an order: whole updates, as many as it counts."""
        count = len(self._data.train)
        batches = self._limited(self._epoch_steps or math.ceil(count / batch_size))
        return Plan(TRAIN, epoch, range(batches * batch_size), batch_size, batches, at_once)

    def validation_plan(self, batch_size: int) -> Plan:
        """The batches of the validation part, in its own order."""
        assert self._data.validation is not None
        count = len(self._data.validation)
        batches = self._limited(math.ceil(count / batch_size))
        order, blocks = validation_order(self._data.validation)
        return Plan(VALIDATION, VALIDATION_EPOCH, order, batch_size, batches, None, blocks)

    def batches(self, plan: Plan, start: int = 0) -> Iterator[Any]:
        """The plan's passes from update `start` on; one iteration at a time."""
        self.has_changed = False
        return self._source.batches(plan, start)

    @contextlib.contextmanager
    def beside(self, plan: Plan) -> Iterator[Iterator[Any]]:
        """The plan's passes for an iteration beside the one that is under way."""
        source = self._source.beside()
        try:
            yield source.batches(plan)
        finally:
            if source is not self._source:
                source.close()

    def observe(self, steps: int, samples: int, seconds: float, waited: float) -> None:
        """Take note of what was trained, and of the seconds of it that were spent waiting for data."""
        if self._tuner is None or self._made_with is None:
            return
        workers = self._tuner.observe(steps, samples, seconds, waited)
        if workers is not None:
            self._take(self._made_with(workers))

    def use(self, source: Source) -> None:
        """Go on with another source, the number of workers no longer in question."""
        self._tuner = None
        self._take(source)

    def death(self, patience: float = 0.0) -> int | None:
        """How a process of the source has died (see Source)."""
        return self._source.death(patience)

    def close(self) -> None:
        """End the source's processes."""
        self._source.close()

    def _take(self, source: Source) -> None:
        self._source.close()
        self._source, self.has_changed = source, True

    def _limited(self, batches: int) -> int:
        return batches if self._limit is None else min(batches, self._limit)
