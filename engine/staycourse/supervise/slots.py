"""Slots: what one trial occupies, a GPU or a share of the CPUs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from staycourse.core.problems import UserError
from staycourse.hardware.cpus import usable_cpus
from staycourse.hardware.gpus import (
    Gpu,
    Nvml,
    NvmlUnavailable,
    describe_wait,
    is_lost,
    occupants,
    visible_gpus,
)
from staycourse.supervise.options import Options


class SlotsError(UserError):
    """The slots that were asked for are not to be had."""


@dataclass(frozen=True)
class Slot:
    """`gpu` is None on CPUs; `cpus` is what a worker is pinned to, empty for no pinning."""

    name: str
    gpu: Gpu | None = None
    cpus: tuple[int, ...] = ()

    @property
    def device(self) -> str:
        """The device as a job names it: a worker sees its own GPU only, the first to it."""
        return "cuda:0" if self.gpu else "cpu"

    @property
    def environment(self) -> dict[str, str]:
        """What a worker's environment needs before CUDA is first touched."""
        return {"CUDA_VISIBLE_DEVICES": self.gpu.uuid if self.gpu else ""}


def make_slots(
    options: Options, asked: int | str, nvml: Nvml | NvmlUnavailable, environ: Mapping[str, str]
) -> list[Slot]:
    """One slot for each GPU that may be used, else one for all CPUs; `asked` is the roadmap's `slots`.

    Raises UserError for options that cannot be followed.
    """
    count = options.slots or (asked if isinstance(asked, int) else None)
    gpus = visible_gpus(nvml, environ, options.devices)
    cpus = usable_cpus(options.cpus)
    pinned = options.cpus is not None
    if not gpus:
        return _cpu_slots(count or 1, cpus, pinned)
    if count is not None and count > len(gpus):
        raise SlotsError(f"{count} slots on {len(gpus)} GPUs: not yet (several trials on one GPU)")
    chosen = gpus[: count or len(gpus)]
    shares = _shares(cpus, len(chosen))
    return [
        Slot(f"gpu{gpu.index}", gpu, share if pinned else ())
        for gpu, share in zip(chosen, shares, strict=True)
    ]


def waits_for(slot: Slot, nvml: Nvml | NvmlUnavailable, own_pids: Collection[int]) -> str | None:
    """Whom the slot's GPU has to be waited for, in a sentence; None if it is free."""
    if slot.gpu is None:
        return None
    if is_lost(nvml, slot.gpu):
        return f"GPU {slot.gpu.index} ({slot.gpu.name}) is lost: the driver no longer reaches it"
    found = occupants(nvml, slot.gpu, own_pids)
    return describe_wait(slot.gpu, found) if found else None


def _cpu_slots(count: int, cpus: Sequence[int], pinned: bool) -> list[Slot]:
    if count == 1:
        return [Slot("cpu", None, tuple(cpus) if pinned else ())]
    shares = _shares(cpus, count)
    return [Slot(f"cpu-{at}", None, share if pinned else ()) for at, share in enumerate(shares, start=1)]


def _shares(cpus: Sequence[int], count: int) -> list[tuple[int, ...]]:
    """The CPUs dealt out evenly; all of them to each where there are fewer than slots."""
    if len(cpus) < count:
        return [tuple(cpus)] * count
    return [tuple(cpus[at::count]) for at in range(count)]
