"""Scores with what other hyperparameters explain taken out, so that options are compared on equal terms."""

from __future__ import annotations

from collections.abc import Sequence

from staycourse.core.space import Choice, Interval, Space
from staycourse.core.trial import Trial

_Columns = list[list[float]]
# A fit of more parameters than a quarter of the trials follows their noise.
_TRIALS_A_PARAMETER = 4
_DIGITS = 9


def residuals(ranks: Sequence[float], trials: Sequence[Trial], without: str, space: Space) -> list[float]:
    """What is left of the trials' ranks after a least-squares fit on the other hyperparameters.

    The fit knows nothing of the hyperparameter `without`: a test that permutes its options among the trials
    stays exact whatever is fitted (Kennedy: Randomization tests in econometrics, 1995), and a good fit only
    makes it sharper. A quadratic of each range and a level of each option are taken up one after the other,
    as long as the leave-one-out error falls. Hyperparameters that do not exist in every trial are left out:
    whether they exist may tell the option.
    """
    blocks = [block for h in space if h.name != without and (block := _columns(h, trials))]
    chosen: _Columns = [[1.0] * len(trials)]
    left, error = _fitted(chosen, ranks)
    while blocks:
        most = len(trials) // _TRIALS_A_PARAMETER
        tried = [
            (*_fitted(chosen + block, ranks), at)
            for at, block in enumerate(blocks)
            if len(chosen) + len(block) <= most
        ]
        if not tried:
            break
        new_left, new_error, at = min(tried, key=lambda one: one[1])
        if new_error >= error:
            break
        left, error = new_left, new_error
        chosen += blocks.pop(at)
    return [round(value, _DIGITS) for value in left]


def _columns(h: object, trials: Sequence[Trial]) -> _Columns:
    """The columns that a hyperparameter adds to the fit, none if it does not vary in all trials."""
    if not isinstance(h, Interval | Choice) or not all(h.name in trial.setup for trial in trials):
        return []
    if isinstance(h, Choice):
        used = [option for option in h.options if any(t.setup[h.name] == option for t in trials)]
        return [[float(t.setup[h.name] == option) for t in trials] for option in used[1:]]
    at = [h.given(t.setup).to_unit(float(t.setup[h.name])) - 0.5 for t in trials]
    return [at, [value * value for value in at]] if len(set(at)) > 1 else []


def _fitted(columns: _Columns, values: Sequence[float]) -> tuple[list[float], float]:
    """The residuals of a least-squares fit, and their sum of squares with each trial left out in turn."""
    basis = _orthonormal(columns)
    left, leverage = list(values), [0.0] * len(values)
    for column in basis:
        share = sum(a * b for a, b in zip(column, left, strict=True))
        left = [value - share * a for value, a in zip(left, column, strict=True)]
        leverage = [sofar + a * a for sofar, a in zip(leverage, column, strict=True)]
    pairs = zip(left, leverage, strict=True)
    return left, sum((value / max(1 - lever, 0.05)) ** 2 for value, lever in pairs)


def _orthonormal(columns: _Columns) -> _Columns:
    """Gram and Schmidt; columns that add nothing are dropped."""
    basis: _Columns = []
    for column in columns:
        rest = list(column)
        for other in basis * 2:  # twice is enough for orthogonality to rounding
            share = sum(a * b for a, b in zip(other, rest, strict=True))
            rest = [a - share * b for a, b in zip(rest, other, strict=True)]
        length = sum(a * a for a in rest) ** 0.5
        if length > 1e-6:
            basis.append([a / length for a in rest])
    return basis
