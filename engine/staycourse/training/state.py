"""Where a trial is and what it has seen: all that a checkpoint holds beside model and optimizer."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import Any

from staycourse.training.messages import Row
from staycourse.training.meters import LossMeter

Curve = list[tuple[int, float]]


@dataclass(frozen=True)
class Ended:
    """How a trial ended, and where."""

    outcome: str
    rule: str
    detail: str
    epoch: int
    step: int


@dataclass
class State:
    """`step` parameter updates and `epoch` epochs are done, and `batch` batches of the epoch after.

    `curves` holds (epoch, value) for every metric that is reported once an epoch, a parent's included;
    `rows` all metric rows of this trial, so that rows which a crash took from the supervisor can be sent
    again; `seconds` is the time spent training in earlier attempts.
    """

    step: int = 0
    epoch: int = 0
    batch: int = 0
    meter: LossMeter = field(default_factory=LossMeter)
    curves: dict[str, Curve] = field(default_factory=dict)
    best: tuple[int, float] | None = None
    rows: list[Row] = field(default_factory=list)
    seconds: float = 0.0
    ended: Ended | None = None

    def to_checkpoint(self) -> dict[str, Any]:
        """Plain values only, as `weights_only` loading wants them."""
        ended = self.ended
        return {
            "step": self.step,
            "epoch": self.epoch,
            "batch": self.batch,
            "meter": self.meter.state(),
            "curves": {name: [list(point) for point in curve] for name, curve in self.curves.items()},
            "best": None if self.best is None else list(self.best),
            "rows": json.dumps(self.rows),
            "seconds": self.seconds,
            "ended": None if ended is None else dict(vars(ended)),
        }

    @classmethod
    def of(cls, saved: dict[str, Any]) -> State:
        """The inverse of `to_checkpoint`."""
        return cls(
            step=saved["step"],
            epoch=saved["epoch"],
            batch=saved["batch"],
            meter=LossMeter.of(saved["meter"]),
            curves={name: [(e, v) for e, v in curve] for name, curve in saved["curves"].items()},
            best=None if saved["best"] is None else (saved["best"][0], saved["best"][1]),
            rows=[(name, step, epoch, value) for name, step, epoch, value in json.loads(saved["rows"])],
            seconds=saved["seconds"],
            ended=None if saved["ended"] is None else Ended(**saved["ended"]),
        )

    def continued(self) -> State:
        """The state from which another trial goes on: its own rows and time begin."""
        return State(self.step, self.epoch, self.batch, self.meter, self.curves, self.best)


def is_better(value: float, best: float | None, goal: str) -> bool:
    """Whether a value beats the best so far; NaN beats nothing."""
    if math.isnan(value):
        return False
    if best is None:
        return True
    return value < best if goal == "min" else value > best


def last_finite(state: State) -> str:
    """The last values that were numbers, in words; empty if there were none."""
    loss = [] if state.meter.last is None else [f"the last finite loss was {state.meter.last:.6g}"]
    metrics = [
        f"{name} {value:.6g} at epoch {epoch}"
        for name, curve in state.curves.items()
        for epoch, value in [point for point in curve if math.isfinite(point[1])][-1:]
        if name != "train_loss"
    ]
    return "".join(f"; {words}" for words in [*loss, *metrics])
