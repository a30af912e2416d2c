"""Staycourse's own searches, asked as a run asks them."""

from __future__ import annotations

from staycourse.core.space import Setup, Space, Value
from staycourse.search.request import Past, Request, Search
from staycourse.search.session import Session

BAYES = "staycourse bayes"


class Own:
    """A search of staycourse's by its name in a roadmap; failures are infeasible trials."""

    def __init__(self, optimizer: str, space: Space, budget: int, seed: int) -> None:
        self._search = Search(space, optimizer, seed, "min", budget)
        self._session = Session()
        self._past: list[Past] = []

    def propose(self) -> dict[str, Value]:
        return self._session.propose(Request(self._search, len(self._past) + 1, tuple(self._past)))

    def tell(self, setup: Setup, loss: float | None) -> None:
        self._past.append(Past(setup, loss, "infeasible" if loss is None else "done"))


def bayes(space: Space, budget: int, seed: int) -> Own:
    """What a roadmap gets by default."""
    return Own("bayes", space, budget, seed)
