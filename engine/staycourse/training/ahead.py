"""Batches made ahead of time: by a thread on the host, or copied to the GPU beside its work."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch

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


def copied_ahead(batches: Iterator[Any], move: Callable[[Any], Any], device: torch.device) -> Iterator[Any]:
    """The batches on a GPU, each copied on a stream of its own while the one before is worked on."""
    side = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
    ready: _Copied | None = None
    for batch in batches:
        with torch.cuda.stream(side):
            copied = _Copied(move(batch), side.record_event())
        if ready is not None:
            yield ready.handed_over(torch.cuda.current_stream(device))
        ready = copied
    if ready is not None:
        yield ready.handed_over(torch.cuda.current_stream(device))


@dataclass(frozen=True)
class _Copied:
    """A batch on its way to the device, and the event that says that it is there."""

    batch: Any
    is_there: torch.cuda.Event

    def handed_over(self, stream: torch.cuda.Stream) -> Any:
        """The batch, once the working stream is made to wait for its copy; its memory is not given away
        before that stream is through with it."""
        stream.wait_event(self.is_there)
        for tensor in tensors_of(self.batch):
            if tensor.is_cuda:
                tensor.record_stream(stream)
        return self.batch


def is_plain(batch: Any) -> bool:
    """Whether all tensors of a batch can be found: it holds no object that moves itself."""
    if isinstance(batch, (tuple, list)):
        return all(map(is_plain, batch))
    if isinstance(batch, dict):
        return all(map(is_plain, batch.values()))
    return isinstance(batch, torch.Tensor) or not hasattr(batch, "to")


def tensors_of(batch: Any) -> Iterator[torch.Tensor]:
    """Every tensor of a plain batch."""
    if isinstance(batch, torch.Tensor):
        yield batch
    elif isinstance(batch, (tuple, list)):
        for item in batch:
            yield from tensors_of(item)
    elif isinstance(batch, dict):
        for item in batch.values():
            yield from tensors_of(item)
