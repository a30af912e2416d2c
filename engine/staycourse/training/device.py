"""Moving batches to the device that trains, whatever they are made of."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn


def to_device(batch: Any, device: torch.device, non_blocking: bool = False) -> Any:
    """The batch with every tensor in it on `device`.

    Tuples, named tuples, lists, dicts and objects with `.to` are followed; what can hold no tensor
    (numbers, text, None) passes as it is.
    """
    if isinstance(batch, torch.Tensor):
        return batch.to(device, non_blocking=non_blocking)
    if isinstance(batch, tuple):
        items = (to_device(item, device, non_blocking) for item in batch)
        return type(batch)(*items) if hasattr(batch, "_fields") else tuple(items)
    if isinstance(batch, list):
        return [to_device(item, device, non_blocking) for item in batch]
    if isinstance(batch, dict):
        return {key: to_device(item, device, non_blocking) for key, item in batch.items()}
    if hasattr(batch, "to") and callable(batch.to):
        return batch.to(device)
    return batch


def holds_cuda(sample: Any) -> bool:
    """Whether a sample holds a tensor that lies on a GPU already."""
    if isinstance(sample, torch.Tensor):
        return sample.is_cuda
    if isinstance(sample, (tuple, list)):
        return any(holds_cuda(item) for item in sample)
    return isinstance(sample, dict) and any(holds_cuda(item) for item in sample.values())


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
