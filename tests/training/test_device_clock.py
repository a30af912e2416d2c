"""The clock of a GPU's part of a step, with a queue whose marks are passed when the test says so."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import pytest
import torch

from staycourse.training.clock import Pace
from staycourse.training.device_clock import STRIDE, DeviceClock, device_clock
from staycourse.training.messages import Events


class Told:
    """Keeps what is sent."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []

    def send(self, message: dict[str, Any]) -> None:
        self.messages.append(message)


@dataclass
class Queue:
    """What a GPU does: marks are put in at once, and passed later, at its own times (ms)."""

    put: list[Mark] = field(default_factory=list)
    passed: int = 0
    made: int = 0

    def event(self) -> Mark:
        self.made += 1
        return Mark(self)

    def work_off(self, *times: float) -> None:
        for mark, at in zip(self.put[self.passed :], times, strict=False):
            mark.time = at
            self.passed += 1


@dataclass
class Mark:
    queue: Queue
    time: float | None = None

    def record(self) -> None:
        self.time = None
        self.queue.put.append(self)

    def query(self) -> bool:
        return self.time is not None

    def elapsed_time(self, end: Mark) -> float:
        assert self.time is not None and end.time is not None, "that would wait for the GPU"
        return end.time - self.time


def steps(clock: DeviceClock, count: int) -> None:
    for _ in range(count):
        clock.copying()
        clock.computing()
        clock.done()


def test_marks_are_read_once_the_gpu_has_passed_them_all() -> None:
    queue = Queue()
    clock = DeviceClock(queue.event, lambda: 0.0)
    steps(clock, 2 * STRIDE)
    assert len(queue.put) == 6 and clock.means() is None
    queue.work_off(10.0, 12.0, 30.0, 100.0, 104.0)
    assert clock.means() == (2.0, 18.0)
    assert clock.means() is None
    queue.work_off(134.0)
    assert clock.means() == (4.0, 30.0)


def test_marks_are_used_again_and_a_gpu_that_is_far_behind_gets_no_more() -> None:
    queue = Queue()
    clock = DeviceClock(queue.event, lambda: 0.0)
    for _ in range(50):
        steps(clock, STRIDE)
        queue.work_off(1.0, 2.0, 3.0)
        assert clock.means() == (1.0, 1.0)
    assert queue.made == 3
    steps(clock, 1000 * STRIDE)
    assert 3 < queue.made <= 3 * 32


def test_a_step_that_raises_leaves_no_half_of_its_marks() -> None:
    queue = Queue()
    clock = DeviceClock(queue.event, lambda: 0.0)
    steps(clock, STRIDE - 1)
    clock.copying()  # and the copy fails
    steps(clock, STRIDE)
    queue.work_off(0.0, 5.0, 6.0, 8.0)
    assert clock.means() == (1.0, 2.0)


def test_slow_steps_are_all_marked() -> None:
    queue, now = Queue(), [0.0]
    clock = DeviceClock(queue.event, lambda: now[0])
    for _ in range(3):
        now[0] += 0.2
        steps(clock, 1)
    assert len(queue.put) == 9


@pytest.mark.parametrize(("compute_ms", "wait_ms"), [(18.0, 1.0), (3.0, 15.0), (30.0, 0.0)])
def test_of_the_hosts_waiting_only_what_the_gpu_does_not_cover_counts(
    compute_ms: float, wait_ms: float
) -> None:
    """The host waits 15 of 20 ms for the next batch; the GPU copies for one and computes meanwhile."""
    queue, told = Queue(), Told()
    pace = Pace(Events(told), torch.device("cpu"))
    later = time.perf_counter() + 1.0
    pace.device_clock = DeviceClock(queue.event, lambda: 0.0)
    steps(pace.device_clock, STRIDE)
    queue.work_off(0.0, 1.0, 1.0 + compute_ms)
    pace.count(50, 400, waited=0.75, copied=0.2)
    pace.timing(later, 50, 1)
    pace.progress(later, 50, 1, 50)
    values = {name: value for name, _, _, value in told.messages[0]["rows"]}
    assert values["step_ms"] == pytest.approx(20.0, rel=0.02)
    assert (values["copy_ms"], values["compute_ms"]) == (1.0, compute_ms)
    assert values["wait_ms"] == pytest.approx(wait_ms, abs=0.4)
    assert values["wait_share"] == pytest.approx(wait_ms / 20, abs=0.02)


def test_a_cpu_has_no_clock_of_its_own() -> None:
    assert device_clock(torch.device("cpu")) is None


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")
def test_what_a_gpu_computes_is_not_the_hosts_time() -> None:
    device = torch.device("cuda:0")
    clock = device_clock(device)
    assert clock is not None
    small, large = torch.ones(1 << 20).pin_memory(), torch.ones(4096, 4096, device=device)
    for _ in range(10 * STRIDE):
        clock.copying()
        small.to(device, non_blocking=True)
        clock.computing()
        for _ in range(20):
            large @ large
        clock.done()
    torch.cuda.synchronize()
    parts = clock.means()
    # Twenty products of 137 GFLOP each; 4 MiB over the bus.
    assert parts is not None and 0 < parts.copy_ms < parts.compute_ms and parts.compute_ms > 2
