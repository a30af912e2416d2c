"""The number of loader workers: near the best of all numbers, whatever fetching and computing take."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from tests.support.trials import BLOBS, make_job, train, write_task

from staycourse.training.tuning import WorkerTuner

MOST = 8


def step_seconds(workers: int, fetch: float, compute: float, cpus: int) -> tuple[float, float]:
    """(seconds, waited) of a step in a machine where `workers` share the CPUs that training leaves."""
    if workers == 0:
        return fetch + compute, fetch
    fetched_every = fetch / min(workers, max(cpus - 1, 0.5))
    return max(compute, fetched_every), max(0.0, fetched_every - compute)


def tuned(begin: int, fetch: float, compute: float, cpus: int) -> WorkerTuner:
    tuner = WorkerTuner(begin, MOST)
    for _ in range(200_000):
        seconds, waited = step_seconds(tuner.workers, fetch, compute, cpus)
        tuner.observe(1, 32, seconds, waited)
        if tuner.is_settled:
            break
    return tuner


@pytest.mark.parametrize(
    ("fetch", "compute", "cpus", "begin"),
    list(itertools.product((0.0001, 0.004, 0.03, 0.4), (0.001, 0.02, 0.1), (1, 2, 4, 16), (0, 1, 3))),
)
def test_it_settles_near_the_best_number(fetch: float, compute: float, cpus: int, begin: int) -> None:
    tuner = tuned(begin, fetch, compute, cpus)
    best = min(step_seconds(n, fetch, compute, cpus)[0] for n in range(begin, MOST + 1))
    assert step_seconds(tuner.workers, fetch, compute, cpus)[0] <= 1.05 * best
    assert tuner.workers <= MOST


def test_no_more_workers_are_kept_than_are_of_use() -> None:
    assert tuned(0, 0.0001, 0.02, 16).workers == 0
    assert tuned(0, 0.03, 0.02, 16).workers == 2
    assert tuned(1, 0.01, 0.02, 16).workers == 1


def test_the_first_steps_of_new_workers_do_not_count() -> None:
    tuner = WorkerTuner(0, MOST)
    while tuner.workers == 0:
        tuner.observe(1, 32, 0.05, 0.04)
    chosen = tuner.workers
    for _ in range(2 * (chosen + 1)):
        tuner.observe(1, 32, 1.0, 0.99)  # a process starts
    while not tuner.is_settled:
        tuner.observe(1, 32, 0.011, 0.0001)
    assert tuner.workers == chosen
    assert tuner.rates[chosen] == pytest.approx(32 / 0.011, rel=0.01)


@pytest.mark.slow
def test_a_trial_that_waits_for_its_data_takes_more_workers(tmp_path: Path) -> None:
    """Ten samples of 4 ms a batch beside steps of a millisecond; the data draws, so it cannot be resident."""
    slow = BLOBS.replace("    return TensorDataset(x, (x.sum(1) > 0).long())", "    return Slow(x)")
    slow += """
import time
class Slow(torch.utils.data.Dataset):
    def __init__(self, x): self.x = x
    def __len__(self): return len(self.x)
    def __getitem__(self, index):
        time.sleep(0.004)
        return self.x[index] + 0.01 * torch.rand(4), int(self.x[index].sum() > 0)
"""
    setup = {"lr": 0.01, "batch_size": 10}
    told = train(make_job(tmp_path / "t", write_task(tmp_path, slow), setup=setup, epochs=30))
    assert told.one("ready")["data_path"] == "workers"
    settled = told.all("loading")[-1]
    rates = {int(number): rate for number, rate in settled["worker_rates"].items()}
    assert len(rates) > 1
    assert rates[settled["loader_workers"]] >= 0.9 * max(rates.values())
    fixed = train(
        make_job(tmp_path / "u", write_task(tmp_path, slow), setup=setup, epochs=30, data={"workers": 2})
    )
    assert told.rows() == fixed.rows()
