"""Which GPUs a run may use: what CUDA would show this process, narrowed by `--devices`.

GPUs are numbered as NVML and nvidia-smi number them (PCI bus order) and are best handed to a worker by UUID
(`CUDA_VISIBLE_DEVICES=<uuid>`). CUDA itself numbers the fastest first unless CUDA_DEVICE_ORDER=PCI_BUS_ID; so
on a machine with unlike GPUs an index in CUDA_VISIBLE_DEVICES may mean another GPU to a plain CUDA program
than it does here. A UUID means the same to both.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from staycourse.core.problems import UserError
from staycourse.hardware.nvml import Nvml, NvmlUnavailable, open_nvml

_VARIABLE = "CUDA_VISIBLE_DEVICES"


class DevicesError(UserError):
    """`--devices` names something that this run cannot use."""


@dataclass(frozen=True)
class Gpu:
    """A GPU or one MIG instance.

    `index` is NVML's (a MIG instance has its GPU's), `memory_total` is in bytes, 0 where unknown.
    """

    index: int
    uuid: str
    name: str
    memory_total: int

    @property
    def label(self) -> str:
        """The device's name in recorded readings and on screens."""
        return f"gpu{self.index}"


def visible_gpus(
    nvml: Nvml | NvmlUnavailable, environ: Mapping[str, str], devices: str | None = None
) -> list[Gpu]:
    """The GPUs that this process may use, in the order in which they were named.

    `environ` is asked for CUDA_VISIBLE_DEVICES. `devices` is the option `--devices`: None for all that are
    visible, "cpu" for none, otherwise indices or UUIDs (or unambiguous beginnings of UUIDs) among the visible
    ones, separated by commas. Raises DevicesError where the option names anything else.
    """
    wanted = None if devices is None else [part.strip() for part in devices.split(",")]
    if wanted == ["cpu"]:
        return []
    visible = [] if isinstance(nvml, NvmlUnavailable) else _visible(nvml, environ, wanted)
    if wanted is None:
        return visible
    if isinstance(nvml, NvmlUnavailable):
        raise DevicesError(f"--devices {devices}: no NVIDIA driver: {nvml.reason}; right would be cpu")
    return _chosen(visible, wanted)


def lasting_devices(environ: Mapping[str, str], devices: str | None) -> str | None:
    """The option `--devices` that says what CUDA_VISIBLE_DEVICES says, where the option itself was not given:
    an environment does not last until the next boot, and GPUs are best named by UUID until then."""
    if devices is not None or _VARIABLE not in environ:
        return devices
    return ",".join(gpu.uuid for gpu in visible_gpus(open_nvml(), environ)) or "cpu"


def _visible(nvml: Nvml, environ: Mapping[str, str], wanted: Sequence[str] | None) -> list[Gpu]:
    """CUDA shows a MIG instance to those alone who ask for it."""
    if wanted is not None and wanted[0].startswith("MIG-") and _VARIABLE not in environ:
        return _mig_instance(nvml, wanted[0])
    return _cuda_visible(nvml, environ)


def _cuda_visible(nvml: Nvml, environ: Mapping[str, str]) -> list[Gpu]:
    """CUDA_VISIBLE_DEVICES as CUDA reads it.

    The first entry says whether the list is of indices, of UUIDs or of MIG instances. An entry that is of
    another kind, unknown or ambiguous ends the list; an entry that comes twice voids all of it.
    """
    by_index = nvml.by_index()
    variable = environ.get(_VARIABLE)
    if variable is None:
        uuids = list(by_index.values())
    elif variable.startswith("MIG-"):
        return _mig_instance(nvml, variable.split(",")[0].strip())
    else:
        uuids = _listed(variable, by_index)
    indices = {uuid: index for index, uuid in by_index.items()}
    return [_gpu(nvml, uuid, indices[uuid]) for uuid in uuids]


def _listed(variable: str, by_index: Mapping[int, str]) -> list[str]:
    by_uuid = variable.startswith("GPU-")
    uuids: list[str] = []
    for entry in variable.split(","):
        uuid = _by_prefix(entry.strip(), by_index) if by_uuid else by_index.get(_leading_number(entry))
        if uuid is None:
            break
        if uuid in uuids:
            return []
        uuids.append(uuid)
    return uuids


def _leading_number(entry: str) -> int:
    """The number an entry starts with, as C's strtoul reads it; -1 (never an index) where it has none."""
    match = re.match(r"\s*\+?(\d+)", entry, re.ASCII)
    return int(match[1]) if match else -1


def _by_prefix(prefix: str, by_index: Mapping[int, str]) -> str | None:
    matches = [uuid for uuid in by_index.values() if uuid.startswith(prefix)]
    return matches[0] if len(matches) == 1 else None


def _mig_instance(nvml: Nvml, uuid: str) -> list[Gpu]:
    """CUDA opens one MIG instance a process, the first that is named; it is used as it is, never divided."""
    device = nvml.device(uuid)
    if device is None:
        return []
    return [_gpu(nvml, uuid, device.parent_index() or 0)]


def _gpu(nvml: Nvml, uuid: str, index: int) -> Gpu:
    device = nvml.device(uuid)
    memory = device.memory() if device else None
    name = device.name() if device else None
    return Gpu(index, uuid, name or "NVIDIA GPU", memory.total if memory else 0)


def _chosen(visible: Sequence[Gpu], wanted: Sequence[str]) -> list[Gpu]:
    chosen: list[Gpu] = []
    for word in wanted:
        gpu = _named(visible, word)
        if gpu in chosen:
            raise DevicesError(f"--devices: '{word}' names GPU {gpu.index} a second time")
        chosen.append(gpu)
    return chosen


def _named(visible: Sequence[Gpu], word: str) -> Gpu:
    if word == "cpu":
        raise DevicesError("--devices: 'cpu' stands alone; right would be cpu, or GPUs only")
    by_index = re.fullmatch(r"(?:gpu)?(\d+)", word, re.ASCII)
    if by_index:
        found = [gpu for gpu in visible if gpu.index == int(by_index[1])]
    else:
        found = [gpu for gpu in visible if word.startswith(("GPU-", "MIG-")) and gpu.uuid.startswith(word)]
    if len(found) == 1:
        return found[0]
    known = ", ".join(f"{gpu.index} ({gpu.name}, {gpu.uuid})" for gpu in visible)
    wrong = f"'{word}' fits {len(found)} GPUs" if found else f"there is no GPU '{word}' for this process"
    raise DevicesError(f"--devices: {wrong}; right would be cpu" + (f", or of: {known}" if known else ""))
