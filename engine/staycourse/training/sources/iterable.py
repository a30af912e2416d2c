"""The stream path for data sets without an order: batches are made of what an IterableDataset gives.

Each epoch begins a new pass, told to a `set_epoch` if there is one; where a pass ends before the epoch does,
the next begins. What is drawn from the global generators comes from seeds of the pass, whoever reads it, and
a resumed epoch reads past what was used already. What the data set does beside that is its own affair.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import torch
from torch.utils.data import DataLoader, IterableDataset, default_collate

from staycourse.core.problems import UserError
from staycourse.core.seeds import mix
from staycourse.training.fetching import TRAIN, Collate, batch_seed, put_together
from staycourse.training.plan import Plan
from staycourse.training.randomness import Randomness, kept_states, seed_all
from staycourse.training.sources.base import ReaderSource, Source
from staycourse.training.threads import one_thread


class IterableSource(ReaderSource):
    """One reader at most: what several would give hangs on how the data set shares itself out.

    Batches of the validation part, which has a length and an order, come from `validation`.
    """

    PATH: ClassVar[str] = "stream"

    def __init__(
        self,
        dataset: Any,
        validation: Source | None,
        randomness: Randomness,
        collate: Collate | None,
        *,
        workers: int = 0,
        pin_memory: bool = False,
        worker_init: Callable[[int], None] | None = None,
    ) -> None:
        super().__init__(min(1, workers), pin_memory)
        self._dataset, self._validation = dataset, validation
        self._randomness, self._collate = randomness, collate or default_collate
        self._worker_init = worker_init

    @property
    def will_fork(self) -> bool:
        return self.workers > 0

    def batches(self, plan: Plan, start: int = 0) -> Iterator[Any]:
        if plan.part != TRAIN:
            assert self._validation is not None
            return self._validation.batches(plan, start)
        self.close()
        passes = _Passes(self._dataset, self._collate, plan, start, self._randomness)
        reader: DataLoader[Any] = DataLoader(
            passes,
            batch_size=None,
            num_workers=self.workers,
            pin_memory=self.pin_memory,
            generator=torch.Generator(),
            worker_init_fn=self._worker_init,
            multiprocessing_context=self._context,
        )
        self._iterator = iter(reader)
        iterator: Iterator[Any] = self._iterator
        return iterator


class _Passes(IterableDataset[Any]):
    """The batches of an epoch from update `start` on."""

    def __init__(
        self, dataset: Any, collate: Collate, plan: Plan, start: int, randomness: Randomness
    ) -> None:
        self._dataset, self._collate, self._plan, self._start = dataset, collate, plan, start
        self._base = randomness.samples(plan.part, plan.epoch)

    def __iter__(self) -> Iterator[Any]:
        samples = _drawn_apart(self._samples())
        for at, (_, begin, end) in enumerate(self._plan.places(0)):
            with one_thread():
                taken = [next(samples) for _ in range(end - begin)]
            if begin >= self._start * self._plan.batch_size:
                with one_thread(), kept_states():
                    seed_all(mix(self._base, batch_seed(at)))
                    batch = put_together(self._collate, taken)
                yield batch

    def _samples(self) -> Iterator[Any]:
        """Without end: one pass after the other."""
        number = 0
        while True:
            seed_all(mix(self._base, number))
            if hasattr(self._dataset, "set_epoch"):
                self._dataset.set_epoch(self._plan.epoch)
            is_empty = True
            for sample in self._dataset:
                is_empty = False
                yield sample
            if is_empty:
                raise UserError("the data set ends before its first sample")
            number += 1


def _drawn_apart(samples: Iterator[Any]) -> Iterator[Any]:
    """The samples, drawn from generator states of their own: a step between two of them changes nothing."""
    own = None
    while True:
        with kept_states(own) as kept:
            sample = next(samples)
            own = kept.now()
        yield sample
