"""Optuna's samplers. Hyperparameters are suggested as they exist (define-by-run), failures failed trials."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import optuna

from staycourse.core.space import Choice, Fixed, Interval, Setup, Space, Value, exists


class Optuna:
    """A study with one of Optuna's samplers."""

    def __init__(self, sampler: Callable[..., Any], space: Space, budget: int, seed: int) -> None:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        warnings.simplefilter("ignore")
        self._space = space
        self._study = optuna.create_study(sampler=sampler(seed=seed))
        self._trial: Any = None

    def propose(self) -> dict[str, Value]:
        self._trial = self._study.ask()
        setup: dict[str, Value] = {}
        for h in self._space:
            if exists(h, setup):
                setup[h.name] = self._suggest(h, setup)
        return setup

    def tell(self, setup: Setup, loss: float | None) -> None:
        if loss is None:
            self._study.tell(self._trial, state=optuna.trial.TrialState.FAIL)
        else:
            self._study.tell(self._trial, loss)

    def _suggest(self, h: Fixed | Interval | Choice, setup: Setup) -> Value:
        if isinstance(h, Fixed):
            return h.value
        if isinstance(h, Choice):
            return self._trial.suggest_categorical(h.name, h.options)
        bounds = h.given(setup)
        if h.integer:
            return self._trial.suggest_int(h.name, int(bounds.low), int(bounds.high), log=h.log)
        return self._trial.suggest_float(h.name, bounds.low, bounds.high, log=h.log)


def peers() -> dict[str, Callable[[Space, int, int], Optuna]]:
    """TPE and the Gaussian process."""
    return {
        "Optuna TPE": partial(Optuna, optuna.samplers.TPESampler),
        "Optuna GP": partial(Optuna, optuna.samplers.GPSampler),
    }
