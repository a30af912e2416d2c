"""Nevergrad's optimizers, on the parametrization that staycourse gives them too.

Nevergrad has no failures: they are told a loss behind the worst, by as much as the losses spread.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from peers.of_staycourse import Own
from staycourse.core.space import Space

_NAMES = ("BO", "NGOpt", "TwoPointsDE")


def peers() -> dict[str, Callable[[Space, int, int], Own]]:
    """Peers by name; "quasi-random" are staycourse's own even points."""
    named = {f"Nevergrad {name}": partial(Own, name) for name in _NAMES}
    return {**named, "quasi-random": partial(Own, "quasi-random")}
