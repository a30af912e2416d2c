"""Mixed spaces as trainings have them, by formula: with and without noise, interactions and skew."""

from __future__ import annotations

import math
from collections.abc import Iterator

from objectives.base import Objective
from staycourse.core.space import Choice, Condition, Interval, Setup, Space

_LR = Interval("lr", 1e-5, 1e-1, log=True)
_BATCH = Interval("batch_size", 4, 512, log=True, integer=True)
_OPTIMIZER = Choice("optimizer", ("adamw", "sgd", "adam"))
_SCHEDULE = Choice("schedule", ("constant", "late", "decay", "hybrid"))
_DROPOUT = Interval("dropout", 0.0, 0.6)
_MOMENTUM = Interval("momentum", 0.5, 0.99, when=(Condition("optimizer", ("sgd",)),))
_CHANCE = math.log(10)


def objectives() -> Iterator[Objective]:
    """Five of them, from 3 to 6 hyperparameters."""
    separable = Space((_LR, _BATCH, _OPTIMIZER, _SCHEDULE))
    yield Objective("separable", "synthetic", separable, _separable)
    ridge = Space((_LR, _BATCH, _OPTIMIZER, _DROPOUT))
    yield Objective("ridge", "synthetic", ridge, _ridge)
    yield Objective("ridge, noisy", "synthetic", ridge, _ridge, noise=0.02)
    whole = Space((_LR, _BATCH, _OPTIMIZER, _MOMENTUM, _DROPOUT, _SCHEDULE))
    yield Objective("skewed, noisy", "synthetic", whole, _skewed, noise=0.01)
    narrow = Space((_LR, _DROPOUT, Interval("width", 16, 256, log=True, integer=True)))
    yield Objective("valley", "synthetic", narrow, _valley)


def _logs(setup: Setup) -> tuple[float, float]:
    return math.log10(float(setup["lr"])), math.log2(float(setup.get("batch_size", 32)))


def _separable(setup: Setup) -> float:
    lr, batch = _logs(setup)
    optimizer = {"adamw": 0.0, "sgd": 0.12, "adam": 0.03}[str(setup["optimizer"])]
    schedule = {"constant": 0.08, "late": 0.015, "decay": 0.0, "hybrid": 0.03}[str(setup["schedule"])]
    return 0.4 + 0.08 * (lr + 3.4) ** 2 + 0.015 * (batch - 5.3) ** 2 + optimizer + schedule


def _ridge(setup: Setup) -> float:
    """The best learning rate grows with the square root of the batch, and is another one for SGD."""
    lr, batch = _logs(setup)
    best = {"adamw": -3.3, "sgd": -1.6, "adam": -3.5}[str(setup["optimizer"])] + 0.15 * (batch - 5)
    level = {"adamw": 0.30, "sgd": 0.31, "adam": 0.33}[str(setup["optimizer"])]
    off = 0.25 * math.log1p(1.5 * (lr - best) ** 2)
    return level + off + 0.008 * (batch - 4.6) ** 2 + 0.5 * (float(setup["dropout"]) - 0.22) ** 2


def _skewed(setup: Setup) -> float:
    """Too small a learning rate learns little by little, too large a one nothing at all."""
    lr, batch = _logs(setup)
    is_sgd = setup["optimizer"] == "sgd"
    momentum = float(setup.get("momentum", 0.9))
    effective = lr - (math.log10(1 - momentum) + 1 if is_sgd else 0.0)
    off = effective - (
        {"adamw": -3.0, "sgd": -1.8, "adam": -3.2}[str(setup["optimizer"])] + 0.1 * (batch - 5)
    )
    wall = 0.12 * off**2 if off < 0 else 0.5 * off**2 + math.expm1(min(3.0 * max(0.0, off - 0.8), 5.0))
    schedule = {"constant": 0.05, "late": 0.0, "decay": 0.012, "hybrid": 0.008}[str(setup["schedule"])]
    rest = 0.006 * (batch - 5) ** 2 + 0.35 * (float(setup["dropout"]) - 0.15) ** 2 + schedule
    level = {"adamw": 0.25, "sgd": 0.27, "adam": 0.265}[str(setup["optimizer"])]
    return _CHANCE - (_CHANCE - level) * math.exp(-(wall + rest) / 1.2)


def _valley(setup: Setup) -> float:
    """Wide networks want more dropout and smaller learning rates; the floor is curved."""
    lr, _ = _logs(setup)
    width = math.log2(float(setup["width"]))
    dropout = float(setup["dropout"])
    bend = lr + 2.2 + 0.35 * (width - 4)
    return 0.5 + 0.12 * bend**2 + 0.9 * (dropout - 0.08 * (width - 4)) ** 2 + 0.02 * (width - 6.4) ** 2
