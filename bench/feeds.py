"""What `bench/data.py` feeds a model with: written once, read by the textbook and by the engine."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from staycourse.core.job import DataSpec, TaskSpec
from staycourse.task.contract import Task

TASKS = Path(__file__).resolve().parent / "tasks"
SHARDS = 200


@dataclass(frozen=True)
class Feed:
    """A kind of data: the task that trains on it, its size and where it lies."""

    name: str
    task: TaskSpec
    batch_size: int
    files: tuple[str, ...] = ()

    @property
    def spec(self) -> DataSpec:
        return DataSpec(split=False, files=self.files)

    def textbook(self, workers: int) -> DataLoader[Any]:
        """What PyTorch's tutorials teach for such data."""
        more: dict[str, Any] = {"num_workers": workers, "persistent_workers": workers > 0}
        if self.files:
            return DataLoader(ShardStream(self.files[0]), batch_size=self.batch_size, **more)
        dataset = Task.load(self.task).call("dataset", stage="train")
        return DataLoader(dataset, batch_size=self.batch_size, shuffle=True, **more)


class ShardStream(IterableDataset[Any]):
    """Shards in a new order each time, dealt out to the workers, the samples of each in a new order."""

    def __init__(self, pattern: str) -> None:
        self.paths = sorted(Path(pattern).parent.glob(Path(pattern).name))
        self.epoch = 0

    def __iter__(self) -> Iterator[Any]:
        self.epoch += 1
        paths = list(self.paths)
        random.Random(self.epoch).shuffle(paths)
        info = get_worker_info()
        for path in itertools.islice(paths, info.id, None, info.num_workers) if info else paths:
            with np.load(path) as arrays:
                images, labels = arrays["image"], arrays["label"]
            for at in np.random.permutation(len(labels)):
                yield torch.from_numpy(images[at]), int(labels[at])


def feeds(folder: Path, samples: int, side: int, width: int, batch_size: int) -> dict[str, Feed]:
    """The three kinds of data, written below the folder."""
    args = {"samples": samples, "side": side, "width": width}

    def task(file: str, **args: Any) -> TaskSpec:
        return TaskSpec(str(TASKS), file, str(folder), args, has_files=file != "feeding.py")

    _write_pictures(folder / "pictures", samples, side)
    _write_shards(folder / "shards", samples, side)
    return {
        "memory": Feed("tensors in memory", task("feeding.py", **args), batch_size),
        "pictures": Feed(
            f"{samples:,} PNG files", task("feeding.py", folder=str(folder / "pictures"), **args), batch_size
        ),
        "shards": Feed(
            f"{SHARDS} shard files",
            task("feeding_shards.py", side=side, width=width),
            batch_size,
            (str(folder / "shards" / "*.npz"),),
        ),
    }


def _write_pictures(folder: Path, samples: int, side: int) -> None:
    folder.mkdir()
    drawn = np.random.default_rng(0)
    for at in range(samples):
        pixels = drawn.integers(0, 256, (side, side, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{at:06}-{drawn.integers(10)}.png")


def _write_shards(folder: Path, samples: int, side: int) -> None:
    folder.mkdir()
    drawn = np.random.default_rng(0)
    for at in range(SHARDS):
        count = samples // SHARDS
        images = drawn.random((count, 3, side, side), dtype=np.float32)
        np.savez(folder / f"{at:04}.npz", image=images, label=drawn.integers(0, 10, count))
