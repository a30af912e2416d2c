"""Whether an optimizer can be rebuilt exactly: asked at check, before a campaign depends on it.

`python -m staycourse.search.repeatable` reads `{"optimizer", "space", "goal", "budget", "parallel",
"seed"}` as JSON from standard input and writes `{"reason": null}` or `{"reason": "…"}`. The caller sets the
time limit: an optimizer that never answers is refused, too.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NoReturn

from staycourse.core.phases.searched import OWN_OPTIMIZERS
from staycourse.core.space import Choice, Interval, Setup, Space
from staycourse.search.optimizers import known, unknown
from staycourse.search.parametrization import setup_key
from staycourse.search.propose import propose
from staycourse.search.request import Past, Request, RequestError, Search
from staycourse.search.session import ReplayMismatch, SearchFailed, Session

_OWN_PROPOSALS = 12
_PROPOSALS = 40
_INFEASIBLE = 3
_UNTOLD = 5


def check_repeatable(name: str, space: Space, goal: str, budget: int, parallel: int, seed: int) -> str | None:
    """The reason why this optimizer cannot be used for this search, or None.

    A campaign is made up, with one infeasible and one untold trial: all of the budget, up to 40 proposals
    (12 for staycourse's own optimizers). Then the optimizer is rebuilt, at the end and in the middle.
    """
    if not known(name):
        return unknown(name)
    search = Search(space, name, seed, goal, budget, parallel)
    count = min(budget, _OWN_PROPOSALS if name in OWN_OPTIMIZERS else _PROPOSALS)
    try:
        past = _campaign(search, count)
        for k in (1 + count // 2, count):
            _compare(propose(Request(search, k, past[: k - 1])), past, k, name)
    except ReplayMismatch as error:
        return (
            f"'{name}' proposes something else when it is rebuilt (proposal {error.trial}): "
            "a run could not be resumed exactly"
        )
    except SearchFailed as error:
        return _explained(name, parallel, error)
    return None


def _campaign(search: Search, count: int) -> tuple[Past, ...]:
    session = Session()
    past: list[Past] = []
    try:
        for k in range(1, count + 1):
            setup = session.propose(Request(search, k, tuple(past)))
            past.append(_result(search, k, setup))
    finally:
        session.close()
    return tuple(past)


def _compare(setup: Setup, past: Sequence[Past], k: int, name: str) -> None:
    if setup_key(setup) != setup_key(past[k - 1].setup):
        raise ReplayMismatch(name, k, past[k - 1].setup, setup)


def _result(search: Search, k: int, setup: Setup) -> Past:
    if k in (_INFEASIBLE, _UNTOLD):
        return Past(setup, None, "infeasible" if k == _INFEASIBLE else "untold")
    value = synthetic(search.space, setup)
    return Past(setup, value if search.goal == "min" else -value, "done")


def synthetic(space: Space, setup: Setup) -> float:
    """A smooth function of a set-up with its minimum of 0 inside the space."""
    total = 0.0
    for h in space.searched:
        if h.name not in setup:
            continue
        if isinstance(h, Interval):
            total += (h.given(setup).to_unit(float(setup[h.name])) - 0.3) ** 2
        elif isinstance(h, Choice):
            total += 0.1 * h.options.index(setup[h.name]) / len(h.options)
    return total


def _explained(name: str, parallel: int, error: SearchFailed) -> str:
    causes = list(_causes(error))
    missing = next((cause for cause in causes if isinstance(cause, ImportError)), None)
    if missing is not None:
        return f"'{name}' needs a package that is not installed ({missing.name or missing})"
    if parallel > 1 and "parallel" in str(causes[0]):
        return f"'{name}' proposes one set-up at a time: set parallel = 1"
    return str(error)


def _causes(error: BaseException) -> Iterator[BaseException]:
    while error.__cause__ is not None:
        error = error.__cause__
        yield error


def _from_json(body: Mapping[str, Any]) -> str | None:
    search = Search.from_json(body)
    return check_repeatable(
        search.optimizer, search.space, search.goal, search.budget, search.parallel, search.seed
    )


def main() -> NoReturn:
    """Standard output carries the answer alone: what an optimizer prints goes to standard error."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    try:
        reason = _from_json(json.load(sys.stdin))
    except (RequestError, json.JSONDecodeError) as error:
        reason = str(error)
    with answers:
        json.dump({"reason": reason}, answers)
    # An optimizer's threads may outlive it, and an exit would wait for them.
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
