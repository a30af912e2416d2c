"""One search, ask by ask and tell by tell: the same calls in the same order give the same proposals."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import Any

import numpy as np
from nevergrad.common.errors import TellNotAskedNotSupportedError
from nevergrad.optimization.recaster import TooManyAskError

from staycourse.core.seeds import derive
from staycourse.core.space import Setup, Value
from staycourse.search.background import Background
from staycourse.search.bayes import StaycourseBO
from staycourse.search.optimizers import build
from staycourse.search.parametrization import Codec, setup_key
from staycourse.search.request import Past, Search
from staycourse.search.surroundings import reseed

# How often an optimizer is asked again where it proposes a set-up that there was before.
REASKS = 10
# … and how often of these without an answer, since what it repeats is under way or was not told.
_UNANSWERED = 1
_DRAWS = 1000
_NOTHING_KNOWN = 1e6


def penalty(losses: Sequence[float]) -> float:
    """The loss told for a set-up that failed, worse than all `losses`; they are those told so far.

    Farther away than the worst by their spread: an outlier in the thousands would leave a model of the
    losses no eye for their differences.
    """
    if not losses:
        return _NOTHING_KNOWN
    worst, best = max(losses), min(losses)
    return worst + max(worst - best, 0.1 * abs(worst), 1e-9)


class Replay:
    """A Nevergrad optimizer whose every ask and tell is seeded by (seed, proposal, kind of call).

    `setups` are the proposals made, `heard` the results taken in, both in order. Nothing else decides the
    next proposal. Whatever the optimizer raises goes through.
    """

    def __init__(self, search: Search) -> None:
        self.search = search
        self.setups: list[dict[str, Value]] = []
        self.heard: list[Past] = []
        self._codec = Codec(search.space)
        self._background = Background()
        self._first: dict[str, int] = {}
        self._candidates: list[Any] = []
        self._told: dict[int, float] = {}
        self._losses: list[float] = []
        self._owed: list[int] = []
        self._random_state = np.random.RandomState(0)
        self._optimizer = self._build() if self._codec.axes else None
        self._know(search.known)

    def propose(self, due: Past | None) -> dict[str, Value]:
        """The next proposal; `due` is the result of the trial `parallel` proposals before it, if any."""
        if due is not None:
            self._hear(due)
        trial = len(self.setups) + 1
        candidate, setup = self._new(trial)
        self._first.setdefault(setup_key(setup), trial)
        self._candidates.append(candidate)
        self.setups.append(setup)
        return dict(setup)

    def take_up(self, setups: Sequence[Setup], results: Sequence[Past]) -> bool:
        """Goes on behind earlier proposals without making them again, where the optimizer is a function of
        what it was told: then True. `results` are those heard before the last of `setups` was made."""
        if not isinstance(self._optimizer, StaycourseBO):
            return False
        reseed(derive(self.search.seed, 1, "ask", 0), self._random_state)
        self._optimizer.prepare()
        for setup in setups:
            candidate = self._optimizer.parametrization.spawn_child(new_value=self._codec.encode(setup))
            self._optimizer.take_up(candidate)
            self._candidates.append(candidate)
            self.setups.append(dict(setup))
            self._first.setdefault(setup_key(setup), len(self.setups))
        for past in results:
            self._hear(past)
        return True

    def close(self) -> None:
        """Lets go of the optimizer and its threads."""
        self._background.stop()
        self._optimizer = None
        self._candidates.clear()

    @property
    def _learns_failures(self) -> bool:
        """Whether a set-up that cannot be trained is a constraint to the optimizer, and no loss."""
        return isinstance(self._optimizer, StaycourseBO)

    def _know(self, known: Sequence[Past]) -> None:
        """Results of an earlier search, numbered up to 0, are not proposed again and measure failures; an
        optimizer that is a function of what it was told learns them all."""
        for trial, past in enumerate(known, start=1 - len(known)):
            self._first.setdefault(setup_key(past.setup), trial)
            loss = math.inf if past.state == "infeasible" else None
            if past.finite is not None:
                loss = past.finite if self.search.goal == "min" else -past.finite
                self._losses.append(loss)
                self._told.setdefault(trial, loss)
            if loss is not None and isinstance(self._optimizer, StaycourseBO):
                candidate = self._optimizer.parametrization.spawn_child(
                    new_value=self._codec.encode(past.setup)
                )
                self._optimizer.take_up(candidate)
                self._tell_candidate(candidate, loss, trial, 0)

    def _build(self) -> Any:
        parametrization = self._codec.parametrization()
        parametrization.random_state = self._random_state
        reseed(derive(self.search.seed, 0, "build"), self._random_state)
        with self._background.watched():
            return build(self.search, self._codec, parametrization)

    def _hear(self, past: Past) -> None:
        self.heard.append(past)
        trial = len(self.heard)
        if past.finite is not None:
            loss = past.finite if self.search.goal == "min" else -past.finite
            self._losses.append(loss)
            self._tell(trial, loss)
            self._pay()
        elif past.state != "untold" and self._learns_failures:
            self._tell(trial, math.inf)
        elif past.state != "untold":
            self._owed.append(trial)
            if self._losses or self._background.starving:
                self._pay()
        elif self._background.starving:
            self._tell(trial, penalty(self._losses))

    def _pay(self) -> None:
        """Tells the failures; before a first result nobody knows what is worse, so they wait for it."""
        for trial in self._owed:
            self._tell(trial, penalty(self._losses))
        self._owed.clear()

    def _tell(self, trial: int, loss: float) -> None:
        self._told[trial] = loss
        self._tell_candidate(self._candidates[trial - 1], loss, trial, 0)

    def _tell_candidate(self, candidate: Any, loss: float, trial: int, attempt: int) -> None:
        if self._optimizer is None:
            return
        reseed(derive(self.search.seed, trial, "tell", attempt), self._random_state)
        with self._background.watched():
            try:
                self._optimizer.tell(candidate, loss)
            except TellNotAskedNotSupportedError:
                return  # a set-up that was not its own idea, and it takes no others

    def _ask(self, trial: int, attempt: int) -> tuple[Any, dict[str, Value]]:
        assert self._optimizer is not None
        reseed(derive(self.search.seed, trial, "ask", attempt), self._random_state)
        with self._background.watched():
            candidate = self._optimizer.ask()
        return candidate, self._codec.decode(candidate.value)

    def _new(self, trial: int) -> tuple[Any, dict[str, Value]]:
        """A set-up that there was not before, as long as the space has one."""
        if self._optimizer is None:
            return None, self._codec.decode({})
        candidate, setup = self._ask(trial, 0)
        if not self._repeated(setup) or self._exhausted():
            return candidate, setup
        if not self._optimizer.one_shot:  # those planned all their points ahead, and would run out of them
            candidate, setup = self._asked_again(candidate, setup, trial)
        return (candidate, setup) if not self._repeated(setup) else self._untried(trial) or (candidate, setup)

    def _asked_again(self, candidate: Any, setup: Setup, trial: int) -> tuple[Any, dict[str, Value]]:
        """What the optimizer proposes once it knows what it repeated; a repetition still if it insists."""
        unanswered = 0
        for attempt in range(1, REASKS + 1):
            unanswered += not self._answer(candidate, setup, trial, attempt)
            if unanswered > _UNANSWERED:
                break
            try:
                candidate, setup = self._ask(trial, attempt)
            except TooManyAskError:
                break  # it waits for results of trials that are still under way
            if not self._repeated(setup):
                return candidate, dict(setup)
        else:
            self._answer(candidate, setup, trial, REASKS + 1)
        return candidate, dict(setup)

    def _answer(self, candidate: Any, setup: Setup, trial: int, attempt: int) -> bool:
        """Tells a repeated proposal what the first one gave, if that is known."""
        loss = self._told.get(self._first[setup_key(setup)])
        if loss is None and self._background.starving:
            loss = penalty(self._losses)
        if loss is not None:
            self._tell_candidate(candidate, loss, trial, attempt)
        return loss is not None

    def _repeated(self, setup: Setup) -> bool:
        return setup_key(setup) in self._first

    def _exhausted(self) -> bool:
        setups = self._codec.all_setups()
        return setups is not None and all(map(self._repeated, setups))

    def _untried(self, trial: int) -> tuple[Any, dict[str, Value]] | None:
        """A set-up drawn from those that there was no trial of."""
        rng = random.Random(derive(self.search.seed, trial, "untried"))
        setups = self._codec.all_setups()
        if setups is not None:
            setup = rng.choice([s for s in setups if not self._repeated(s)])
        else:
            draws = (self._codec.draw(rng) for _ in range(_DRAWS))
            setup = next((s for s in draws if not self._repeated(s)), {})
        if not setup:
            return None
        assert self._optimizer is not None
        return self._optimizer.parametrization.spawn_child(new_value=self._codec.encode(setup)), setup
