"""The GPUs of a run: which it may use, who else is on them, and whether they are still there."""

from __future__ import annotations

from staycourse.hardware.nvml import Nvml, NvmlUnavailable, open_nvml
from staycourse.hardware.occupants import Occupant, describe_wait, occupants
from staycourse.hardware.visible import DevicesError, Gpu, lasting_devices, visible_gpus

__all__ = [
    "DevicesError",
    "Gpu",
    "Nvml",
    "NvmlUnavailable",
    "Occupant",
    "describe_wait",
    "is_lost",
    "lasting_devices",
    "occupants",
    "open_nvml",
    "visible_gpus",
]


def is_lost(nvml: Nvml | NvmlUnavailable, gpu: Gpu) -> bool:
    """Whether the driver has reported this GPU as lost: off the bus, or in need of a reset.

    It is found out by a reading, so this is as recent as the latest sample.
    """
    device = None if isinstance(nvml, NvmlUnavailable) else nvml.device(gpu.uuid)
    return device is not None and device.lost is not None
