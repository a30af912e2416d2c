"""Answers requests for proposals, and keeps the optimizer between them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from staycourse.core.space import Setup, Value, describe_setup
from staycourse.search.optimizers import UnknownOptimizer
from staycourse.search.parametrization import setup_key
from staycourse.search.replay import Replay
from staycourse.search.request import Request
from staycourse.search.surroundings import undisturbed


class SearchFailed(RuntimeError):
    """The optimizer itself raised; the message says at which proposal, and what."""


class ReplayMismatch(RuntimeError):
    """A rebuilt optimizer proposes something else than what is on record."""

    def __init__(self, optimizer: str, trial: int, recorded: Setup, proposed: Setup) -> None:
        self.trial = trial
        super().__init__(
            f"'{optimizer}' cannot be rebuilt: its proposal {trial} is on record as "
            f"({describe_setup(recorded)}) and is now ({describe_setup(proposed)}); "
            "were Nevergrad, NumPy or the results changed since?"
        )


class Session:
    """The optimizer of the last request is kept, and goes on where the next one follows from it.

    An answer never depends on what was kept: where a request does not follow, the search is replayed from
    its first proposal. One thread at a time.
    """

    def __init__(self) -> None:
        self._replay: Replay | None = None

    def propose(self, request: Request) -> dict[str, Value]:
        """Set-up number `request.k`.

        Raises RequestError, UnknownOptimizer, ReplayMismatch or SearchFailed; then nothing is kept.
        """
        request.check()
        kept = self._kept(request)
        if kept is not None and request.k <= len(kept.setups):
            return dict(kept.setups[request.k - 1])
        try:
            with undisturbed():
                return self._go_on(kept, request)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Lets go of the optimizer and its threads."""
        if self._replay is not None:
            self._replay.close()
            self._replay = None

    def _kept(self, request: Request) -> Replay | None:
        """The kept search, if all that it made and heard is also what the request says."""
        replay = self._replay
        if replay is None or replay.search != request.search:
            return None
        same_setups = all(map(_same, replay.setups, (past.setup for past in request.history)))
        heard = replay.heard[: max(0, request.k - request.search.parallel)]
        same_results = all(a.key == b.key for a, b in zip(heard, request.history, strict=False))
        return replay if same_setups and same_results else None

    def _go_on(self, kept: Replay | None, request: Request) -> dict[str, Value]:
        search = request.search
        if kept is None:
            self.close()
            with _blamed(search.optimizer, 1):
                self._replay = kept = Replay(search)
                past = request.history
                kept.take_up([p.setup for p in past], past[: max(0, request.k - 1 - search.parallel)])
        while len(kept.setups) < request.k:
            trial = len(kept.setups) + 1
            with _blamed(search.optimizer, trial):
                setup = kept.propose(request.due(trial))
            recorded = request.history[trial - 1].setup if trial < request.k else setup
            if not _same(setup, recorded):
                raise ReplayMismatch(search.optimizer, trial, recorded, setup)
        return dict(kept.setups[request.k - 1])


def _same(first: Setup, second: Setup) -> bool:
    return first is second or setup_key(first) == setup_key(second)


@contextmanager
def _blamed(optimizer: str, trial: int) -> Iterator[None]:
    try:
        yield
    except UnknownOptimizer:
        raise
    except Exception as error:
        what = " ".join(f"{type(error).__name__}: {error}".split())
        raise SearchFailed(f"'{optimizer}' failed at proposal {trial}: {what}") from error
