"""Moving batches to the device that trains, whatever they are made of."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import nn


def to_device(batch: Any, device: torch.device, non_blocking: bool = False) -> Any:
    """The batch with every tensor in it on `device`.

    Objects with `.to` move themselves, a PackedSequence too; tuples, named tuples, lists and dicts are
    followed; what can hold no tensor (numbers, text, None) passes as it is.
    """

    def move(item: Any) -> Any:
        return (
            item.to(device, non_blocking=non_blocking) if isinstance(item, torch.Tensor) else item.to(device)
        )

    return mapped(batch, move)


def mapped(batch: Any, change: Callable[[Any], Any]) -> Any:
    """The batch with every tensor in it, and every object with `.to`, as `change` has it."""
    if isinstance(batch, torch.Tensor) or moves_itself(batch):
        return change(batch)
    if isinstance(batch, tuple):
        items = (mapped(item, change) for item in batch)
        return type(batch)(*items) if hasattr(batch, "_fields") else tuple(items)
    if isinstance(batch, list):
        return [mapped(item, change) for item in batch]
    if isinstance(batch, dict):
        changed = copy.copy(batch)  # of the same class
        for key, item in batch.items():
            changed[key] = mapped(item, change)
        return changed
    return batch


def leaves_of(batch: Any) -> Iterator[Any]:
    """All that is in a batch's tuples, lists and dicts, in a fixed order."""
    if isinstance(batch, (tuple, list)):
        for item in batch:
            yield from leaves_of(item)
    elif isinstance(batch, Mapping):
        for item in batch.values():
            yield from leaves_of(item)
    else:
        yield batch


def tensors_of(batch: Any) -> Iterator[torch.Tensor]:
    """All tensors of a batch, in a fixed order."""
    return (item for item in leaves_of(batch) if isinstance(item, torch.Tensor))


def moves_itself(item: Any) -> bool:
    """Whether it is no tensor and has a `.to` of its own."""
    return not isinstance(item, torch.Tensor) and callable(getattr(item, "to", None))


def is_bound(sample: Any) -> bool:
    """Whether a sample holds a tensor that no other process can hand over: one that lies on a GPU already,
    or that torch's collating refuses in a loader worker (with a gradient, or conjugated)."""
    return any(t.is_cuda or t.requires_grad or t.is_conj() for t in tensors_of(sample))


def can_travel(batch: Any) -> bool:
    """Whether a batch can be sent from one process to another: what is in it beside tensors is pickled."""
    if any(tensor.requires_grad and not tensor.is_leaf for tensor in tensors_of(batch)):
        return False
    try:
        pickle.dumps(mapped(batch, lambda item: None if isinstance(item, torch.Tensor) else item))
    except Exception:  # pickle raises what the object's own code does
        return False
    return True


def weights_on_cpu(model: nn.Module) -> dict[str, Any]:
    """The weights as they are now, on the CPU."""
    state = model.state_dict()
    return {
        name: value.detach().to("cpu", copy=True) if isinstance(value, torch.Tensor) else value
        for name, value in state.items()
    }


def device_name(device: torch.device) -> str:
    """The GPU's name, or `cpu`."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"
