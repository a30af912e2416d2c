"""How well each data path feeds a model: `python bench/data.py`.

Samples per second of training on tensors in memory, on many small image files and on 200 shard files, which
are written first. Beside the engine stand (a) the textbook's DataLoader loop, (b) the same with as many
workers as are best of those tried, and (c) the limit: the same steps with one batch that is already in place.
Ways take turns, round after round; of each run the last epochs count: workers have started by then, and
`auto` has made its choice. `share` is of the limit, `beside (b)` the ratio of the same round, both medians.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "engine"))

import torch  # noqa: E402
from feeds import Feed, feeds  # noqa: E402

from staycourse.core.job import Job  # noqa: E402
from staycourse.task.contract import Setup, Task  # noqa: E402
from staycourse.training import resident_loader  # noqa: E402
from staycourse.training.checkpoint import Checkpoints  # noqa: E402
from staycourse.training.device import to_device  # noqa: E402
from staycourse.training.loop import Loop  # noqa: E402
from staycourse.training.messages import Events, Orders  # noqa: E402
from staycourse.training.trial import Trial  # noqa: E402

SETUP = {"lr": 1e-3, "optimizer": "adamw"}
NUMBERS = (0, 1, 2, 3, 4)
# Epochs: those that count, and those before them.
COUNTED, BEFORE = 4, 2
# The tuner looks at three numbers, three seconds each.
CHOOSING_S = 12.0


@dataclass(frozen=True)
class Rate:
    """Samples per second, and with how many loader workers."""

    samples_per_s: float
    workers: int = 0


class Kept:
    """Takes a trial's messages, and keeps the seconds of its epochs."""

    def __init__(self) -> None:
        self.epochs: list[float] = []

    def send(self, message: dict[str, Any]) -> None:
        if message["type"] == "timing":
            self.epochs += [float(row[3]) for row in message["rows"] if row[0] == "epoch_s"]


def steps(feed: Feed, device: torch.device) -> tuple[Callable[[Any], None], Task]:
    """The textbook's step."""
    os.chdir(feed.task.folder)
    task = Task.load(feed.task)
    torch.manual_seed(0)
    model = task.call("model", hp=Setup(SETUP)).to(device).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=SETUP["lr"])

    def step(batch: Any) -> None:
        optimizer.zero_grad()
        loss = task.call("loss", model, batch)
        loss.backward()
        optimizer.step()
        loss.item()

    return step, task


def limit(feed: Feed, epochs: int, device: torch.device, samples: int) -> Rate:
    """One batch in place, again and again."""
    step, _ = steps(feed, device)
    batch = to_device(next(iter(feed.textbook(0))), device)
    seconds = []
    for _ in range(epochs):
        began = time.perf_counter()
        for _ in range(samples // feed.batch_size):
            step(batch)
        seconds.append(time.perf_counter() - began)
    return Rate(samples // feed.batch_size * feed.batch_size / statistics.median(seconds[-COUNTED:]))


def textbook(feed: Feed, epochs: int, device: torch.device, samples: int, workers: int) -> Rate:
    step, _ = steps(feed, device)
    loader = feed.textbook(workers)
    seconds = []
    for _ in range(epochs):
        began = time.perf_counter()
        for batch in loader:
            step(to_device(batch, device))
        seconds.append(time.perf_counter() - began)
    return Rate(samples / statistics.median(seconds[-COUNTED:]), workers)


def engine(feed: Feed, epochs: int, device: torch.device, samples: int, **data: Any) -> Rate:
    """The loop that a worker runs."""
    with tempfile.TemporaryDirectory() as folder:
        kept = Kept()
        job = Job(
            trial="t1",
            folder=folder,
            task=feed.task,
            setup={**SETUP, "batch_size": feed.batch_size},
            seed=0,
            repetition=0,
            epochs=epochs,
            horizon=epochs,
            data=replace(feed.spec, **data),
            device=str(device),
        )
        os.chdir(feed.task.folder)
        trial = Trial.prepare(job)
        loop = Loop(trial, Checkpoints(Path(folder)), Events(kept), Orders(None))
        loop.run()
        trial.loader.close()
        return Rate(samples / statistics.median(kept.epochs[-COUNTED:]), trial.loader.workers)


def resident(feed: Feed) -> dict[str, Any]:
    """What the run's loader process would have in memory; kept by this one."""
    request = {"task": asdict(feed.task), "data": asdict(replace(feed.spec, split=True))}
    loaded = resident_loader.load(request | {"seed": 0, "most_bytes": 1 << 40, "workers": 2})
    KEEP.append(loaded)
    return loaded.describe()


KEEP: list[Any] = []


def measure(feed: Feed, rounds: int, device: torch.device, samples: int) -> None:
    """Print the table of one kind of data."""
    epochs = BEFORE + COUNTED
    few = {number: textbook(feed, epochs, device, samples, number) for number in NUMBERS}
    tuned = max(few, key=lambda number: few[number].samples_per_s)
    choosing = math.ceil(CHOOSING_S * few[tuned].samples_per_s / samples)
    described = resident(feed)
    ways: dict[str, Callable[[], Rate]] = {
        "(c) the limit": lambda: limit(feed, epochs, device, samples),
        "(a) textbook": lambda: textbook(feed, epochs, device, samples, 0),
        f"(b) textbook, {tuned} workers": lambda: textbook(feed, epochs, device, samples, tuned),
        "engine, auto": lambda: engine(feed, choosing + COUNTED, device, samples),
        "engine, resident": lambda: engine(feed, epochs, device, samples, resident=described),
    }
    for number in NUMBERS[:4]:
        ways[f"engine, {number} workers"] = lambda n=number: engine(feed, epochs, device, samples, workers=n)
    found: dict[str, list[Rate]] = {name: [] for name in ways}
    for number in range(rounds):
        names = list(ways) if number % 2 == 0 else list(ways)[::-1]
        for name in names:
            found[name].append(ways[name]())
    report(feed, found)


def report(feed: Feed, found: dict[str, list[Rate]]) -> None:
    names = list(found)
    say(f"\n{feed.name}, batches of {feed.batch_size}")
    say(f"  {'way':<24} {'samples/s':>10} {'share':>7} {'beside (b)':>11} {'best rounds':>12}  workers")
    best_tuned = max(rate.samples_per_s for rate in found[names[2]])
    for name in names:
        rates = [rate.samples_per_s for rate in found[name]]
        share = _ratio(found[name], found[names[0]])
        beside = _ratio(found[name], found[names[2]])
        workers = ", ".join(map(str, sorted({rate.workers for rate in found[name]})))
        say(
            f"  {name:<24} {statistics.median(rates):>10.0f} {share:>7.3f} {beside:>11.3f} "
            f"{max(rates) / best_tuned:>12.3f}  {workers}"
        )
    fixed = [name for name in names if name.endswith("workers") and name.startswith("engine")]
    fastest = max(fixed, key=lambda name: statistics.median(r.samples_per_s for r in found[name]))
    auto = _ratio(found["engine, auto"], found[fastest])
    say(f"  auto beside the best fixed number ({fastest}): {auto:.3f}")


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _ratio(of: list[Rate], to: list[Rate]) -> float:
    return statistics.median(a.samples_per_s / b.samples_per_s for a, b in zip(of, to, strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--samples", type=int, default=8000)
    parser.add_argument("--side", type=int, default=32)
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--batch-size", type=int, default=100)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--kind", choices=("memory", "pictures", "shards"), action="append")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore", message="This DataLoader will create")
    device = torch.device(chosen.device)
    where = (
        torch.cuda.get_device_name(device) if device.type == "cuda" else f"{os.cpu_count()} CPUs, one thread"
    )
    say(f"torch {torch.__version__}, {where}")
    with tempfile.TemporaryDirectory() as folder:
        kinds = feeds(Path(folder), chosen.samples, chosen.side, chosen.width, chosen.batch_size)
        for name in chosen.kind or kinds:
            measure(kinds[name], chosen.rounds, device, chosen.samples)


if __name__ == "__main__":
    main()
