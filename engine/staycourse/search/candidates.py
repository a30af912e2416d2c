"""Set-ups of a space as rows that a model sees, and many of them to look for the best among."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import qmc

from staycourse.core.space import Setup, Space, Value, exists, same
from staycourse.search.covariance import Flags, Floats
from staycourse.search.domain import ABSENT
from staycourse.search.parametrization import Codec, NumberAxis, setup_key

# How often a coordinate lies at an end of its range: an optimum at a bound is one that no inner point shows.
_AT_END = 0.12
_OTHER_OPTION = 0.15


class Rows:
    """Both ways between set-ups and rows (one column an axis of the space).

    A column holds the position of a number between its bounds (those that hold under the set-up), of a number
    among ordered options, or the number of an option (`is_option`).
    """

    def __init__(self, space: Space) -> None:
        self.codec = Codec(space)
        self.axes = self.codec.axes
        self.is_option: Flags = np.array(
            [not isinstance(axis, NumberAxis) and not axis.has_distances for axis in self.axes]
        )

    def row(self, setup: Setup) -> Floats:
        """The set-up's row."""
        return np.array([self._value(at, setup) for at in range(len(self.axes))])

    def units(self, setup: Setup) -> Floats:
        """The set-up as positions from 0 to 1, options too; `setups` is the way back."""
        return np.array([self._unit(at, setup) for at in range(len(self.axes))])

    def setups(self, units: Floats) -> list[dict[str, Value]]:
        """Set-ups at positions (m x axes), each once."""
        made = (self.codec.decode(self.codec.at(row)) for row in units.tolist())
        return list({setup_key(setup): setup for setup in made}.values())

    def _value(self, at: int, setup: Setup) -> float:
        unit = self._unit(at, setup)
        if not self.is_option[at] or self.axes[at].h.name not in setup:
            return unit
        return float(int(unit * len(self.axes[at].values() or ())))

    def _unit(self, at: int, setup: Setup) -> float:
        axis = self.axes[at]
        if axis.h.name not in setup or not exists(axis.h, setup):
            return ABSENT
        value = setup[axis.h.name]
        if isinstance(axis, NumberAxis):
            return min(1.0, max(0.0, axis.h.given(setup).to_unit(float(value))))
        number = next(i for i, option in enumerate(axis.h.options) if same(option, value))
        return (number + 0.5) / len(axis.h.options)


def spread(count: int, rows: Rows, rng: np.random.Generator) -> Floats:
    """`count` positions (count x axes) all over the space, its ends among them."""
    seed = int(rng.integers(2**31))
    sobol = qmc.Sobol(len(rows.axes), scramble=True, rng=np.random.default_rng(seed))
    return _to_ends(sobol.random(count), rows, rng)


def around(
    centres: Floats, count: int, reach: Sequence[float], rows: Rows, rng: np.random.Generator
) -> Floats:
    """`count` positions near the centres (m x axes): moved in all coordinates or in some, by about a `reach`
    drawn for each; now and then to another option."""
    chosen = centres[rng.integers(len(centres), size=count)]
    size = rng.choice(np.asarray(reach), size=(count, 1))
    is_moved = rng.random(chosen.shape) < rng.choice([0.3, 1.0], size=(count, 1))
    is_number = ~rows.is_option
    moved = np.where(is_moved & is_number, chosen + size * rng.standard_normal(chosen.shape), chosen)
    other = (rng.random(chosen.shape) < _OTHER_OPTION) & ~is_number
    moved = np.where(other, rng.random(chosen.shape), moved)
    return _to_ends(np.clip(moved, 0.0, 1.0), rows, rng, share=_AT_END / 4)


def _to_ends(units: Floats, rows: Rows, rng: np.random.Generator, share: float = _AT_END) -> Floats:
    is_number = np.array([isinstance(axis, NumberAxis) for axis in rows.axes])
    at_end = (rng.random(units.shape) < share) & is_number
    return np.where(at_end, np.round(units), units)
