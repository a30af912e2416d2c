"""What was measured of one attempt so far, and what a judge may make of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Step:
    """A mean training step of late, in milliseconds: waiting for data, copying it to the device, computing.

    It is the mean over `steps` steps that took `seconds` in all.
    """

    wait_ms: float
    copy_ms: float
    compute_ms: float
    steps: int
    seconds: float

    @property
    def busy_ms(self) -> float:
        """What a step takes without waiting."""
        return self.copy_ms + self.compute_ms

    @property
    def wait_share(self) -> float:
        """Waiting as a share of the whole step."""
        whole = self.wait_ms + self.busy_ms
        return self.wait_ms / whole if whole > 0 else 0.0


@dataclass(frozen=True)
class Epoch:
    """A finished epoch: its number (from 1), its seconds with validation, and what was in use at its end.

    `steps` and `batch_size` say how much work it was: only epochs of equal work are compared. Memory is in
    bytes: `host_bytes` resident, `device_bytes` in tensors that live. `wait_s` is the part of `validation_s`
    that waited for data.
    """

    number: int
    seconds: float
    steps: int | None = None
    batch_size: float | None = None
    host_bytes: float | None = None
    device_bytes: float | None = None
    validation_s: float | None = None
    validation_wait_s: float | None = None


@dataclass(frozen=True)
class Signs:
    """An attempt so far. None and () stand for what is not known: whoever needs it then says nothing.

    `workers` are its loader workers, `cpus` those that it may use, `cpu_load` how busy these are; `loads` are
    means of the GPU's utilisation while it trains and while it validates; shares and loads go from 0 to 1.
    `memory_share` is the part of the GPU's memory in use.
    """

    has_gpu: bool = False
    workers: int | None = None
    cpus: int | None = None
    cpu_load: float | None = None
    batch_size: float | None = None
    step: Step | None = None
    epochs: tuple[Epoch, ...] = ()
    training_load: float | None = None
    validation_load: float | None = None
    memory_share: float | None = None


@dataclass(frozen=True)
class Slowdown:
    """What holds an attempt up: its `kind`, a sentence with figures and what would help, and `share`, how bad
    it is compared with others of its kind. `figures` are JSON values."""

    kind: str
    text: str
    share: float
    figures: Mapping[str, Any] = field(default_factory=dict)


def percent(share: float) -> str:
    """`63%`; below ten one digit more, so that a small share is not called none."""
    return f"{100 * share:.0f}%" if share >= 0.0995 else f"{100 * share:.1f}%"


def rounded(value: float) -> float:
    """Four significant digits: figures are for reading."""
    return float(f"{value:.4g}")
