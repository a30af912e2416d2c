"""Real trainings on scikit-learn's data sets, tabulated over a grid by this benchmark itself.

A table has the mean validation loss over some seeds at each point of a grid; between the points it is
interpolated, in the scale of each hyperparameter. The noise is the spread between seeds, near the best.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from itertools import product
from typing import Any

import numpy as np
from scipy.interpolate import RegularGridInterpolator
from sklearn import datasets
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import StandardScaler

from objectives.base import TABLES, Objective
from staycourse.core.space import Choice, Interval, Setup, Space

_SEEDS = 3
_EPOCHS = 12


@dataclass(frozen=True)
class _Table:
    """What is trained: a network on `data`, over `points` values of each interval and all options."""

    name: str
    data: Callable[[], Any]
    space: Space
    points: dict[str, int]
    samples: int = 500
    is_regression: bool = False


_LR = Interval("lr", 1e-4, 1e-1, log=True)
_BATCH = Interval("batch_size", 8, 128, log=True, integer=True)
_WIDTH = Interval("width", 8, 128, log=True, integer=True)
_DECAY = Interval("weight_decay", 1e-5, 1.0, log=True)
_SOLVER = Choice("optimizer", ("adam", "sgd"))
_ACTIVATION = Choice("activation", ("relu", "tanh"))

_TABLES = (
    _Table(
        "digits", datasets.load_digits, Space((_LR, _BATCH, _WIDTH)), {"lr": 8, "batch_size": 4, "width": 4}
    ),
    _Table(
        "wine", datasets.load_wine, Space((_LR, _BATCH, _SOLVER, _ACTIVATION)), {"lr": 9, "batch_size": 4}
    ),
    _Table(
        "breast cancer",
        datasets.load_breast_cancer,
        Space((_LR, _DECAY, _BATCH, _SOLVER)),
        {"lr": 7, "weight_decay": 4, "batch_size": 3},
    ),
    _Table(
        "diabetes",
        datasets.load_diabetes,
        Space((_LR, _WIDTH, _DECAY, _ACTIVATION)),
        {"lr": 7, "width": 3, "weight_decay": 3},
        is_regression=True,
    ),
)


def objectives() -> Iterator[Objective]:
    """Four of them; a table is made at its first use, in about a minute."""
    for table in _TABLES:
        yield Objective(table.name, "tabulated", table.space, _Lookup(table), noise=partial(_noise, table))


class _Lookup:
    """The interpolated loss at a set-up."""

    def __init__(self, table: _Table) -> None:
        self._table = table
        self._intervals = [h for h in table.space if isinstance(h, Interval)]
        self._choices = [h for h in table.space if isinstance(h, Choice)]

    def __call__(self, setup: Setup) -> float:
        options = tuple(str(setup[choice.name]) for choice in self._choices)
        units = [h.to_unit(float(setup[h.name])) for h in self._intervals]
        return float(_interpolators(self._table.name)[options](units)[0])


@cache
def _interpolators(name: str) -> dict[tuple[str, ...], Any]:
    table = next(t for t in _TABLES if t.name == name)
    losses = _losses(name).mean(axis=-1)
    intervals = [h for h in table.space if isinstance(h, Interval)]
    choices = [h for h in table.space if isinstance(h, Choice)]
    axes = tuple(np.linspace(0.0, 1.0, table.points[h.name]) for h in intervals)
    combinations = list(product(*(c.options for c in choices)))
    return {
        tuple(map(str, options)): RegularGridInterpolator(axes, losses[at], method="linear")
        for at, options in enumerate(combinations)
    }


def _noise(table: _Table) -> float:
    """The standard deviation between seeds among the best tenth of the points."""
    losses = _losses(table.name)
    flat = losses.reshape(-1, losses.shape[-1])
    best = flat[np.argsort(flat.mean(axis=1))[: max(3, len(flat) // 10)]]
    return float(np.sqrt(best.var(axis=1, ddof=1).mean()))


@cache
def _losses(name: str) -> Any:
    """Losses (options x points of each interval x seeds)."""
    table = next(t for t in _TABLES if t.name == name)
    file = TABLES / f"{name.replace(' ', '-')}.npy"
    if not file.exists():
        file.parent.mkdir(exist_ok=True)
        np.save(file, _trained(table))
    return np.load(file)


def _trained(table: _Table) -> Any:
    intervals = [h for h in table.space if isinstance(h, Interval)]
    choices = [h for h in table.space if isinstance(h, Choice)]
    shape = [table.points[h.name] for h in intervals]
    losses = np.empty((len(list(product(*(c.options for c in choices)))), *shape, _SEEDS))
    for at, options in enumerate(product(*(c.options for c in choices))):
        for place in np.ndindex(*shape):
            setup = {c.name: o for c, o in zip(choices, options, strict=True)}
            for h, i in zip(intervals, place, strict=True):
                setup[h.name] = h.from_unit(i / (table.points[h.name] - 1))
            for seed in range(_SEEDS):
                losses[(at, *place, seed)] = _train(table, setup, seed)
    return losses


def _train(table: _Table, setup: Setup, seed: int) -> float:
    """The validation loss of one training, clipped at what guessing gives and a half more."""
    train_x, test_x, train_y, test_y = _split(table.name)
    kind = MLPRegressor if table.is_regression else MLPClassifier
    network = kind(
        hidden_layer_sizes=(int(setup.get("width", 32)),),
        activation=str(setup.get("activation", "relu")),
        solver=str(setup.get("optimizer", "adam")),
        learning_rate_init=float(setup["lr"]),
        batch_size=int(setup.get("batch_size", 32)),
        alpha=float(setup.get("weight_decay", 1e-4)),
        max_iter=_EPOCHS,
        random_state=seed,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        network.fit(train_x, train_y)
        if table.is_regression:
            loss, guess = float(np.mean((network.predict(test_x) - test_y) ** 2)), 1.0
        else:
            loss = float(log_loss(test_y, network.predict_proba(test_x), labels=network.classes_))
            guess = float(np.log(len(network.classes_)))
    return min(loss, 1.5 * guess) if np.isfinite(loss) else 1.5 * guess


@cache
def _split(name: str) -> tuple[Any, Any, Any, Any]:
    table = next(t for t in _TABLES if t.name == name)
    x, y = table.data(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))[: table.samples]
    x, y = StandardScaler().fit_transform(x[order]), y[order]
    if table.is_regression:
        y = (y - y.mean()) / y.std()
    return tuple(train_test_split(x, y, test_size=0.4, random_state=0))
