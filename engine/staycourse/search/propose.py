"""The next set-up as a function of nothing but the request."""

from __future__ import annotations

from staycourse.core.space import Value
from staycourse.search.request import Request
from staycourse.search.session import Session


def propose(request: Request) -> dict[str, Value]:
    """Set-up number `request.k` of the search, JSON values by name; equal requests get equal answers.

    It is made from the results of trials 1..k-parallel in their order, the others counting as pending,
    whoever finished first. `bayes` takes its history up; every other optimizer is rebuilt: each earlier ask
    and tell is made again, seeded as at first, and every ask must give the set-up on record. Infeasible
    trials are told as worse than the worst result (`bayes` learns them as a border), untold ones not at all.
    No set-up comes twice before the space is exhausted.

    Raises RequestError, UnknownOptimizer, ReplayMismatch, or SearchFailed where the optimizer raised.
    """
    session = Session()
    try:
        return session.propose(request)
    finally:
        session.close()
