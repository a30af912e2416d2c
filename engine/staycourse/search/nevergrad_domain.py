"""The domain of any Nevergrad parametrization: bounded numbers and choices, however nested."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import nevergrad as ng
import numpy as np
from nevergrad.parametrization.choice import BaseChoice
from nevergrad.parametrization.container import Container
from nevergrad.parametrization.data import Data

from staycourse.search.domain import ABSENT, Column, Floats

Path = tuple[Any, ...]
# An unbounded number is searched so many of its standard deviations around its first value.
_SIGMAS = 3.0


@dataclass(frozen=True)
class _Leaf:
    """A parameter at `path`, which exists where each choice in `when` (path, option) has that option."""

    path: Path
    parameter: Any
    when: tuple[tuple[Path, int], ...]


class NevergradDomain:
    """Scalars (also logarithmic or of whole numbers) and arrays of them are positions between their bounds;
    choices are options, or positions where they are numbers in order. What lies under an option of a choice
    exists under that option only."""

    def __init__(self, parametrization: Any) -> None:
        self._parametrization = parametrization
        self._leaves = list(_leaves(parametrization, (), ()))
        self._slots = [(leaf, at) for leaf in self._leaves for at in range(_width(leaf.parameter))]
        self.columns = tuple(_column(leaf.parameter) for leaf, _ in self._slots)

    def row(self, candidate: Any) -> Floats:
        return np.array([self._read(candidate, leaf, at) for leaf, at in self._slots], dtype=float)

    def candidate(self, row: Floats) -> Any:
        child = self._parametrization.spawn_child()
        at = 0
        for leaf in self._leaves:
            width = _width(leaf.parameter)
            _write(_at(child, leaf.path), row[at : at + width])
            at += width
        return child

    def _read(self, candidate: Any, leaf: _Leaf, at: int) -> float:
        if any(_at(candidate, path).index != option for path, option in leaf.when):
            return ABSENT
        parameter = _at(candidate, leaf.path)
        if isinstance(parameter, BaseChoice):
            index = float(np.ravel(parameter.indices.value)[at])
            return (index + 0.5) / len(parameter) if _is_ordered(parameter) else index
        return _to_unit(parameter, float(np.ravel(parameter.value)[at]), at)


def _leaves(parameter: Any, path: Path, when: tuple[tuple[Path, int], ...]) -> Iterator[_Leaf]:
    if isinstance(parameter, BaseChoice):
        if len(parameter) > 1:
            yield _Leaf(path, parameter, when)
        for option in range(len(parameter)):
            yield from _leaves(parameter.choices[option], (*path, "choices", option), (*when, (path, option)))
    elif isinstance(parameter, Container):
        for name in parameter._content:
            yield from _leaves(parameter[name], (*path, name), when)
    elif isinstance(parameter, Data):
        yield _Leaf(path, parameter, when)


def _at(parameter: Any, path: Path) -> Any:
    for part in path:
        parameter = parameter[part]
    return parameter


def _width(parameter: Any) -> int:
    if isinstance(parameter, BaseChoice):
        return int(np.size(parameter.indices.value))
    return int(np.size(parameter.value))


def _column(parameter: Any) -> Column:
    if isinstance(parameter, BaseChoice):
        return Column() if _is_ordered(parameter) else Column(options=len(parameter))
    return Column()


def _is_ordered(choice: Any) -> bool:
    """Whether the options are three numbers or more, in ascending order."""
    options = [option.value if isinstance(option, ng.p.Parameter) else option for option in _options(choice)]
    numbers = [o for o in options if isinstance(o, (int, float)) and not isinstance(o, bool)]
    return len(numbers) == len(options) > 2 and numbers == sorted(set(numbers))


def _options(choice: Any) -> list[Any]:
    return [
        option if isinstance(option, ng.p.Constant) or not isinstance(option, ng.p.Parameter) else None
        for option in (choice.choices[i] for i in range(len(choice)))
    ]


def _bounds(parameter: Any, at: int) -> tuple[float, float]:
    low, high = (None if b is None else float(np.ravel(b)[min(at, np.size(b) - 1)]) for b in parameter.bounds)
    if low is None or high is None:
        reach = _SIGMAS * float(np.ravel(parameter.sigma.value)[0])
        first = float(np.ravel(parameter.value)[at])
        low = first - reach if low is None else low
        high = max(first, low) + reach if high is None else high
    return low, high


def _scaled(parameter: Any, at: int) -> tuple[float, float, bool]:
    """The bounds, in the logarithm if so; half a step wider for whole numbers: the ends are as likely."""
    low, high = _bounds(parameter, at)
    is_log = isinstance(parameter, ng.p.Log) and low > 0
    if parameter.integer:
        low, high = low - 0.5, high + 0.5
    return (math.log(low), math.log(high), True) if is_log and low > 0 else (low, high, False)


def _to_unit(parameter: Any, value: float, at: int) -> float:
    low, high, is_log = _scaled(parameter, at)
    position = math.log(value) if is_log and value > 0 else value
    return min(1.0, max(0.0, (position - low) / (high - low))) if high > low else ABSENT


def _write(parameter: Any, units: Floats) -> None:
    if isinstance(parameter, BaseChoice):
        count = len(parameter)
        scale = count if _is_ordered(parameter) else 1
        numbers = [min(count - 1, max(0, int(unit * scale))) for unit in units]
        parameter.indices.value = np.array(numbers)
        return
    values = [_from_unit(parameter, float(unit), at) for at, unit in enumerate(units)]
    parameter.value = (
        values[0] if isinstance(parameter, ng.p.Scalar) else np.reshape(values, np.shape(parameter.value))
    )


def _from_unit(parameter: Any, unit: float, at: int) -> float:
    low, high, is_log = _scaled(parameter, at)
    value = low + unit * (high - low)
    value = math.exp(value) if is_log else value
    least, most = _bounds(parameter, at)
    value = round(value) if parameter.integer else value
    return min(most, max(least, value))
