"""What a phase gives the next: space, ranking, best epoch, and what it found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from staycourse.core import best_values
from staycourse.core import space as spaces
from staycourse.core.best_values import BestValues
from staycourse.core.space import Space, Value


@dataclass(frozen=True)
class Ranked:
    """A set-up with its place: the mean score over its trials, their spread (standard deviation over
    seeds, None for one), and the epoch at which its (mean) curve is best."""

    setup: Mapping[str, Value]
    score: float
    trials: tuple[str, ...]
    epoch: int
    spread: float | None = None
    name: str = ""


@dataclass(frozen=True)
class Handoff:
    """`ranking` is best first and empty until a phase has ranked; `best_values` holds, for each
    hyperparameter, its value in the best set-up so far in which it exists (`BestValues`); `horizon` is the
    schedule's length under which `ranking` was measured; `findings` is what else the phase saw, as JSON."""

    space: Space
    ranking: tuple[Ranked, ...] = ()
    best_values: Mapping[str, Value] = field(default_factory=BestValues)
    horizon: int | None = None
    findings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def best_epoch(self) -> int | None:
        """The epoch at which the winner was best."""
        return self.ranking[0].epoch if self.ranking else None


def to_json(handoff: Handoff) -> dict[str, Any]:
    """The handoff as JSON values; `from_json` is its inverse."""
    return {
        "space": spaces.to_json(handoff.space),
        "ranking": [
            {
                "setup": dict(ranked.setup),
                "score": ranked.score,
                "trials": list(ranked.trials),
                "epoch": ranked.epoch,
                "spread": ranked.spread,
                "name": ranked.name,
            }
            for ranked in handoff.ranking
        ],
        **best_values.to_json(handoff.best_values),
        "horizon": handoff.horizon,
        "findings": dict(handoff.findings),
    }


def from_json(body: Mapping[str, Any]) -> Handoff:
    """The handoff that `to_json` described."""
    return Handoff(
        space=spaces.from_json(body["space"]),
        ranking=tuple(Ranked(**{**item, "trials": tuple(item["trials"])}) for item in body["ranking"]),
        best_values=best_values.from_json(body),
        horizon=body["horizon"],
        findings=body["findings"],
    )
