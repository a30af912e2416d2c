"""Loss functions drawn from what a search's results leave possible, at many set-ups of the space."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from staycourse.core.space import Setup, Space
from staycourse.search.averaged import Model
from staycourse.search.candidates import Rows, around, spread
from staycourse.search.covariance import Flags, Floats, Kernel, noise_of
from staycourse.search.posterior import Prior
from staycourse.search.request import Past

_SPREAD, _AROUND = 1024, 512
_REACH = (0.02, 0.07, 0.2)
_CENTRES = 8
_LEADERS = 3
_EACH = 16  # functions of each set of hyperparameters
_MOST_RESULTS = 160
# Set-ups looked at together: those that some measure of being the best puts first, so many by each.
_FIRST = 40
_DOUBTS = (0.0, 1.0, 2.0, 3.0)
# What cannot be trained is looked at after all that may be.
_FAR = 1e3
Indices = NDArray[np.intp]


@dataclass(frozen=True)
class Draws:
    """`losses` (draws x m) of as many functions at `setups` (m), scaled: one `unit` is so much of the metric;
    infinite where the set-up cannot be trained under that draw, or was not looked at.

    `noise` is the deviation between trainings of one set-up, in the metric's units; `tolerance` (draws) the
    same, scaled, as each draw has it; `widened` the factor by which the model's doubt was raised because its
    own predictions of left-out results missed by more than it thought. `leaders` are the set-ups of the best
    results, best first.
    """

    setups: tuple[Setup, ...]
    losses: Floats
    tolerance: Floats
    unit: float
    noise: float
    widened: float
    results: tuple[Setup, ...]
    leaders: tuple[Setup, ...]

    def least(self, mask: Flags) -> Floats:
        """The least loss of each draw among some set-ups, infinite where there is none."""
        if not mask.any():
            return np.full(len(self.losses), np.inf)
        least: Floats = self.losses[:, mask].min(axis=1)
        return least


def draw(space: Space, trials: Sequence[Past], goal: str, seed: int) -> Draws:
    """Draws after these trials, at least one of which has a value; equal arguments, equal draws."""
    rng = np.random.default_rng(seed)
    rows = Rows(space)
    told = _considered([past for past in trials if past.state in ("done", "infeasible")], goal)
    done = [past for past in told if past.finite is not None]
    losses = np.array([_loss(past, goal) for past in done])
    scale = Scale.of(losses)
    setups = [past.setup for past in done]
    at = np.array([rows.row(setup) for setup in setups])
    model = Model.of(Kernel(rows.is_option), at, scale.forward(losses), Prior(len(rows.axes)), rng)
    failed = [past.setup for past in told if past.finite is None]
    feasible = _feasibility(rows, setups, failed, rng) if failed else None
    order = np.argsort(losses, kind="stable")
    found = _looked_over(model, feasible, rows, [setups[i] for i in order], rng)
    noise = float(np.median(np.sqrt(noise_of(model.particles)))) * scale.unit
    return Draws(
        found.setups, found.losses, found.tolerance, scale.unit, noise, model.widened, tuple(setups),
        tuple(setups[i] for i in order[:_LEADERS]),
    )  # fmt: skip


def _looked_over(
    model: Model, feasible: Model | None, rows: Rows, setups: Sequence[Setup], rng: np.random.Generator
) -> _Functions:
    """Draws at set-ups all over the space, near the best trials, and where first draws had their optima.
    `setups` are those of the trials, best first."""
    best = np.array([rows.units(setup) for setup in setups[:_CENTRES]])
    wide = np.concatenate([spread(_SPREAD, rows, rng), around(best, _AROUND, _REACH, rows, rng)])
    first = _functions(model, feasible, rows, [*setups, *rows.setups(wide)], rng, every=2, each=8)
    optima = np.array([rows.units(first.setups[i]) for i in np.unique(first.losses.argmin(axis=1))])
    units = np.concatenate([wide, around(optima, 2 * _AROUND, _REACH, rows, rng)])
    return _functions(model, feasible, rows, [*setups, *rows.setups(units)], rng, every=1, each=_EACH)


@dataclass(frozen=True)
class Scale:
    """Losses so that the best ones matter: distances above the median are taken by their logarithm.

    Bad set-ups have losses without bound, and say no more by it than that they are bad. Afterwards the mean
    is 0 and the variance 1; `unit` is what one of the scaled loss is near the best ones.
    """

    middle: float
    reach: float
    mean: float
    deviation: float

    @classmethod
    def of(cls, losses: Floats) -> Scale:
        middle = float(np.median(losses))
        reach = (middle - float(np.min(losses))) or float(np.std(losses)) or 1.0
        bent = _bent((losses - middle) / reach)
        return cls(middle, reach, float(bent.mean()), float(bent.std()) or 1.0)

    def forward(self, losses: Floats) -> Floats:
        """Scaled losses."""
        return (_bent((losses - self.middle) / self.reach) - self.mean) / self.deviation

    @property
    def unit(self) -> float:
        return self.reach * self.deviation


def _bent(values: Floats) -> Floats:
    return np.where(values > 0, np.log1p(np.maximum(values, 0.0)), values)


@dataclass(frozen=True)
class _Functions:
    setups: tuple[Setup, ...]
    losses: Floats
    tolerance: Floats


def _functions(
    model: Model,
    feasible: Model | None,
    rows: Rows,
    setups: Sequence[Setup],
    rng: np.random.Generator,
    every: int,
    each: int,
) -> _Functions:
    """`each` joint draws of one in `every` particles at the set-ups that some measure says may be best."""
    at = np.array([rows.row(setup) for setup in setups])
    groups = list(_groups(rows, at))
    pairs, hindrances = model.pairs(at), feasible.pairs(at) if feasible else None
    numbers = range(0, len(model.particles), every)
    losses = np.full((len(numbers) * each, len(setups)), np.inf)
    for block, number in enumerate(numbers):
        given = model.given(model.particles[number], at, pairs)
        wanted = given.mean
        if feasible is not None and hindrances is not None:
            label = feasible.given(feasible.particles[number], at, hindrances)
            wanted = np.where(label.mean + 2.0 * label.doubt > 0.0, wanted, wanted + _FAR)
        chosen = _promising(wanted, given.doubt, groups)
        drawn = model.joint(model.particles[number], at[chosen], given.at(chosen), each, rng)
        if feasible is not None:
            labels = feasible.joint(feasible.particles[number], at[chosen], label.at(chosen), each, rng)
            drawn = np.where(labels > 0.0, drawn, np.inf)
        losses[block * each : (block + 1) * each, chosen] = drawn
    is_any = np.isfinite(losses).any(axis=1)
    tolerance = np.repeat(np.sqrt(noise_of(model.particles[numbers])), each)
    return _Functions(tuple(setups), losses[is_any], tolerance[is_any])


def _groups(rows: Rows, at: Floats) -> Iterator[Flags]:
    """Parts of the space that are compared with each other: options, and ranges' ends with the rest."""
    yield np.ones(len(at), dtype=bool)
    for column in range(at.shape[1]):
        if rows.is_option[column]:
            for option in np.unique(at[:, column]):
                yield at[:, column] == option
        else:
            for edge in (at[:, column] <= 0.1, at[:, column] >= 0.9):
                yield edge
                yield ~edge


def _promising(mean: Floats, doubt: Floats, groups: Sequence[Flags]) -> Indices:
    """Indices of the set-ups that may be the best ones, of all and of each group."""
    chosen = np.zeros(len(mean), dtype=bool)
    for factor in _DOUBTS:
        hope = mean - factor * doubt
        for number, group in enumerate(groups):
            members = np.flatnonzero(group)
            first = _FIRST if number == 0 else max(4, _FIRST // len(groups))
            few = np.argpartition(hope[members], first)[:first] if first < len(members) else slice(None)
            chosen[members[few]] = True
    return np.flatnonzero(chosen)


def _feasibility(
    rows: Rows, done: Sequence[Setup], failed: Sequence[Setup], rng: np.random.Generator
) -> Model:
    """A model that is above 0 where a set-up can be trained: regression on the labels +1 and -1."""
    at = np.array([rows.row(setup) for setup in (*done, *failed)])
    labels = np.array([1.0] * len(done) + [-1.0] * len(failed))
    return Model.of(
        Kernel(rows.is_option, is_flat=True), at, labels, Prior(len(rows.axes), noise=(-4.0, 1.0)), rng
    )


def _considered(told: Sequence[Past], goal: str) -> list[Past]:
    """All trials, or of very many the best half of what a model takes and an even spread of the others."""
    if len(told) <= _MOST_RESULTS:
        return list(told)
    order = sorted(range(len(told)), key=lambda at: _loss(told[at], goal))
    best, rest = order[: _MOST_RESULTS // 2], order[_MOST_RESULTS // 2 :]
    evenly = [rest[i * len(rest) // (_MOST_RESULTS // 2)] for i in range(_MOST_RESULTS // 2)]
    return [told[at] for at in sorted({*best, *evenly})]


def _loss(past: Past, goal: str) -> float:
    """Less is better; infinite without a value."""
    if past.finite is None:
        return math.inf
    return past.finite if goal == "min" else -past.finite
