"""Ax, through its client; failures are failed trials, conditional hyperparameters are searched flat."""

from __future__ import annotations

import logging
import warnings
from typing import Any

from ax.api.client import Client
from ax.api.configs import ChoiceParameterConfig, RangeParameterConfig

from staycourse.core.space import Choice, Fixed, Interval, Setup, Space, Value


class Ax:
    """An experiment with the generation strategy that Ax picks."""

    def __init__(self, space: Space, budget: int, seed: int) -> None:
        logging.disable(logging.WARNING)
        warnings.simplefilter("ignore")
        self._space = space
        self._client = Client(random_seed=seed)
        self._client.configure_experiment([_config(h) for h in space if not isinstance(h, Fixed)])
        self._client.configure_optimization("-loss")
        self._trial = 0

    def propose(self) -> dict[str, Value]:
        ((self._trial, values),) = self._client.get_next_trials(1).items()
        return self._space.active(values)

    def tell(self, setup: Setup, loss: float | None) -> None:
        if loss is None:
            self._client.mark_trial_failed(self._trial)
        else:
            self._client.complete_trial(self._trial, {"loss": loss})


def _config(h: Interval | Choice) -> Any:
    if isinstance(h, Choice):
        return ChoiceParameterConfig(h.name, list(h.options), "str", is_ordered=False)
    kind = "int" if h.integer else "float"
    return RangeParameterConfig(h.name, (h.low, h.high), kind, scaling="log" if h.log else "linear")
