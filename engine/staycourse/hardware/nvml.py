"""A thin typed layer over NVIDIA's management library, through the bindings of the package nvidia-ml-py.

Nothing here raises once the library is open: a reading that cannot be had is None. A device that the driver
reports as lost is marked so once and not asked again.

The bindings decode strings strictly, so a name that is not UTF-8 would raise inside them; the undecorated
functions are called instead, and the bytes decoded here.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import pynvml  # noqa: TID251 - this is the one module that talks to NVML

from staycourse.core.text import one_line

T = TypeVar("T")

# After these the device answers nothing any more until it is reset or the machine restarts.
_LOST = frozenset({pynvml.NVML_ERROR_GPU_IS_LOST, pynvml.NVML_ERROR_RESET_REQUIRED})

_NO_DRIVER = {
    pynvml.NVML_ERROR_LIBRARY_NOT_FOUND: "its library libnvidia-ml.so.1 was not found",
    pynvml.NVML_ERROR_DRIVER_NOT_LOADED: "it is installed but not loaded",
    pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH: "its library and its kernel module are of different versions; "
    "a restart of the machine usually mends this",
    pynvml.NVML_ERROR_NO_PERMISSION: "this user may not talk to it",
    pynvml.NVML_ERROR_FUNCTION_NOT_FOUND: "its library is too old for these bindings",
}


@dataclass(frozen=True)
class NvmlUnavailable:
    """Why there is no NVML on this machine, as the rest of a sentence that starts "no NVIDIA driver: "."""

    reason: str


@dataclass(frozen=True)
class Memory:
    """Device memory in bytes; `used` is what processes hold, without the driver's own reserve."""

    total: int
    used: int


@dataclass(frozen=True)
class GpuProcess:
    """A process that the driver lists on a device. `memory` is in bytes, None where the driver cannot tell.

    `pid` is the host's, also when asked from inside a container. `graphics_only`: it draws, but computes not.
    """

    pid: int
    memory: int | None
    graphics_only: bool


def error_text(error: BaseException) -> str:
    """The driver's words for an error, as one safe line; never raises."""
    try:
        return one_line(str(error)) or type(error).__name__
    except Exception:  # the driver's own text may not be decodable
        return f"NVML error {getattr(error, 'value', 'unknown')}"


def _text(function: Callable[..., Any], *args: Any) -> str:
    """Call a binding that returns text, and decode its bytes leniently."""
    raw: bytes = inspect.unwrap(function)(*args)
    return one_line(raw.decode("utf-8", "replace"))


class Device:
    """One GPU, or one MIG instance of a GPU, as NVML sees it."""

    def __init__(self, handle: Any) -> None:
        self._handle = handle
        self.lost: str | None = None  # the driver's reason once the device is gone
        self.last_error: str | None = None  # why the latest reading that failed did so

    def _read(self, reading: Callable[[Any], T]) -> T | None:
        if self.lost is not None:
            return None
        try:
            return reading(self._handle)
        except pynvml.NVMLError as error:
            self.last_error = error_text(error)
            if error.value in _LOST:
                self.lost = self.last_error
            return None

    def _first(self, *readings: Callable[[Any], T]) -> T | None:
        """The first of several readings that this driver has: newer entry points first."""
        for reading in readings:
            value = self._read(reading)
            if value is not None:
                return value
        return None

    def uuid(self) -> str | None:
        return self._read(lambda h: _text(pynvml.nvmlDeviceGetUUID, h))

    def name(self) -> str | None:
        return self._read(lambda h: _text(pynvml.nvmlDeviceGetName, h))

    def parent_index(self) -> int | None:
        """The index of the whole GPU that a MIG instance is part of."""
        return self._read(
            lambda h: int(pynvml.nvmlDeviceGetIndex(pynvml.nvmlDeviceGetDeviceHandleFromMigDeviceHandle(h)))
        )

    def memory(self) -> Memory | None:
        """Total and held memory in bytes. Drivers before 510 count their own reserve (up to 1 GB) as used."""
        return self._first(_memory_v2, _memory_v1)

    def util_percent(self) -> float | None:
        """Share of the last sampling period in which a kernel was running, 0 to 100."""
        return self._read(lambda h: float(pynvml.nvmlDeviceGetUtilizationRates(h).gpu))

    def power_watts(self) -> float | None:
        return self._read(lambda h: pynvml.nvmlDeviceGetPowerUsage(h) / 1000.0)  # NVML: milliwatts

    def power_limit_watts(self) -> float | None:
        return self._read(lambda h: pynvml.nvmlDeviceGetEnforcedPowerLimit(h) / 1000.0)

    def temperature_celsius(self) -> float | None:
        sensor = pynvml.NVML_TEMPERATURE_GPU
        return self._first(
            lambda h: float(pynvml.nvmlDeviceGetTemperatureV(h, sensor)),
            lambda h: float(pynvml.nvmlDeviceGetTemperature(h, sensor)),
        )

    def sm_clock_mhz(self) -> float | None:
        return self._read(lambda h: float(pynvml.nvmlDeviceGetClockInfo(h, pynvml.NVML_CLOCK_SM)))

    def processes(self) -> list[GpuProcess] | None:
        """Everything that computes or draws on the device; None where the driver does not say."""
        computing = self._first(
            pynvml.nvmlDeviceGetComputeRunningProcesses_v3, pynvml.nvmlDeviceGetComputeRunningProcesses_v2
        )
        drawing = self._first(
            pynvml.nvmlDeviceGetGraphicsRunningProcesses_v3, pynvml.nvmlDeviceGetGraphicsRunningProcesses_v2
        )
        if computing is None:
            return None
        found = {p.pid: GpuProcess(int(p.pid), p.usedGpuMemory, True) for p in drawing or []}
        found |= {p.pid: GpuProcess(int(p.pid), p.usedGpuMemory, False) for p in computing}
        return list(found.values())


def _memory_v2(handle: Any) -> Memory:
    info = pynvml.nvmlDeviceGetMemoryInfo(handle, version=pynvml.nvmlMemory_v2)
    # Drivers differ on whether `used` contains the reserve; this difference does not depend on it.
    return Memory(int(info.total), max(0, int(info.total - info.free - info.reserved)))


def _memory_v1(handle: Any) -> Memory:
    info = pynvml.nvmlDeviceGetMemoryInfo(handle)
    return Memory(int(info.total), int(info.used))


class Nvml:
    """The open library. Devices are kept by UUID, so that one found lost stays known as lost."""

    def __init__(self) -> None:
        self._devices: dict[str, Device] = {}

    def by_index(self) -> dict[int, str]:
        """The UUIDs of all GPUs that answer, by NVML index (the index that nvidia-smi shows)."""
        found = {}
        for index in range(_quietly(pynvml.nvmlDeviceGetCount) or 0):
            device = _open(pynvml.nvmlDeviceGetHandleByIndex, index)
            uuid = device.uuid() if device else None
            if device and uuid:
                found[index] = uuid
                self._devices.setdefault(uuid, device)
        return found

    def device(self, uuid: str) -> Device | None:
        """The GPU or MIG instance of this full UUID; None if there is none such."""
        if uuid not in self._devices:
            device = _open(pynvml.nvmlDeviceGetHandleByUUID, uuid)
            if device is None:
                return None
            self._devices[uuid] = device
        return self._devices[uuid]

    def driver_version(self) -> str | None:
        return _quietly(lambda: _text(pynvml.nvmlSystemGetDriverVersion))

    def cuda_driver_version(self) -> str | None:
        """The newest CUDA version that the driver supports, such as "13.0"."""
        number = _quietly(pynvml.nvmlSystemGetCudaDriverVersion)
        return None if number is None else f"{number // 1000}.{number % 1000 // 10}"

    def close(self) -> None:
        self._devices.clear()
        _quietly(pynvml.nvmlShutdown)


def _quietly(call: Callable[[], T]) -> T | None:
    try:
        return call()
    except pynvml.NVMLError:
        return None


def _open(by: Callable[[Any], Any], key: int | str) -> Device | None:
    try:
        return Device(by(key))
    except pynvml.NVMLError:
        return None


def open_nvml() -> Nvml | NvmlUnavailable:
    """Load the driver's library and start it; without a usable driver, say why."""
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        return NvmlUnavailable(_NO_DRIVER.get(error.value) or f"NVML said: {error_text(error)}")
    return Nvml()
