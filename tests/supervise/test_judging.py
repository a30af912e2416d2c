"""What an attempt tells over its pipe, and the sensors of its GPU, become events: each once."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.support.sample_run import Campaign

from staycourse.core import events as ev
from staycourse.hardware.gpus import Gpu
from staycourse.record.reader import reading
from staycourse.record.store import Store
from staycourse.supervise.attempt import Attempt
from staycourse.supervise.channel import Inbox, Outbox
from staycourse.supervise.gauges import Gauges
from staycourse.supervise.slots import Slot
from staycourse.supervise.slowdowns import Slowdowns
from staycourse.supervise.spawner import Child


@dataclass
class Bench:
    """One attempt on the second of two GPUs, whose worker is this test; time passes when it says so."""

    store: Store
    attempt: Attempt
    words: int
    passed: float = 0.0
    steps: int = 0
    slowdowns: Slowdowns = field(init=False)

    def __post_init__(self) -> None:
        began = self.attempt.moved
        self.slowdowns = Slowdowns(self.store, lambda: began + self.passed)
        self.tell("ready", step=0, loader_workers=2)

    def tell(self, kind: str, **body: Any) -> None:
        os.write(self.words, json.dumps({"type": kind, **body}).encode() + b"\n")
        self.attempt.hear(self.store)

    def train(self, seconds: int, *, wait_ms: float = 0.0, load: float = 95.0) -> None:
        """Steps of 20 ms, a reading and a sample a second, and a look."""
        for _ in range(seconds):
            self.passed += 1.0
            self.steps += 50
            values = {"step_ms": 20.0, "wait_ms": wait_ms, "copy_ms": 1.0, "compute_ms": 19.0 - wait_ms}
            self.tell("timing", rows=[(name, self.steps, 1, value) for name, value in values.items()])
            self.tell("progress", step=self.steps, epoch=1, steps_per_epoch=50)
            self.slowdowns.sample([*gpu(0, 99.0), *gpu(1, load)], [self.attempt])
            self.slowdowns.look([self.attempt])

    def end_epoch(self, number: int, **more: float) -> None:
        rows = {"epoch_s": 10.0, **more}
        self.tell("metrics", rows=[("batch_size", self.steps, number, 8.0)])
        self.tell("timing", rows=[(name, self.steps, number, value) for name, value in rows.items()])

    @property
    def told(self) -> list[str]:
        return [seen.text for seen in self.store.state.trials["t1"].slowdowns]


def gpu(number: int, load: float) -> list[tuple[str, str, float]]:
    values = {"util_percent": load, "memory_used_bytes": 2.4e9, "memory_total_bytes": 8e10}
    return [(f"gpu{number}", name, value) for name, value in values.items()]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    store = Campaign(tmp_path / "digits-1").store
    store.append(ev.TrialPlanned("t1", 0, "k", {"lr": 0.1}, 9, 9), ev.TrialStarted("t1", 1, "gpu1", 1, 1.0))
    events, words = os.pipe()
    read, orders = os.pipe()
    child = Child("t1-1", Outbox(orders), Inbox(events))
    slot = Slot("gpu1", Gpu(1, "GPU-1", "H100", 0))
    yield Bench(store, Attempt("t1", 1, slot, child, gauges=Gauges(has_gpu=True)), words)
    for descriptor in (read, words):
        os.close(descriptor)
    child.orders.close()
    child.events.close()
    store.close(final=False)


def test_a_gpu_that_is_hardly_used_is_told_once(bench: Bench) -> None:
    bench.end_epoch(1)
    bench.train(12, load=20.0)
    (said,) = bench.told
    assert said == (
        "batch too small for this GPU: 20% load and 3.0% of its memory in training at batch_size 8; a larger "
        "one would cost little time"
    )
    head = bench.store.head
    bench.train(20, load=20.0)
    assert bench.store.head == head


def test_the_load_of_another_gpu_is_nobodys_here(bench: Bench) -> None:
    bench.end_epoch(1)
    bench.train(12, load=95.0)
    assert bench.told == []


def test_what_becomes_clearly_worse_is_told_again(bench: Bench) -> None:
    bench.end_epoch(1)
    bench.train(70, wait_ms=5.0)
    assert bench.told == ["starved: 25% of a step waits for data; 2 workers, 3 would do"]
    head = bench.store.head
    bench.train(70, wait_ms=8.0)
    assert bench.store.head == head
    bench.train(70, wait_ms=16.0)
    (said,) = bench.told
    assert said.startswith("starved: 5") and bench.store.head[0] == head[0] + 1


def test_another_attempt_does_not_tell_it_again(bench: Bench) -> None:
    bench.end_epoch(1)
    bench.train(10, wait_ms=5.0)
    head = bench.store.head
    bench.attempt.number = 2
    bench.train(20, wait_ms=5.0)
    assert bench.told and bench.store.head == head


def test_the_last_epoch_is_judged_with_the_last_word(bench: Bench) -> None:
    for number in range(1, 8):
        bench.steps += 100
        bench.end_epoch(number, epoch_rss_bytes=1e9 + 2e8 * number)
    bench.tell("ended", outcome="completed")
    bench.slowdowns.look([bench.attempt])
    assert bench.told == ["memory grows: 1.30 to 2.24 GiB in 6 epochs: losses kept with their graphs?"]


def test_the_trend_of_the_epochs_is_on_record(bench: Bench) -> None:
    for number in range(1, 5):
        bench.steps += 100
        bench.end_epoch(number, epoch_s=40.0 + number)
    bench.store.flush()
    with reading(bench.store.paths.database) as db:
        rows = db.execute("SELECT step, epoch, value FROM timing WHERE name = 'epoch_trend'").fetchall()
    assert rows == [(400, 4, pytest.approx(1 / 43))]
