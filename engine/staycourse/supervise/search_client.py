"""The supervisor's end of the search process: one question at a time, asked again if it dies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from staycourse.supervise.spawner import Child, Spawner

_MOST_DEATHS = 3
# Where the answer to each kind of question stands.
_ANSWERS = {"propose": "setup", "estimate": "estimate"}


class SearchFailed(Exception):
    """The search cannot answer; the message says why."""


class SearchClient:
    """Owns one search process at a time, forked when the first question comes."""

    def __init__(self, spawner: Spawner, log: Path) -> None:
        self._spawner = spawner
        self._log = log
        self._child: Child | None = None
        self._question: tuple[str, dict[str, Any]] | None = None
        self._deaths = 0
        self._count = self._children = 0

    @property
    def is_busy(self) -> bool:
        return self._question is not None

    @property
    def child(self) -> Child | None:
        return self._child

    def ask(self, kind: str, question: dict[str, Any]) -> None:
        """Put a question, "propose" or "estimate"; the answer comes out of `take`."""
        self._question = kind, question
        self._send()

    def take(self) -> tuple[str, dict[str, Any]] | None:
        """The kind of the question and its answer, a set-up or an estimate, once it is there. Raises
        SearchFailed."""
        if self._child is None or self._question is None:
            return None
        for answer in self._child.events.receive():
            if answer.get("id") == self._count:
                (kind, _), self._question = self._question, None
                if _ANSWERS[kind] not in answer:
                    raise SearchFailed(answer.get("error", "no reason given"))
                self._deaths = 0
                return kind, answer[_ANSWERS[kind]]
        if self._child.is_over:
            self._replace()
        return None

    def close(self) -> None:
        """End the process."""
        if self._child is not None:
            self._spawner.kill(self._child)
            self._spawner.let_go(self._child)
            self._child = None

    def _replace(self) -> None:
        assert self._child is not None
        code, is_own = self._child.code, self._child.is_own_end
        self._spawner.let_go(self._child)
        self._child = None
        self._deaths += is_own
        if self._deaths >= _MOST_DEATHS:
            raise SearchFailed(f"the search's process died {self._deaths} times (exit code {code})")
        if self._question is not None:
            self._send()

    def _send(self) -> None:
        if self._child is None:
            self._children += 1
            name = f"search-{self._children}"
            self._child = self._spawner.fork(name, "search", self._log, {"CUDA_VISIBLE_DEVICES": ""})
        assert self._question is not None
        kind, question = self._question
        self._count += 1
        self._child.orders.send({"id": self._count, kind: question})
