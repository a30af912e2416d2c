"""What `bench/overhead.py` trains, and what it trains by itself on a CPU and on a GPU."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from staycourse.core.job import TaskSpec

ROOT = Path(__file__).resolve().parents[1]
DIGITS, STEPS = ROOT / "roadmaps" / "tasks" / "digits.py", ROOT / "bench" / "tasks" / "steps.py"


@dataclass(frozen=True)
class Case:
    """What both sides train; `target` is the least ratio that the project promises."""

    name: str
    file: Path
    args: Mapping[str, Any]
    batch_size: int
    target: float
    lr: float = 3e-3

    @property
    def setup(self) -> dict[str, Any]:
        return {"lr": self.lr, "batch_size": self.batch_size, "dropout": 0.2, "optimizer": "adamw"}

    @property
    def task(self) -> TaskSpec:
        return TaskSpec(str(self.file.parent), self.file.name, str(self.file.parent), dict(self.args))


CASES = {
    "tiny": Case("quickstart's steps", DIGITS, {}, 32, 0.9),
    "tiny-single": Case(
        "tiny steps, samples singly", STEPS, {"one_by_one": 1, "samples": 1500, "width": 8}, 32, 0.9
    ),
    "long": Case("steps of 5 ms and more", STEPS, {"samples": 640, "side": 16, "width": 24}, 32, 0.97),
    "long-single": Case(
        "the same, samples singly",
        STEPS,
        {"one_by_one": 1, "samples": 640, "side": 16, "width": 24},
        32,
        0.97,
    ),
    "large": Case(
        "large steps, for a GPU", STEPS, {"samples": 8192, "side": 32, "width": 128}, 256, 0.97, 1e-3
    ),
}
USUAL = {
    "cpu": ("tiny", "tiny-single", "long", "long-single"),
    "cuda": ("tiny", "tiny-single", "large"),
}
