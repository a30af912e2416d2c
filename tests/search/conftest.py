"""A mixed space, losses on it, and whole campaigns run on real optimizers."""

import math
from collections.abc import Callable, Mapping

import pytest

from staycourse.core.space import Choice, Condition, Fixed, Interval, Space
from staycourse.search.request import Past, Request, Search
from staycourse.search.session import Session


@pytest.fixture
def mixed() -> Space:
    """Every kind of hyperparameter, one of them conditional."""
    return Space(
        (
            Interval("lr", 1e-5, 1e-1, log=True),
            Interval("batch_size", 8, 256, log=True, integer=True),
            Interval("dropout", 0.0, 0.5),
            Choice("optimizer", ("adamw", "sgd", "adam")),
            Interval("momentum", 0.8, 0.99, when=(Condition("optimizer", ("sgd",)),)),
            Choice("schedule", ("constant", "decay", "hybrid")),
            Fixed("weight_decay", 0.01),
        )
    )


@pytest.fixture
def six() -> Space:
    """A space of six set-ups."""
    return Space((Choice("optimizer", ("adamw", "sgd")), Choice("layers", (1, 2, 4))))


def loss(setup: Mapping) -> float:
    """Smooth, with its minimum inside the mixed space; for spaces without these names a sum over the rest."""
    total = 0.2 * (math.log10(setup["lr"]) + 3.0) ** 2 if "lr" in setup else 0.0
    total += 0.03 * (math.log2(setup["batch_size"]) - 5.0) ** 2 if "batch_size" in setup else 0.0
    total += {"adamw": 0.0, "adam": 0.03, "sgd": 0.05}.get(setup.get("optimizer"), 0.0)
    return total + 0.02 * setup.get("layers", 0)


@pytest.fixture
def campaign() -> Callable[..., list[Past]]:
    """Runs trials one after the other on one session; `states` names those that were not done.

    A value is `scale` times the loss, negated for the goal "max".
    """

    def run(
        search: Search, count: int, states: Mapping[int, str] | None = None, scale: float = 1.0
    ) -> list[Past]:
        session, past = Session(), []
        for k in range(1, count + 1):
            setup = session.propose(Request(search, k, tuple(past)))
            state = (states or {}).get(k, "done")
            sign = scale if search.goal == "min" else -scale
            past.append(Past(setup, sign * loss(setup) if state == "done" else None, state))
        session.close()
        return past

    return run
