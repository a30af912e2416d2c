"""What a model sees of a space: rows of numbers, a column for each hyperparameter that is searched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from staycourse.core.space import exists
from staycourse.search.parametrization import Axis, Codec, NumberAxis, key

Floats = NDArray[np.float64]

# What a column holds where its hyperparameter does not exist: the same for all, so that it tells nothing.
ABSENT = 0.5


@dataclass(frozen=True)
class Column:
    """A position from 0 to 1, or the number of an option where there are `options` (more than 0)."""

    options: int = 0


class Domain(Protocol):
    """Both ways between rows (length d, one value a column) and the values of Nevergrad's candidates."""

    columns: tuple[Column, ...]

    def row(self, candidate: Any) -> Floats:
        """The row of a candidate; `ABSENT` in the columns that do not exist under it."""

    def candidate(self, row: Floats) -> Any:
        """A new candidate at a row; what its value is, rounded say, `row` tells."""


class CodecDomain:
    """The set-ups of a roadmap's space: rounded as they are trained, and with their conditions."""

    def __init__(self, codec: Codec, parametrization: Any) -> None:
        self._codec = codec
        self._parametrization = parametrization
        self.columns = tuple(_column(axis) for axis in codec.axes)

    def row(self, candidate: Any) -> Floats:
        setup = self._codec.decode(candidate.value)
        raw = self._codec.encode(setup)
        return np.array(
            [
                self._position(i, raw[key(i)]) if exists(axis.h, setup) else ABSENT
                for i, axis in enumerate(self._codec.axes)
            ]
        )

    def candidate(self, row: Floats) -> Any:
        units = [
            (value + 0.5) / column.options if column.options else value
            for value, column in zip(row.tolist(), self.columns, strict=True)
        ]
        return self._parametrization.spawn_child(new_value=self._codec.at(units))

    def _position(self, at: int, raw: Any) -> float:
        axis, column = self._codec.axes[at], self.columns[at]
        if isinstance(axis, NumberAxis):
            return axis.unit(raw)
        return float(raw) if column.options else (float(raw) + 0.5) / len(axis.h.options)


def _column(axis: Axis) -> Column:
    if isinstance(axis, NumberAxis) or axis.has_distances:
        return Column()
    return Column(options=len(axis.h.options))


def snapped(domain: Domain, row: Floats) -> Floats:
    """The row of the set-up that stands for `row`."""
    return domain.row(domain.candidate(row))
