"""Batches made ahead of time: by a thread on the host, or copied to the GPU beside its work."""

from __future__ import annotations

import functools
import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch

from staycourse.training.device import moves_itself, tensors_of

_DEPTH = 2
_END = object()


def ahead(batches: Iterator[Any], depth: int = _DEPTH) -> Iterator[Any]:
    """The same batches, up to `depth` of them made by a thread before they are asked for.

    What the thread raises is raised where its batch would have come. Left early, the thread ends.
    """
    made: queue.Queue[Any] = queue.Queue(depth)
    is_left = threading.Event()

    def put(item: Any) -> bool:
        while not is_left.is_set():
            try:
                made.put(item, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def make() -> None:
        try:
            for batch in batches:
                if not put(batch):
                    return
            put(_END)
        except BaseException as error:
            put(error)

    thread = threading.Thread(target=make, name="batches-ahead", daemon=True)
    thread.start()
    try:
        while (item := made.get()) is not _END:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        is_left.set()
        thread.join()


@dataclass(frozen=True)
class Arriving:
    """A batch on its way to the device; `is_there` marks the end of its copy on a stream beside the working
    one, None if it has not been copied yet."""

    batch: Any
    move: Callable[[Any], Any]
    is_there: torch.cuda.Event | None

    def take(self) -> Any:
        """The batch on the device, once the working stream is made to wait for it; its memory is not given
        away before that stream is through with it. Nobody waits on the host."""
        if self.is_there is None:
            return self.move(self.batch)
        stream = torch.cuda.current_stream()
        stream.wait_event(self.is_there)
        for tensor in tensors_of(self.batch):
            if tensor.is_cuda:
                tensor.record_stream(stream)
        return self.batch


def copied_ahead(
    batches: Iterator[Any], move: Callable[[Any], Any], device: torch.device
) -> Iterator[Arriving]:
    """The batches, each of them on its way to a GPU while the one before is worked on.

    One that holds objects which move themselves is copied when it is taken: their memory could not be kept.
    """
    side = _side_stream(device)
    ready: Arriving | None = None
    for batch in batches:
        arriving = Arriving(batch, move, None)
        if is_plain(batch):
            with torch.cuda.stream(side):
                arriving = Arriving(move(batch), move, side.record_event())
        if ready is not None:
            yield ready
        ready = arriving
    if ready is not None:
        yield ready


@functools.cache
def _side_stream(device: torch.device) -> torch.cuda.Stream:
    """The same one in all epochs: freed memory is kept for the stream that it was allocated on."""
    return torch.cuda.Stream(device)  # type: ignore[no-untyped-call]


def is_plain(batch: Any) -> bool:
    """Whether the memory of a batch can be found: it holds no object that moves itself, and no tensor whose
    memory is that of others inside of it (a sparse one)."""
    if isinstance(batch, torch.Tensor):
        return batch.layout is torch.strided
    if moves_itself(batch):
        return False
    if isinstance(batch, (tuple, list)):
        return all(map(is_plain, batch))
    return all(map(is_plain, batch.values())) if isinstance(batch, dict) else True
