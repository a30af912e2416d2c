"""The workers path: batches are fetched sample by sample, here or by loader workers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import torch
from torch.utils.data import DataLoader

from staycourse.training.fetching import Fetcher
from staycourse.training.plan import BatchKey, Plan
from staycourse.training.sources.base import ReaderSource, Source


def _identity(batch: Any) -> Any:
    return batch


class _Keys:
    """The batch sampler: yields the keys of the plan that is set when an iteration begins."""

    def __init__(self) -> None:
        self.plan: Plan | None = None
        self.start = 0

    def __iter__(self) -> Iterator[BatchKey]:
        assert self.plan is not None
        return self.plan.keys(self.start)

    def __len__(self) -> int:
        return 0 if self.plan is None else sum(1 for _ in self.plan.places(self.start))


class WorkersSource(ReaderSource):
    """`workers` loader workers for training and validation; with none, batches are fetched here."""

    PATH: ClassVar[str] = "workers"

    def __init__(
        self,
        fetcher: Fetcher,
        *,
        workers: int = 0,
        pin_memory: bool = False,
        worker_init: Callable[[int], None] | None = None,
    ) -> None:
        super().__init__(workers, pin_memory)
        self._fetcher = fetcher
        self._keys = _Keys()
        self._loader: DataLoader[Any] = DataLoader(
            fetcher,
            batch_sampler=self._keys,  # type: ignore[arg-type]  # keys, not lists of indices
            collate_fn=_identity,
            num_workers=workers,
            persistent_workers=workers > 0,
            pin_memory=pin_memory,
            # Of its own, so that starting an iteration draws nothing from the global one.
            generator=torch.Generator(),
            worker_init_fn=worker_init,
            # The fetcher holds the user's data set: forked workers share it, others would need to pickle it.
            multiprocessing_context=self._context,
        )

    @property
    def will_fork(self) -> bool:
        return self.workers > 0 and self._iterator is None

    def batches(self, plan: Plan, start: int = 0) -> Iterator[Any]:
        self._keys.plan, self._keys.start = plan, start
        self._iterator = iter(self._loader)
        iterator: Iterator[Any] = self._iterator
        return iterator

    def beside(self) -> Source:
        return WorkersSource(self._fetcher) if self.workers else self
