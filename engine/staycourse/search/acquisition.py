"""Where to look next: the set-up with the most expected improvement, as far as it can be trained."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from botorch.acquisition.analytic import LogConstrainedExpectedImprovement, LogExpectedImprovement
from botorch.generation.gen import gen_candidates_scipy
from botorch.models.model_list_gp_regression import ModelListGP
from torch.quasirandom import SobolEngine

from staycourse.search.domain import Column, Floats
from staycourse.search.surrogate import Surrogate

_SPREAD, _NEAR, _STARTS = 768, 32, 6
_BEST = 5
_STEPS = 40


def log_expected_improvement(surrogate: Surrogate, feasible: Any | None) -> Any:
    """The acquisition function, of tensors (b x 1 x d); `feasible` is a model whose output is above 0 where
    a set-up can be trained.

    Logarithmic, so that it has a slope where improvement is unlikely (Ament et al.: Unexpected Improvements
    to Expected Improvement for Bayesian Optimization, NeurIPS 2023). What has to be improved on is the best
    result, however lucky: with noise that is harder than the best expectation, and looks farther around.
    """
    best = float(np.min(surrogate.scale.forward(surrogate.losses)))
    if feasible is None:
        return LogExpectedImprovement(surrogate.model, best_f=best, maximize=False)
    return LogConstrainedExpectedImprovement(
        ModelListGP(surrogate.model, feasible),
        best_f=best,
        objective_index=0,
        constraints={1: (0.5, None)},
        maximize=False,
    )


def candidates(
    function: Any, columns: Sequence[Column], around: Floats, seed: int, snap: Callable[[Floats], Floats]
) -> list[Floats]:
    """Rows of set-ups, most wanted first: the best of many spread over the space and near `around` (best
    first), then moved uphill, then as they would be trained (`snap`)."""
    pool = np.concatenate([spread(columns, _SPREAD, seed), _near(columns, around[:_BEST], seed)])
    values = _values(function, pool)
    order = np.argsort(-values, kind="stable")
    starts = pool[_apart(pool, order)]
    rows = [snap(row) for row in np.concatenate([_uphill(function, columns, starts), starts])]
    rows += [snap(row) for row in pool[order[: 4 * _STARTS]]]
    found = np.array(rows)
    return [found[at] for at in np.argsort(-_values(function, found), kind="stable")]


def spread(columns: Sequence[Column], count: int, seed: int) -> Floats:
    """Rows (count x d) of a scrambled Sobol sequence."""
    engine: Any = SobolEngine  # torch has no types for it
    units = engine(len(columns), scramble=True, seed=seed).draw(count, dtype=torch.float64)
    return _with_options(columns, units.numpy())


def _with_options(columns: Sequence[Column], units: Floats) -> Floats:
    rows = units.copy()
    for at, column in enumerate(columns):
        if column.options:
            rows[:, at] = np.minimum(np.floor(units[:, at] * column.options), column.options - 1)
    return rows


def _near(columns: Sequence[Column], around: Floats, seed: int) -> Floats:
    """`_NEAR` rows around each given one: positions moved a little or a lot, one option in d changed."""
    rng = np.random.RandomState(seed % 2**32)
    rows = np.repeat(around, _NEAR, axis=0)
    widths = 10.0 ** rng.uniform(-3.0, -0.7, size=(len(rows), 1))
    is_moved = rng.uniform(size=rows.shape) < max(0.5, 2.0 / len(columns))
    moved = np.clip(rows + is_moved * widths * rng.normal(size=rows.shape), 0.0, 1.0)
    other = _with_options(columns, rng.uniform(size=rows.shape))
    is_other = rng.uniform(size=rows.shape) < 1.0 / len(columns)
    is_option = np.array([column.options > 0 for column in columns])
    result: Floats = np.where(is_option, np.where(is_other, other, rows), moved)
    return result


def _values(function: Any, rows: Floats) -> Floats:
    with torch.no_grad():
        values: Floats = function(torch.as_tensor(rows).unsqueeze(-2)).numpy()
    return np.where(np.isfinite(values), values, -np.inf)


def _apart(pool: Floats, order: Any) -> list[int]:
    """The most wanted rows that are not each other's neighbours."""
    chosen: list[int] = []
    for at in order:
        if all(np.abs(pool[at] - pool[other]).max() > 0.05 for other in chosen):
            chosen.append(int(at))
        if len(chosen) == _STARTS:
            break
    return chosen


def _uphill(function: Any, columns: Sequence[Column], starts: Floats) -> Floats:
    """Each start moved to the top of its hill, its options as they are."""
    positions = torch.as_tensor(starts)
    options = {at: positions[:, at] for at, column in enumerate(columns) if column.options}
    if len(options) == len(columns):
        return starts
    tops, _ = gen_candidates_scipy(
        positions.unsqueeze(-2),
        function,
        lower_bounds=torch.zeros(len(columns), dtype=torch.float64),
        upper_bounds=torch.tensor([max(1.0, c.options - 1.0) for c in columns], dtype=torch.float64),
        fixed_features=options,
        options={"maxiter": _STEPS},
    )
    moved: Floats = tops.detach().squeeze(-2).numpy()
    return np.where(np.isfinite(moved), moved, starts)
