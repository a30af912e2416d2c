"""Readings of the machine once a second: CPUs, memory, the run's own processes and its GPUs.

A sample never raises and never waits long for a GPU: a driver that stops answering, as one does when a GPU
falls off the bus, must not take the supervisor with it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

import psutil

from staycourse.core.text import one_line
from staycourse.hardware.background import Background
from staycourse.hardware.cgroup import find_cgroup
from staycourse.hardware.cpus import allowed_cpus
from staycourse.hardware.nvml import Device, Nvml, NvmlUnavailable
from staycourse.hardware.processes import ProcessMeter
from staycourse.hardware.visible import Gpu

Reading = tuple[str, str, float]  # device, name with unit, value

# How long one sample waits for the GPUs' sensors before it goes on without them. In seconds.
GPU_PATIENCE = 0.25

# Shares of less time than this are noise: the kernel counts in ticks of 10 ms. In seconds.
_SHORTEST_INTERVAL = 0.1


class Sampler:
    """Takes samples; made once, in the process that calls `sample` about once a second.

    `cpus` are those whose load counts as ours, by default all that this process may use. With GPUs, the first
    sample starts one daemon thread, which reads their sensors.
    """

    def __init__(
        self, gpus: Sequence[Gpu], nvml: Nvml | NvmlUnavailable, cpus: Sequence[int] | None = None
    ) -> None:
        self._cpus = frozenset(allowed_cpus() if cpus is None else cpus)
        self._times = _cpu_times(self._cpus)
        self._times_at = time.monotonic()
        self._cgroup = find_cgroup()
        self._memory_limit = self._cgroup.memory_limit()
        self._processes = ProcessMeter()
        self._said: set[str] = set()
        self._unread: list[str] = []
        self._gpus: list[tuple[Gpu, Device]] = []
        self._background: Background[list[Reading]] = Background(self._read_gpus)
        if isinstance(nvml, NvmlUnavailable):
            self._note(f"no NVIDIA driver: {nvml.reason}")
        else:
            self._gpus = [(gpu, device) for gpu in gpus if (device := nvml.device(gpu.uuid))]

    def sample(self, pids: Sequence[int]) -> list[Reading]:
        """One reading of every sensor that answers, as (device, name, value); the unit is in the name.

        Devices: "cpu", and "gpu0", "gpu1" … by NVML index. `pids`: the run's worker processes, whose trees
        are measured as `run_…`; those that have ended are left out. Shares of time need two samples, so the
        first one has none.
        """
        readings: list[Reading] = []
        for part in (self._read_cpus, self._read_memory, lambda: self._read_run(pids), self._wait_for_gpus):
            try:
                readings += part()
            except Exception as error:  # whatever a sensor does, it must not end a run
                self._note(one_line(f"a sensor failed: {type(error).__name__}: {error}"))
        return readings

    def notes(self) -> list[str]:
        """What there is to say since the last call, each thing once in a sampler's life."""
        return [self._unread.pop(0) for _ in range(len(self._unread))]

    def _note(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            self._unread.append(text)

    def _read_cpus(self) -> list[Reading]:
        readings: list[Reading] = [("cpu", "load_1m", os.getloadavg()[0])]
        now = time.monotonic()
        if now - self._times_at < _SHORTEST_INTERVAL:
            return readings
        busy, total = _cpu_times(self._cpus)
        busy_before, total_before = self._times
        self._times, self._times_at = (busy, total), now
        if total > total_before:
            share = (busy - busy_before) / (total - total_before)
            readings.append(("cpu", "util_percent", 100.0 * min(1.0, max(0.0, share))))
        return readings

    def _read_memory(self) -> list[Reading]:
        machine = psutil.virtual_memory()
        total, used = int(machine.total), int(machine.total - machine.available)
        if self._memory_limit is not None and self._memory_limit < total:
            ours = self._cgroup.memory_used()
            total, used = self._memory_limit, used if ours is None else ours
        return [("cpu", "memory_used_bytes", float(used)), ("cpu", "memory_total_bytes", float(total))]

    def _read_run(self, pids: Sequence[int]) -> list[Reading]:
        load = self._processes.read(pids)
        if load is None:
            return []
        resident, percent = load
        readings: list[Reading] = [("cpu", "run_rss_bytes", float(resident))]
        if percent is not None:
            readings.append(("cpu", "run_cpu_percent", percent))
        return readings

    def _wait_for_gpus(self) -> list[Reading]:
        if not self._gpus:
            return []
        readings = self._background.result(GPU_PATIENCE)
        if readings is None:
            names = ", ".join(gpu.label for gpu, _ in self._gpus)
            self._note(f"the NVIDIA driver does not answer; no readings of {names} until it does")
            return []
        return readings

    def _read_gpus(self) -> list[Reading]:
        return [reading for gpu, device in self._gpus for reading in self._read_gpu(gpu, device)]

    def _read_gpu(self, gpu: Gpu, device: Device) -> list[Reading]:
        memory = device.memory()
        values = {
            "util_percent": device.util_percent(),
            "memory_used_bytes": float(memory.used) if memory else None,
            "memory_total_bytes": float(memory.total) if memory else None,
            "power_watts": device.power_watts(),
            "power_limit_watts": device.power_limit_watts(),
            "temperature_celsius": device.temperature_celsius(),
            "sm_clock_mhz": device.sm_clock_mhz(),
        }
        if device.lost is not None:
            self._note(f"{gpu.label} ({gpu.name}) was lost: {device.lost}")
            return []  # what was read before it went may be nonsense
        readings = [(gpu.label, name, value) for name, value in values.items() if value is not None]
        if not readings:
            why = device.last_error or "no reason given"
            self._note(f"{gpu.label} ({gpu.name}) gives no readings: {why}")
        return readings


def _cpu_times(cpus: frozenset[int]) -> tuple[float, float]:
    """Busy and total CPU seconds so far, summed over the given CPUs."""
    busy = total = 0.0
    for number, times in enumerate(psutil.cpu_times(percpu=True)):
        if number in cpus:
            # guests' time is part of user and nice already
            rest = sum(getattr(times, name, 0.0) for name in ("irq", "softirq", "steal"))
            working = times.user + times.nice + times.system + rest
            busy += working
            total += working + times.idle + getattr(times, "iowait", 0.0)
    return busy, total
