"""What an objective of the benchmarks is: a space, its true losses, and what a trial of it gives."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import minimize

from staycourse.core.space import Choice, Interval, Setup, Space, Value

# What is computed once and not kept in git.
TABLES = Path(__file__).resolve().parents[1] / ".tables"
# Random set-ups under each combination of options, and climbs from the best of them.
_POINTS, _CLIMBS = 4000, 6
_FEW_POINTS, _FEW_CLIMBS = 400, 2


@dataclass(frozen=True)
class Objective:
    """A loss over a space. `true` is without noise, None where a set-up cannot be trained; a trial's result
    is that and normal noise of standard deviation `noise` (which a table is asked for when it is needed)."""

    name: str
    family: str
    space: Space
    true: Callable[[Setup], float | None]
    noise: float | Callable[[], float] = 0.0

    def observe(self, setup: Setup, seed: int, trial: int) -> float | None:
        """The result of trial number `trial`; all searches meet the same noise in the same order."""
        loss = self.true(setup)
        if loss is None:
            return None
        return loss + self.deviation * random.Random(f"{self.name} {seed} {trial}").gauss(0.0, 1.0)

    @cached_property
    def best(self) -> tuple[dict[str, Value], float]:
        """The set-up with the least true loss, and that loss; searched for once, at length."""
        file = TABLES / "best.json"
        known = json.loads(file.read_text()) if file.exists() else {}
        if self.name not in known:
            setup = _searched(self, _POINTS, _CLIMBS)
            known[self.name] = [setup, self.true(setup)]
            file.parent.mkdir(exist_ok=True)
            file.write_text(json.dumps(known, indent=1))
        setup, loss = known[self.name]
        return setup, loss

    @property
    def deviation(self) -> float:
        """The noise's standard deviation."""
        return self.noise() if callable(self.noise) else self.noise

    def least_within(self, space: Space) -> float:
        """About the least true loss within a part of the space; infinite if nothing there can be trained."""
        try:
            loss = self.true(_searched(replace(self, space=space), _FEW_POINTS, _FEW_CLIMBS))
        except ValueError:
            return math.inf
        return math.inf if loss is None else loss


def at(space: Space, units: dict[str, float], options: dict[str, Value]) -> dict[str, Value]:
    """The set-up at a position (0 to 1) in each interval, under these options."""
    values: dict[str, Value] = dict(options)
    setup = space.active(values)
    for h in space:
        if isinstance(h, Interval):
            values[h.name] = h.given(setup).from_unit(float(units[h.name]))
    return space.active(values)


def _searched(objective: Objective, points: int, climbs: int) -> dict[str, Value]:
    """Raises ValueError if nothing can be trained."""
    rng = np.random.default_rng(0)
    found = [
        _best_under(objective, options, rng, points, climbs) for options in combinations(objective.space)
    ]
    return min((f for f in found if f is not None), key=lambda f: f[0])[1]


def combinations(space: Space) -> Iterator[dict[str, Value]]:
    """Every combination of options."""
    choices = [h for h in space if isinstance(h, Choice)]
    for values in product(*(choice.options for choice in choices)):
        yield {choice.name: value for choice, value in zip(choices, values, strict=True)}


def _best_under(
    objective: Objective, options: dict[str, Value], rng: Any, points: int, climbs: int
) -> tuple[float, dict[str, Value]] | None:
    names = [h.name for h in objective.space if isinstance(h, Interval)]

    def loss(units: Any) -> float:
        inside = np.clip(units, 0.0, 1.0)
        value = objective.true(at(objective.space, dict(zip(names, inside, strict=True)), options))
        return 1e9 if value is None else value + float(np.abs(units - inside).sum())

    tried = rng.uniform(size=(points, len(names)))
    tried[:2] = [[0.0] * len(names), [1.0] * len(names)]
    losses = np.array([loss(point) for point in tried])
    if losses.min() >= 1e9:
        return None
    exactly = {"maxiter": 2000, "xatol": 1e-9, "fatol": 1e-12}
    ended = [
        minimize(loss, tried[i], method="Nelder-Mead", options=exactly) for i in np.argsort(losses)[:climbs]
    ]
    best = min(ended, key=lambda climb: climb.fun).x
    return loss(best), at(objective.space, dict(zip(names, np.clip(best, 0, 1), strict=True)), options)
