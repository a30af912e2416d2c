"""Samples of CPU, memory and the run's own processes: real ones."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import psutil
import pytest

from staycourse.hardware.gpus import NvmlUnavailable
from staycourse.hardware.processes import ProcessMeter
from staycourse.hardware.sampler import Sampler

MIB = 1 << 20
NO_GPU = NvmlUnavailable("none here")
# A parent that sleeps and a child that computes and holds memory; the child says when it has it.
FAMILY = """
import subprocess, sys
child = "held = bytearray(150 << 20); print('ready', flush=True)\\nwhile True: pass"
subprocess.run([sys.executable, "-c", child])
"""


@pytest.fixture
def family() -> Iterator[int]:
    command = [sys.executable, "-c", FAMILY]
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"ready\n"
        yield parent.pid
        os.killpg(parent.pid, 9)


@pytest.fixture
def dead_pid() -> int:
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def values(sampler: Sampler, pids: list[int]) -> dict[str, float]:
    readings = sampler.sample(pids)
    assert {device for device, _, _ in readings} == {"cpu"}
    return {name: value for _, name, value in readings}


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_the_machine_is_read(family: int) -> None:
    sampler = Sampler([], NO_GPU)
    seen: dict[str, float] = {}

    def utilisation_is_there() -> bool:
        seen.update(values(sampler, []))
        return "util_percent" in seen

    until(utilisation_is_there)
    assert 0 < seen["util_percent"] <= 100
    assert 0 < seen["memory_used_bytes"] < seen["memory_total_bytes"] <= psutil.virtual_memory().total
    assert seen["load_1m"] >= 0
    assert not {"run_rss_bytes", "run_cpu_percent"} & seen.keys()


def test_a_run_is_its_workers_with_all_their_children(family: int) -> None:
    sampler = Sampler([], NO_GPU)
    first = values(sampler, [family])
    assert first["run_rss_bytes"] > 150 * MIB
    assert "run_cpu_percent" not in first
    until(lambda: values(sampler, [family])["run_cpu_percent"] > 10)


def test_dead_and_impossible_processes_are_left_out(family: int, dead_pid: int) -> None:
    sampler = Sampler([], NO_GPU)
    strange = [dead_pid, 0, -1, 1 << 40, 1 << 80]
    assert "run_rss_bytes" not in values(sampler, strange)
    assert values(sampler, [*strange, family])["run_rss_bytes"] > 150 * MIB
    os.killpg(family, 9)
    until(lambda: "run_rss_bytes" not in values(sampler, [*strange, family]))
    assert sampler.notes() == ["no NVIDIA driver: none here"]


@pytest.mark.parametrize("scan", [False, True])
def test_children_are_found_however_the_kernel_tells_of_them(family: int, scan: bool) -> None:
    load = ProcessMeter(scan=scan).read([family, 0])
    assert load is not None
    expected = [psutil.Process(family), *psutil.Process(family).children(recursive=True)]
    assert load[0] == pytest.approx(sum(process.memory_info().rss for process in expected), rel=0.02)


def test_a_process_that_is_older_than_its_first_reading_brings_no_past(family: int) -> None:
    """Its CPU time from before would show as thousands of percent."""
    until(lambda: sum(child.cpu_times().user for child in psutil.Process(family).children()) > 0.5)
    meter = ProcessMeter()
    assert meter.read([]) is None
    load = meter.read([family])
    assert load is not None
    assert load[1] == 0.0


def test_only_the_cpus_that_are_ours_count() -> None:
    """A CPU that is kept busy shows fully; its share of one among all would show less."""
    cpus = sorted(os.sched_getaffinity(0))
    pin = f"import os; os.sched_setaffinity(0, {{{cpus[-1]}}}); print('ready', flush=True)\nwhile True: pass"
    with subprocess.Popen([sys.executable, "-c", pin], stdout=subprocess.PIPE) as busy:
        try:
            assert busy.stdout is not None
            assert busy.stdout.readline() == b"ready\n"
            sampler = Sampler([], NO_GPU, cpus=cpus[-1:])
            until(lambda: values(sampler, []).get("util_percent", 0.0) > 95)
        finally:
            busy.kill()


def test_a_sample_is_cheap(family: int) -> None:
    sampler = Sampler([], NO_GPU)
    took = []
    for _ in range(30):
        started = time.thread_time()
        sampler.sample([family, os.getpid()])
        took.append(time.thread_time() - started)
    assert sorted(took)[len(took) // 2] < 0.005
