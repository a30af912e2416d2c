"""Which hyperparameters mattered: shares of the variance of a model of the scores (functional ANOVA).

Hutter, Hoos and Leyton-Brown, An efficient approach for assessing hyperparameter importance, 2014, with a
Gaussian process in place of the forest: ten to sixty points of a smooth function are what it is made for.
Numerical libraries are imported only when there is something to compute.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from staycourse.core.space import Choice, Interval, Value, exists
from staycourse.report.study import Column, Row, Study

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.float64]]

# With fewer scores than these, pure noise passes for something more often than once in twenty-five times.
LEAST_SCORES = 10
# More trials than these add time and little else.
_MOST_SCORES = 150
# A model that explains less of scores that it has not seen does not bear shares.
LEAST_EXPLAINED = 0.3
_FOLDS = 5
_LOG_FACTOR = 3.0
_SAMPLES = 512


@dataclass(frozen=True)
class Share:
    """A hyperparameter's part of the variance: by itself, and with all its interactions."""

    name: str
    main: float
    total: float


@dataclass(frozen=True)
class Importance:
    """`explained` is the share of the variance of left-out scores that the model explains (R², five folds);
    `shares` are empty where that is too little to tell; `is_log` if the scores were taken by logarithms."""

    explained: float
    trials: int
    is_log: bool
    shares: tuple[Share, ...]


def importance(study: Study) -> Importance | None:
    """None where there are too few scores, or one hyperparameter that all depends on anyway."""
    rows = study.scored[:_MOST_SCORES]
    if len(rows) < LEAST_SCORES or len(study.columns) < 2:
        return None
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1), warnings.catch_warnings():  # one thread: the same figures everywhere
        warnings.simplefilter("ignore")  # of length scales at their bounds: what does not matter has none
        return _measured(study, rows)


def _measured(study: Study, rows: Sequence[Row]) -> Importance | None:
    import numpy as np

    points = np.array([_coordinates(study, row.setup) for row in rows])
    scores, is_log = _targets([row.score for row in rows if row.score is not None])
    if len(set(scores)) == 1:
        return None
    targets = np.array(scores)
    explained = _explained(points, targets)
    if explained < LEAST_EXPLAINED:
        return Importance(explained, len(rows), is_log, ())
    return Importance(explained, len(rows), is_log, _shares(study, _fitted(points, targets)))


def _targets(scores: Sequence[float]) -> tuple[list[float], bool]:
    """Scores as one looks at them: a loss that spans far by its logarithm, so that the worst few trials are
    not all there is to explain."""
    if min(scores) > 0 and max(scores) > _LOG_FACTOR * min(scores):
        return [math.log(score) for score in scores], True
    return list(scores), False


def _coordinates(study: Study, setup: dict[str, Value] | Any) -> list[float]:
    """A number an interval, one for each option of a choice; in the middle of its range what does not exist,
    where it makes no difference."""
    found: list[float] = []
    for column in study.columns:
        found += _of_column(column, setup)
    return found


def _of_column(column: Column, setup: Any) -> list[float]:
    if isinstance(column.h, Choice):
        at = column.option(setup[column.name]) if column.name in setup else None
        return [float(at == place) for place in range(len(column.h.options))]
    unit = column.unit(setup)
    return [0.5 if unit is None else unit]


def _fitted(points: Array, targets: Array) -> Any:
    """A Gaussian process with a length scale for each coordinate, and noise."""
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

    scales = [1.0] * points.shape[1]
    smooth = Matern(scales, length_scale_bounds=(0.1, 30.0), nu=2.5)
    kernel = ConstantKernel(1.0, (0.05, 50.0)) * smooth + WhiteKernel(0.05, (1e-5, 2.0))
    return GaussianProcessRegressor(kernel, normalize_y=True).fit(points, targets)


def _explained(points: Array, targets: Array) -> float:
    """R² of predictions for scores that the model has not seen."""
    import numpy as np

    predicted = np.empty_like(targets)
    for fold in range(_FOLDS):
        # Rows are sorted by score: every fifth one goes across all of them.
        is_out = np.arange(len(targets)) % _FOLDS == fold
        predicted[is_out] = _fitted(points[~is_out], targets[~is_out]).predict(points[is_out])
    return float(1 - np.sum((targets - predicted) ** 2) / np.sum((targets - targets.mean()) ** 2))


def _shares(study: Study, model: Any) -> tuple[Share, ...]:
    """Sobol's indices of the model over the space that the phase was handed, evenly spread in its scales
    (Saltelli and others, Variance based sensitivity analysis of model output, 2010)."""
    from scipy.stats import sobol_indices, uniform

    def mean(units: Array) -> Array:
        rows = [_coordinates(study, _setup(study, column)) for column in units.T]
        predicted: Array = model.predict(rows)
        return predicted

    dists = [uniform()] * len(study.columns)
    found = sobol_indices(func=mean, n=_SAMPLES, dists=dists, rng=0)
    return tuple(
        Share(column.name, _share(main), max(_share(main), _share(total)))
        for column, main, total in zip(study.columns, found.first_order, found.total_order, strict=True)
    )


def _share(value: float) -> float:
    """To whole percents, which is more than it is good for."""
    return round(min(1.0, max(0.0, float(value))), 2)


def _setup(study: Study, units: Array) -> dict[str, Value]:
    """The set-up at a point of the unit cube, without what does not exist there."""
    given = {column.name: float(unit) for column, unit in zip(study.columns, units, strict=True)}
    setup: dict[str, Value] = {}
    for h in study.space:
        if h.name not in given:
            if first := [row.setup[h.name] for row in study.rows if h.name in row.setup][:1]:
                setup[h.name] = first[0]
        elif exists(h, setup):
            at = given[h.name]
            if isinstance(h, Interval):
                bounds = h.given(setup)
                setup[h.name] = Interval(h.name, bounds.low, bounds.high, h.log).from_unit(at)
            elif isinstance(h, Choice):
                setup[h.name] = h.options[min(int(at * len(h.options)), len(h.options) - 1)]
    return setup
