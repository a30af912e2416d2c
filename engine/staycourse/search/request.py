"""What a search is asked: which optimizer over which space, and everything that happened so far."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from staycourse.core import space as spaces
from staycourse.core.canonical import canonical_json, decode_number, encode_number
from staycourse.core.space import Setup, Space

STATES = ("done", "infeasible", "untold", "pending")
GOALS = ("min", "max")


class RequestError(ValueError):
    """A request that makes no sense; the message names the field."""


@dataclass(frozen=True)
class Past:
    """An earlier proposal and what became of it.

    `state` is "done" (with a `value`), "infeasible" (the set-up's own fault: diverged, out of memory),
    "untold" (ended for a reason that says nothing about the set-up: crashed, hung) or "pending".
    """

    setup: Setup
    value: float | None
    state: str

    def to_json(self) -> dict[str, Any]:
        value = None if self.value is None else encode_number(self.value)
        return {"setup": dict(self.setup), "value": value, "state": self.state}

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Past:
        """Raises RequestError."""
        setup, value, state = body.get("setup"), body.get("value"), body.get("state")
        if not isinstance(setup, Mapping):
            raise RequestError(f"history.setup: a mapping is needed, not {setup!r}")
        if state not in STATES:
            raise RequestError(f"history.state: {state!r} is none of {', '.join(STATES)}")
        return cls(dict(setup), _number(value), state)

    @cached_property
    def key(self) -> str:
        """Equal for equal entries, NaN included; tells 1, 1.0 and true apart."""
        return canonical_json(self.to_json())

    @property
    def finite(self) -> float | None:
        """The value of a trial that was done and has a finite one."""
        known = self.state == "done" and self.value is not None and math.isfinite(self.value)
        return self.value if known else None


@dataclass(frozen=True)
class Search:
    """What stays the same over a phase.

    `budget` is the number of proposals planned, `parallel` how many trials may be under way at once, `goal`
    "min" or "max", `optimizer` one of staycourse's own names or of Nevergrad's registry. `known` are ended
    trials of an earlier search: set-ups of this space that need no second trial.
    """

    space: Space
    optimizer: str
    seed: int
    goal: str
    budget: int
    parallel: int = 1
    known: tuple[Past, ...] = ()

    def to_json(self) -> dict[str, Any]:
        body = {
            "space": spaces.to_json(self.space),
            "optimizer": self.optimizer,
            "seed": self.seed,
            "goal": self.goal,
            "budget": self.budget,
            "parallel": self.parallel,
        }
        return body | {"known": [past.to_json() for past in self.known]} if self.known else body

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Search:
        """Raises RequestError."""
        goal, optimizer = body.get("goal"), body.get("optimizer")
        if goal not in GOALS:
            raise RequestError(f"goal: {goal!r} is none of {', '.join(GOALS)}")
        if not isinstance(optimizer, str):
            raise RequestError(f"optimizer: a name is needed, not {optimizer!r}")
        budget, parallel = _whole(body, "budget", 1), _whole(body, "parallel", 1)
        known = pasts(body.get("known", []), "known")
        return cls(_space(body), optimizer, _whole(body, "seed", 0), goal, budget, parallel, known)


@dataclass(frozen=True)
class Request:
    """Proposal number `k` (from 1) of a search; `history` holds trials 1..k-1 in their order.

    Only the results of trials 1..k-parallel are looked at, so the state of the later ones changes nothing.
    """

    search: Search
    k: int
    history: tuple[Past, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return self.search.to_json() | {"k": self.k, "history": [past.to_json() for past in self.history]}

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Request:
        """Raises RequestError."""
        search, k = Search.from_json(body), _whole(body, "k", 1)
        request = cls(search, k, pasts(body.get("history"), "history"))
        request.check()
        return request

    def due(self, k: int) -> Past | None:
        """The result that is heard before proposal `k` is made."""
        at = k - self.search.parallel
        return self.history[at - 1] if at >= 1 else None

    def check(self) -> None:
        """Raises RequestError unless history has every trial before `k`, and every result that is due."""
        if len(self.history) != self.k - 1:
            raise RequestError(
                f"history: proposal {self.k} needs {self.k - 1} trials, not {len(self.history)}"
            )
        for trial, past in enumerate(self.history[: max(0, self.k - self.search.parallel)], start=1):
            if past.state == "pending":
                raise RequestError(f"history: proposal {self.k} needs the result of trial {trial}")
            if past.state == "done" and past.value is None:
                raise RequestError(f"history: trial {trial} is done and has no value")


def pasts(items: Any, name: str) -> tuple[Past, ...]:
    """The trials in a request's field. Raises RequestError."""
    if not isinstance(items, list) or not all(isinstance(item, Mapping) for item in items):
        raise RequestError(f"{name}: a list of trials is needed")
    return tuple(Past.from_json(item) for item in items)


def _number(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, str) and value in ("nan", "inf", "-inf"):
        return decode_number(value)
    raise RequestError(f"history.value: a number is needed, not {value!r}")


def _space(body: Mapping[str, Any]) -> Space:
    try:
        return spaces.from_json(body["space"])
    except (KeyError, TypeError, AttributeError) as error:
        raise RequestError(f"space: cannot be read ({type(error).__name__}: {error})") from error


def _whole(body: Mapping[str, Any], name: str, least: int) -> int:
    value = body.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise RequestError(f"{name}: a whole number from {least} on is needed, not {value!r}")
    return value
