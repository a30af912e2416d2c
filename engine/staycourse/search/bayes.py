"""Bayesian optimisation by Gaussian processes on BoTorch, as an optimizer of Nevergrad's registry."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from nevergrad.optimization.base import Optimizer, registry

from staycourse.search.domain import CodecDomain, Domain, Floats, snapped
from staycourse.search.nevergrad_domain import NevergradDomain
from staycourse.search.parametrization import Codec

if TYPE_CHECKING:
    from staycourse.search.surrogate import Surrogate

# How many quasi-random points come before the first model: two a column, within these bounds, and no more
# than a third of the budget.
_LEAST_START, _MOST_START = 4, 10
# Nevergrad makes of an infinite loss, and of one that is no number, this one.
_NO_LOSS = 5.0e20


@registry.register
class StaycourseBO(Optimizer):  # type: ignore[misc]  # nevergrad has no types
    """Asks for a quasi-random start (Sobol), then for the most expected improvement under a Gaussian process.

    The process models noise. A set-up that is told as infinite or NaN cannot be trained: that is learned as a
    constraint, and not as a loss. Trials under way count as if they gave what is expected of them. A proposal
    is a function of what was asked and told, in its order, and of the parametrization's random state; none
    comes twice before the space is exhausted. BoTorch is imported at the first proposal that needs a model.

    Takes Nevergrad's arguments; with `codec` it searches that codec's space, rounded and with its conditions.
    """

    def __init__(
        self,
        parametrization: Any,
        budget: int | None = None,
        num_workers: int = 1,
        *,
        codec: Codec | None = None,
    ) -> None:
        super().__init__(parametrization, budget=budget, num_workers=num_workers)
        space = self.parametrization
        self._domain: Domain = CodecDomain(codec, space) if codec else NevergradDomain(space)
        self._rows: list[Floats] = []
        self._losses: list[float] = []
        self._failed: list[Floats] = []
        self._under_way: dict[str, Floats] = {}
        self._start: list[Floats] | None = None

    def prepare(self) -> None:
        """Draws the start; the first ask does it by itself."""
        if self._start is None:
            from staycourse.search.acquisition import spread

            count = _start_size(len(self._domain.columns), self.budget)
            self._start = list(spread(self._domain.columns, count, self._seed()))

    def take_up(self, candidate: Any) -> None:
        """An earlier proposal, as if it had been asked for just now; what it gave is told as usual."""
        self._under_way[candidate.uid] = self._domain.row(candidate)
        self._asked.add(candidate.uid)
        self._num_ask += 1

    def recommend(self) -> Any:
        """The candidate with the least expected loss among those told: without noise, the best of them."""
        if not self._losses:
            return super().recommend()
        surrogate = self._surrogate()
        best = int(np.argmin(surrogate.predict(surrogate.rows)[0]))
        return self._domain.candidate(self._rows[best])

    def _internal_ask_candidate(self) -> Any:
        candidate = self._domain.candidate(self._next())
        self._under_way[candidate.uid] = self._domain.row(candidate)
        return candidate

    def _internal_tell_candidate(self, candidate: Any, loss: float) -> None:
        row = self._under_way.pop(candidate.uid, None)
        row = self._domain.row(candidate) if row is None else row
        if loss < _NO_LOSS:
            self._rows.append(row)
            self._losses.append(float(loss))
        else:
            self._failed.append(row)

    def _next(self) -> Floats:
        """The next row; a repetition only where every row was there before."""
        self.prepare()
        assert self._start is not None
        wanted = (
            self._planned() if self._num_ask < len(self._start) or not self._losses else self._improving()
        )
        seen = {row.tobytes() for row in (*self._rows, *self._failed, *self._under_way.values())}
        fresh = next((row for row in wanted if row.tobytes() not in seen), None)
        return fresh if fresh is not None else self._unseen(seen, wanted)

    def _planned(self) -> list[Floats]:
        """The next point of the start; beyond it, as long as nothing could be trained, more of its kind."""
        assert self._start is not None
        at = self._num_ask
        if at < len(self._start):
            return [snapped(self._domain, self._start[at])]
        return list(self._spread_rows(1))

    def _improving(self) -> list[Floats]:
        from staycourse.search import acquisition, surrogate

        columns, model = self._domain.columns, self._surrogate()
        order = np.argsort(model.predict(model.rows)[0], kind="stable")
        if self._under_way:
            model = surrogate.with_pending(model, np.array(list(self._under_way.values())))
        function = acquisition.log_expected_improvement(model, self._feasible())
        return acquisition.candidates(
            function, columns, model.rows[order], self._seed(), lambda row: snapped(self._domain, row)
        )

    def _surrogate(self) -> Surrogate:
        from staycourse.search.surrogate import fit

        return fit(self._domain.columns, np.array(self._rows), np.array(self._losses))

    def _feasible(self) -> Any | None:
        """What is known of where set-ups can be trained; None as long as all could."""
        if not self._failed:
            return None
        from staycourse.search.surrogate import feasibility

        rows = np.array([*self._rows, *self._failed])
        return feasibility(self._domain.columns, rows, [True] * len(self._rows) + [False] * len(self._failed))

    def _unseen(self, seen: set[bytes], wanted: Sequence[Floats]) -> Floats:
        """A row that was not there before, if a search through many finds one."""
        fresh = (row for row in self._spread_rows(1024) if row.tobytes() not in seen)
        return next(fresh, wanted[0])

    def _spread_rows(self, count: int) -> Iterator[Floats]:
        from staycourse.search.acquisition import spread

        return (snapped(self._domain, row) for row in spread(self._domain.columns, count, self._seed()))

    def _seed(self) -> int:
        return int(self._rng.randint(2**31))


def _start_size(columns: int, budget: int | None) -> int:
    wanted = min(_MOST_START, 2 * columns)
    if budget is None:
        return max(_LEAST_START, wanted)
    return min(budget, max(_LEAST_START, min(wanted, budget // 3)))
