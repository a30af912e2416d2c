"""Searches to compare: each proposes a set-up and hears what it gave, one after the other.

Every peer is the real package with its default settings and a seed, on one thread. What cannot be trained is
told in the way that the package has for it, said in each file.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Protocol

from staycourse.core.space import Setup, Space, Value


class Peer(Protocol):
    """One search over one space."""

    def propose(self) -> dict[str, Value]:
        """The next set-up."""

    def tell(self, setup: Setup, loss: float | None) -> None:
        """What the last proposal gave; None if it could not be trained."""


Make = Callable[[Space, int, int], Peer]


def all_peers() -> dict[str, Make]:
    """(space, budget, seed) to a peer, by name; those whose package is not installed are left out."""
    from peers import of_nevergrad, of_staycourse

    found: dict[str, Make] = {of_staycourse.BAYES: of_staycourse.bayes, **of_nevergrad.peers()}
    if find_spec("optuna"):
        from peers import of_optuna

        found |= of_optuna.peers()
    if find_spec("ax"):
        from peers import of_ax

        found["Ax"] = of_ax.Ax
    return found
