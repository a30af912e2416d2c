"""A teacher asked once for every sample of a data set, in the order of the samples, so many at a time: what
comes of it hangs on data and teacher alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from staycourse.training.data import Data, Part
from staycourse.training.data_path import plain_loader
from staycourse.training.device import tensors_of
from staycourse.training.randomness import Randomness
from staycourse.training.teacher.examining import examine, version
from staycourse.training.teacher.outputs import Outputs, Room, Unkept, taken_apart

_MOST_AT_ONCE, _BYTES_AT_ONCE = 256, 8 << 20

Forward = Callable[..., Any]


@dataclass(frozen=True)
class Call:
    """A call with tensors of a batch and nothing else: their places among all of the batch's tensors, and the
    names of those that are passed by name, which come last."""

    places: tuple[int, ...]
    names: tuple[str, ...]

    def given(self, batch: Any) -> list[torch.Tensor]:
        """The tensors of a batch that the call passes."""
        tensors = list(tensors_of(batch))
        return [tensors[place] for place in self.places]

    def make(self, forward: Forward, given: Sequence[torch.Tensor]) -> Any:
        """The same call with other samples."""
        unnamed = len(given) - len(self.names)
        return forward(*given[:unnamed], **dict(zip(self.names, given[unnamed:], strict=True)))


@dataclass(frozen=True)
class Filling:
    """`forward` is the teacher's own, `move` brings a batch to the device, `most_bytes` bounds the outputs,
    `tick` is called with the number of each batch."""

    teacher: nn.Module
    forward: Forward
    randomness: Randomness
    move: Callable[[Any], Any]
    most_bytes: int
    tick: Callable[[int], None]

    def fill(self, dataset: Any, call: Call, sample_bytes: int, path: Path | None, key: str) -> Outputs:
        """What the teacher says of all samples. Raises Unkept; errors of the data set pass."""
        count, room = len(dataset), None
        try:
            for number, batch in enumerate(self._batches(dataset, at_once(count, sample_bytes))):
                given = call.given(self.move(batch))
                form, parts = self._asked(call, given)
                if room is None:
                    examine(self.teacher, lambda some: self._asked(call, some)[1], given, parts)
                    self._refuse_large(parts, count)
                    room = Room(path, key, form, parts, count)
                room.add(form, parts)
                self.tick(number)
            assert room is not None
            return room.finish()
        except BaseException:
            if room is not None:
                room.discard()
            raise

    def _batches(self, dataset: Any, size: int) -> Iterator[Any]:
        part = Part(dataset, list(range(len(dataset))))
        loader = plain_loader(Data(part, part, dataset), self.randomness, None, frozenset(), None)
        return loader.batches(loader.validation_plan(size))

    def _asked(self, call: Call, given: list[torch.Tensor]) -> tuple[Any, list[torch.Tensor]]:
        count, versions = len(given[0]), [version(tensor) for tensor in given]
        try:
            output = call.make(self.forward, given)
        except Exception as error:  # it may still do in batches of another size
            raise Unkept(f"asked for {count} samples at once it raises {type(error).__name__}") from error
        if [version(tensor) for tensor in given] != versions:
            raise Unkept("it changes what it is given")
        return taken_apart(output, count)

    def _refuse_large(self, parts: Sequence[torch.Tensor], count: int) -> None:
        needed = count * sum(part[0].numel() * part.element_size() for part in parts)
        if needed > self.most_bytes:
            raise Unkept(
                f"its outputs would take {needed / 1e6:.1f} MB, and teacher_cache allows "
                f"{self.most_bytes / 1e6:.1f} MB"
            )


def at_once(count: int, sample_bytes: int) -> int:
    """Samples that a teacher is asked for together: as even as can be, for a single one left at the end is
    what some networks do not take."""
    most = max(1, min(_MOST_AT_ONCE, _BYTES_AT_ONCE // max(1, sample_bytes)))
    return math.ceil(count / math.ceil(count / most))
