"""Points of a space without looking at results: drawn at random, or spread evenly."""

from __future__ import annotations

from typing import Any

import nevergrad as ng
import numpy as np
from nevergrad.optimization.base import Optimizer
from numpy.typing import NDArray

from staycourse.core.space import exists
from staycourse.search.parametrization import Codec, OptionAxis

Floats = NDArray[np.float64]

_SWAPS = 1000


class QuasiRandom(Optimizer):  # type: ignore[misc]  # nevergrad has no types
    """All points of a phase planned together by `even_points`; what is asked beyond them is drawn at random.

    Takes Nevergrad's arguments, and the codec whose parametrization it searches.
    """

    one_shot = True

    def __init__(self, parametrization: Any, budget: int, num_workers: int = 1, *, codec: Codec) -> None:
        super().__init__(parametrization, budget=budget, num_workers=num_workers)
        self._codec = codec
        self._plan: Floats | None = None

    def _internal_ask_candidate(self) -> Any:
        if self._plan is None:
            self._plan = even_points(self._codec, int(self.budget), self._rng)
        at = self._num_ask
        units = self._plan[at] if at < len(self._plan) else self._rng.uniform(size=len(self._codec.axes))
        return self.parametrization.spawn_child(new_value=self._codec.at(units.tolist()))


def random_search(parametrization: Any, budget: int, num_workers: int) -> Any:
    """Independent points, even over each interval (over its logarithm, if so declared) and choice."""
    return ng.optimizers.RandomSearch(parametrization, budget=budget, num_workers=num_workers)


def even_points(codec: Codec, count: int, rng: np.random.RandomState) -> Floats:
    """`count` points of the unit cube, one column an axis of the codec, spread evenly over the space.

    A Latin hypercube (each axis is cut into `count` equal parts with one point each, so options are met
    equally often, give or take one), its columns shuffled by pairwise swaps until their discrepancy is low:
    the wrap-around discrepancy for intervals (Hickernell: A generalized discrepancy and quadrature error
    bound, Mathematics of Computation 67, 1998), the discrete one for choices (Qin, Fang: Discrete discrepancy
    in factorial designs, Metrika 60, 2004). A hyperparameter that does not exist under a set-up counts there
    neither for nor against it.
    """
    design = _Design(codec, count, rng)
    if count > 2:
        for _ in range(_SWAPS):
            column = rng.randint(len(codec.axes))
            i, j = rng.choice(count, size=2, replace=False)
            design.swap_if_better(int(i), int(j), column)
    return design.units


class _Design:
    """Units (count x axes), the option at each, and which axes exist in each row."""

    def __init__(self, codec: Codec, count: int, rng: np.random.RandomState) -> None:
        axes = codec.axes
        columns = [(rng.permutation(count) + rng.uniform(size=count)) / count for _ in axes]
        self._codec = codec
        self.units: Floats = np.stack(columns, axis=1)
        self._sizes = np.array([len(a.h.options) if isinstance(a, OptionAxis) else 0 for a in axes])
        self._exists = np.stack([self._row_exists(row) for row in self.units])

    def swap_if_better(self, i: int, j: int, column: int) -> None:
        before = self._crowding(i, j)
        self._swap(i, j, column)
        if self._crowding(i, j) > before - 1e-12:
            self._swap(i, j, column)

    def _swap(self, i: int, j: int, column: int) -> None:
        self.units[[i, j], column] = self.units[[j, i], column]
        if self._sizes[column]:
            for row in (i, j):
                self._exists[row] = self._row_exists(self.units[row])

    def _row_exists(self, row: Floats) -> NDArray[np.bool_]:
        setup = self._codec.decode(self._codec.at(row.tolist()))
        return np.array([exists(axis.h, setup) for axis in self._codec.axes])

    def _crowding(self, i: int, j: int) -> float:
        """The part of the discrepancy in which rows i and j take part."""
        first, second = self._kernel(i), self._kernel(j)
        return float(first.sum() + second.sum() - first[j])

    def _kernel(self, i: int) -> Floats:
        """How close row i is to each row: high for equal points."""
        apart = np.abs(self.units - self.units[i])
        numbers = 1.5 - apart * (1.0 - apart)
        options = np.floor(self.units * self._sizes)
        choices = np.where(options == options[i], 1.5, 1.25)
        near = np.where(self._sizes > 0, choices, numbers)
        product: Floats = np.where(self._exists & self._exists[i], near, 4.0 / 3.0).prod(axis=1)
        return product
