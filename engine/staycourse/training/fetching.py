"""One batch, from its key: fetched, seeded and collated the same whichever process does it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset, default_collate

from staycourse.core.seeds import mix
from staycourse.training.data import Data, Part
from staycourse.training.device import leaves_of, mapped, tensors_of
from staycourse.training.plan import BatchKey, Plan
from staycourse.training.randomness import GENERATORS, Randomness, Reseed, seed_all
from staycourse.training.stored import table_of
from staycourse.training.tables import Table
from staycourse.training.threads import one_thread

Collate = Callable[[list[Any]], Any]

TRAIN, VALIDATION = "train", "validation"
# Validation samples are drawn alike in every epoch: a curve then shows the model, not the draw.
VALIDATION_EPOCH = 0


class Fetcher(Dataset[Any]):
    """A map from BatchKey to a collated batch, for a DataLoader that is given whole keys as its batches.

    `uses` names the generators that single samples are seen to draw from; they are seeded for each
    sample. All three are seeded once a batch, for what is drawn unseen and by `collate`.
    """

    def __init__(
        self, data: Data, randomness: Randomness, collate: Collate | None, uses: frozenset[str] = frozenset()
    ) -> None:
        self._parts: dict[str, Part] = {TRAIN: data.train}
        if data.validation is not None:
            self._parts[VALIDATION] = data.validation
        self._randomness = randomness
        self._collate = collate or default_collate
        self._reseeds: list[Reseed] = [GENERATORS[name] for name in sorted(uses)]
        plain = collate is None and not uses
        self._in_one = {name: table_of(part.dataset) for name, part in self._parts.items() if plain}
        self._base: tuple[tuple[str, int], int] | None = None

    def __len__(self) -> int:
        return sum(len(part) for part in self._parts.values())

    def __getitem__(self, key: BatchKey) -> Any:
        return self.__getitems__(key)

    def __getitems__(self, key: BatchKey) -> Any:
        part = self._parts[key.part]
        table = self._in_one.get(key.part)
        if table is not None:
            # What default_collate makes of single samples, without making them.
            return table.collated(table.gather(torch.as_tensor([part.indices[i] for i in key.indices])))
        base = self._sample_base(key.part, key.epoch)
        with one_thread():
            seed_all(mix(base, batch_seed(key.number)))
            return put_together(
                self._collate, self._samples(part, base, [part.indices[i] for i in key.indices])
            )

    def _samples(self, part: Part, base: int, indices: list[int]) -> list[Any]:
        dataset = part.dataset
        if self._reseeds:
            samples = []
            for index in indices:
                seed = mix(base, index)
                for reseed in self._reseeds:
                    reseed(seed)
                samples.append(dataset[index])
            return samples
        several = getattr(dataset, "__getitems__", None)
        if callable(several):
            fetched: list[Any] = several(indices)
            return fetched
        return [dataset[index] for index in indices]

    def _sample_base(self, part: str, epoch: int) -> int:
        if self._base is None or self._base[0] != (part, epoch):
            self._base = ((part, epoch), self._randomness.samples(part, epoch))
        return self._base[1]


def batch_seed(number: int) -> int:
    """What a pass's seed is mixed with: no index of a sample."""
    return -2 - number


def put_together(collate: Collate, samples: list[Any]) -> Any:
    """The batch of the samples, with memory of its own: a loss that writes into it must not change the data
    set, as it would where `collate` passes on what samples are made of (a list of images, say)."""
    batch = collate(samples)
    if collate is default_collate:
        return batch
    tensors = list(tensors_of(batch))
    if len(tensors) < len(samples):
        return batch  # no tensor for each sample: they were stacked, or put behind one another
    theirs = {address for sample in samples for address in _addresses(sample)}
    if theirs.isdisjoint(_addresses(tensors)):
        return batch
    return mapped(batch, lambda item: item.clone() if isinstance(item, torch.Tensor) else item)


def _addresses(value: Any) -> Iterator[int]:
    """Where the memory of all tensors and arrays in it begins."""
    for item in leaves_of(value):
        if isinstance(item, torch.Tensor) and item.layout is torch.strided:
            yield item.untyped_storage().data_ptr()
        elif isinstance(item, np.ndarray):
            yield item.__array_interface__["data"][0]


class Collating:
    """Makes the passes of a plan of samples that are at hand in columns, seeded as a fetched one is."""

    def __init__(
        self, collate: Collate | None, randomness: Randomness, plan: Plan, *, pin_memory: bool
    ) -> None:
        self._collate, self._pin_memory = collate, pin_memory
        self._base = 0 if collate is None else randomness.samples(plan.part, plan.epoch)

    def __call__(self, table: Table, number: int) -> Any:
        """Pass `number`, of all samples of a table; pinned where no `collate` makes it."""
        if self._collate is None:
            columns = [c.pin_memory() for c in table.columns] if self._pin_memory else table.columns
            return table.collated(columns)
        with one_thread():
            seed_all(mix(self._base, batch_seed(number)))
            return self._collate(table.samples(table.columns))
