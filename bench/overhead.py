"""What the engine's training loop costs beside a textbook PyTorch loop: `python bench/overhead.py`.

Both sides train the same model on as many samples for as many steps, in one process, on one CPU or one GPU,
with the same number of threads and loader workers, and validate after each epoch. They take turns, and who
begins changes from round to round. The engine's side is what a worker runs (`Trial.prepare`, then
`Loop.run`), with messages sent through a pipe that another process reads, and the last checkpoint and the
best weights written to disk. The textbook writes nothing. Set-up is timed on neither side.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "engine"))

import torch  # noqa: E402
from cases import CASES, USUAL, Case  # noqa: E402
from torch import nn  # noqa: E402
from torch.utils.data import DataLoader, random_split  # noqa: E402

from staycourse.core.job import DataSpec, Job  # noqa: E402
from staycourse.task.contract import Task  # noqa: E402
from staycourse.training.checkpoint import Checkpoints  # noqa: E402
from staycourse.training.loop import Loop  # noqa: E402
from staycourse.training.messages import Events, Orders, PipeSink  # noqa: E402
from staycourse.training.trial import Trial  # noqa: E402

VALIDATION = 0.2
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}
clock = CLOCKS["wall"]


@dataclass(frozen=True)
class Timed:
    """Samples trained on, parameter updates, and the seconds they took, validation included."""

    samples: int
    steps: int
    seconds: float

    @property
    def samples_per_s(self) -> float:
        return self.samples / self.seconds

    @property
    def step_ms(self) -> float:
        return 1000 * self.seconds / self.steps


@dataclass(frozen=True)
class Way:
    """How both sides train: where, with how many loader workers, and whether they count accuracy."""

    device: torch.device
    workers: int
    metrics: bool


def textbook(case: Case, epochs: int, way: Way) -> Timed:
    """The loop that PyTorch's tutorials teach."""
    device = way.device
    task = Task.load(case.task)
    torch.manual_seed(0)
    dataset = task.call("dataset", stage="train")
    held_out = round(len(dataset) * VALIDATION)
    train_set, validation_set = random_split(dataset, [len(dataset) - held_out, held_out])
    train_loader = DataLoader(train_set, batch_size=case.batch_size, shuffle=True, **_loader(way.workers))
    validation_loader = DataLoader(validation_set, batch_size=case.batch_size, **_loader(way.workers))
    model: nn.Module = task.call("model", hp=case.setup).to(device)
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.AdamW(model.parameters(), lr=case.lr)

    steps = 0
    began = clock()
    for _ in range(epochs):
        model.train()
        running = 0.0
        for images, labels in train_loader:
            images, labels = images.to(device), labels.to(device)
            optimizer.zero_grad()
            loss = criterion(model(images), labels)
            loss.backward()
            optimizer.step()
            running += loss.item()
            steps += 1
        model.eval()
        total, correct = 0.0, 0
        with torch.no_grad():
            for images, labels in validation_loader:
                images, labels = images.to(device), labels.to(device)
                outputs = model(images)
                total += criterion(outputs, labels).item() * len(labels)
                if way.metrics:
                    correct += (outputs.argmax(dim=1) == labels).sum().item()
    seconds = clock() - began
    assert math.isfinite(running + total / held_out + correct / held_out)
    return Timed(len(train_set) * epochs, steps, seconds)


def _loader(workers: int) -> dict[str, Any]:
    return {"num_workers": workers, "persistent_workers": workers > 0}


def engine(case: Case, epochs: int, way: Way) -> Timed:
    """The engine's own loop, as a worker runs it after its fork."""
    with tempfile.TemporaryDirectory() as folder, _reader() as events_fd, _orders() as orders_fd:
        job = Job(
            trial="t1",
            folder=folder,
            task=case.task,
            setup=case.setup,
            seed=0,
            repetition=0,
            epochs=epochs,
            horizon=epochs,
            data=DataSpec(validation=VALIDATION, workers=way.workers),
            device=str(way.device),
        )
        trial = Trial.prepare(job)
        if not way.metrics:
            trial.task.functions = {k: f for k, f in trial.task.functions.items() if k != "metrics"}
        loop = Loop(trial, Checkpoints(Path(folder)), Events(PipeSink(events_fd)), Orders(orders_fd))
        began = clock()
        ended = loop.run()
        seconds = clock() - began
        trial.loader.close()
        assert ended["outcome"] == "completed" and ended["epoch"] == epochs
        return Timed(len(trial.data.train) * epochs, ended["step"], seconds)


@contextmanager
def _reader() -> Iterator[int]:
    """A pipe that another process reads to its end, as the supervisor does."""
    reader = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    assert reader.stdin is not None
    try:
        yield reader.stdin.fileno()
    finally:
        reader.stdin.close()
        reader.wait()


@contextmanager
def _orders() -> Iterator[int]:
    """A pipe on which no order comes."""
    read, write = os.pipe()
    try:
        yield read
    finally:
        os.close(read)
        os.close(write)


def compare(case: Case, rounds: int, seconds: float, way: Way) -> list[tuple[Timed, Timed]]:
    """(textbook, engine) of each round, after one of each that does not count."""
    epochs = max(2, math.ceil(seconds / _epoch_seconds(case, way)))
    sides: list[Callable[[], Timed]] = [
        lambda: textbook(case, epochs, way),
        lambda: engine(case, epochs, way),
    ]
    engine(case, 2, way)
    pairs = []
    for number in range(rounds):
        order = (0, 1) if number % 2 == 0 else (1, 0)
        timed = {side: sides[side]() for side in order}
        assert timed[0].samples == timed[1].samples and timed[0].steps == timed[1].steps
        pairs.append((timed[0], timed[1]))
    return pairs


def _epoch_seconds(case: Case, way: Way) -> float:
    textbook(case, 1, way)
    return textbook(case, 2, way).seconds / 2


def row(case: Case, pairs: list[tuple[Timed, Timed]]) -> str:
    """One line of the table: medians, and the spread of the ratio over the rounds."""
    ratios = sorted(engine.samples_per_s / textbook.samples_per_s for textbook, engine in pairs)
    plain = statistics.median(textbook.samples_per_s for textbook, _ in pairs)
    own = statistics.median(engine.samples_per_s for _, engine in pairs)
    step = statistics.median(textbook.step_ms for textbook, _ in pairs)
    ratio = statistics.median(ratios)
    best = max(e.samples_per_s for _, e in pairs) / max(t.samples_per_s for t, _ in pairs)
    verdict = "ok" if ratio >= case.target else "MISSED"
    spread = f"{ratios[0]:.3f} .. {ratios[-1]:.3f}"
    return (
        f"{case.name:<27} {step:>8.2f} {plain:>12.0f} {own:>12.0f} {ratio:>7.3f}  {spread:<16} {best:>6.3f} "
        f"{case.target:>6.2f}  {verdict}"
    )


def settle(cpu: int | None, threads: int, device: torch.device) -> str:
    """Make the process that of both sides; returns it in words."""
    torch.set_num_threads(threads)
    chosen = max(os.sched_getaffinity(0)) if cpu is None else cpu
    if threads == 1:
        os.sched_setaffinity(0, {chosen})
    where = f"CPU {chosen}" if threads == 1 else f"CPUs {sorted(os.sched_getaffinity(0))}"
    gpu = f"{torch.cuda.get_device_name(device)}, " if device.type == "cuda" else ""
    return f"{gpu}torch {torch.__version__}, {threads} thread{'s' if threads > 1 else ''}, {where}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=9, help="pairs of runs for each case")
    parser.add_argument("--seconds", type=float, default=2.0, help="length of one run, roughly")
    parser.add_argument("--device", default="cpu", help="where both sides train: cpu, or a GPU as cuda")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads; with one, one CPU")
    parser.add_argument("--workers", type=int, default=0, help="loader workers of both sides")
    parser.add_argument("--cpu", type=int, help="the CPU to run on (default: the last)")
    parser.add_argument(
        "--clock", choices=CLOCKS, default="wall", help="cpu: where others keep the machine busy"
    )
    parser.add_argument("--case", choices=CASES, action="append", help="one case only; may be repeated")
    parser.add_argument(
        "--no-metrics",
        action="store_true",
        help="validate the loss only, on both sides",
    )
    parser.add_argument(
        "--cost",
        action="store_true",
        help="instead: what sealing, chaining and checkpointing take of a campaign (4 min)",
    )
    parser.add_argument("--cost-epochs", type=int, default=200, help="epochs of each of its trials")
    parser.add_argument("--cost-width", type=int, default=24, help="width of its model")
    args = parser.parse_args()
    if args.cost:
        import cost

        for line in cost.report(cost.measure(args.cost_epochs, args.cost_width)):
            sys.stdout.write(line + "\n")
        return
    global clock
    clock = CLOCKS[args.clock]
    device = torch.device("cuda:0" if args.device == "cuda" else args.device)
    way = Way(device, args.workers, not args.no_metrics)
    said = settle(args.cpu, args.threads, device)
    sys.stdout.write(
        f"{said}, {args.workers} loader workers, {args.rounds} rounds of about {args.seconds:g} s a side\n"
        "samples per second, validation included; ratio = engine / textbook: median and range of\n"
        "the rounds; best = the fastest round of one side against that of the other\n\n"
        f"{'':<27} {'step, ms':>8} {'textbook, /s':>12} {'engine, /s':>12} {'ratio':>7}  "
        f"{'range':<16} {'best':>6} {'target':>6}\n"
    )
    for name in args.case or USUAL[device.type]:
        pairs = compare(CASES[name], args.rounds, args.seconds, way)
        sys.stdout.write(row(CASES[name], pairs) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
