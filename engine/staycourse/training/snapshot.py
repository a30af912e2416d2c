"""A copy of a checkpoint's content in host memory, so that it can be written while training goes on."""

from __future__ import annotations

import copy
from typing import Any

import torch


class Snapshots:
    """Copies nested content; buffers of tensors on a GPU are pinned, and used again for the next copy.

    `take` does not wait for a GPU: the copies are behind the work that made the tensors and before the work
    that changes them; `wait` does, from whichever thread.
    """

    def __init__(self) -> None:
        self._pinned: dict[tuple[str, ...], torch.Tensor] = {}
        self._copied: torch.cuda.Event | None = None

    def take(self, content: Any) -> Any:
        """The content with every tensor copied to the CPU."""
        taken = self._copy(content, ())
        if self._pinned:
            self._copied = torch.cuda.Event()  # type: ignore[no-untyped-call]
            self._copied.record()
        return taken

    def wait(self) -> None:
        """Until what was taken last is all there."""
        if self._copied is not None:
            self._copied.synchronize()

    def _copy(self, value: Any, path: tuple[str, ...]) -> Any:
        if isinstance(value, torch.Tensor):
            return self._copy_tensor(value.detach(), path)
        if isinstance(value, dict):
            taken = copy.copy(value)  # with what is attached to it: a state_dict names its modules' versions
            for key, item in value.items():
                taken[key] = self._copy(item, (*path, str(key)))
            return taken
        if isinstance(value, (list, tuple)):
            items = [self._copy(item, (*path, str(at))) for at, item in enumerate(value)]
            return items if isinstance(value, list) else tuple(items)
        return value

    def _copy_tensor(self, tensor: torch.Tensor, path: tuple[str, ...]) -> torch.Tensor:
        if not tensor.is_cuda:
            return tensor.clone()
        buffer = self._pinned.get(path)
        if buffer is None or buffer.shape != tensor.shape or buffer.dtype != tensor.dtype:
            buffer = self._pinned[path] = torch.empty_like(tensor, device="cpu", pin_memory=True)
        return buffer.copy_(tensor, non_blocking=True)
