"""Spaces with corners that cannot be trained: diverging, out of memory, or failing for a combination."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from objectives import synthetic, tabulated
from objectives.base import Objective
from staycourse.core.space import Setup


def objectives() -> Iterator[Objective]:
    """Objectives of the other families with a hidden border, some close to the best set-up."""
    known = {o.name: o for o in (*synthetic.objectives(), *tabulated.objectives())}
    yield _cornered(known["separable"], "separable, diverging", _diverges)
    yield _cornered(known["ridge, noisy"], "ridge, noisy, out of memory", _too_large)
    yield _cornered(known["skewed, noisy"], "skewed, noisy, failing", _fails)
    yield _cornered(known["digits"], "digits, out of memory", _too_wide)


def _cornered(objective: Objective, name: str, is_lost: Callable[[Setup], bool]) -> Objective:
    def true(setup: Setup) -> float | None:
        return None if is_lost(setup) else objective.true(setup)

    return Objective(name, "cornered", objective.space, true, objective.noise)


def _diverges(setup: Setup) -> bool:
    """Learning rates that are too large, sooner for small batches; the best one lies at the border."""
    border = {"adamw": -3.3, "sgd": -1.5, "adam": -3.2}[str(setup["optimizer"])]
    return math.log10(float(setup["lr"])) > border + 0.12 * (math.log2(float(setup["batch_size"])) - 5)


def _too_large(setup: Setup) -> bool:
    return float(setup["batch_size"]) > 96


def _fails(setup: Setup) -> bool:
    """Large steps diverge; one optimizer has no such schedule."""
    is_large = math.log10(float(setup["lr"])) - math.log10(1 - float(setup.get("momentum", 0.9))) > -1.2
    return is_large or (setup["optimizer"] == "adam" and setup["schedule"] == "hybrid")


def _too_wide(setup: Setup) -> bool:
    return float(setup["width"]) * float(setup["batch_size"]) > 4096
