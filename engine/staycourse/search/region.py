"""Where the best set-ups of a space lie, by a model of all results of a search.

Draws from the model's posterior are whole loss functions, each as plausible as the others; the set-up at
which one of them is least is where the optimum may lie. The region holds so many of these optima as the
confidence says, all hyperparameters at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from staycourse.core import space as spaces
from staycourse.core.space import Space
from staycourse.search.coverage import Entry, region_of
from staycourse.search.draws import Draws, draw
from staycourse.search.request import GOALS, Past, RequestError, pasts
from staycourse.search.surroundings import undisturbed

# Near a bound is what lies in this share of the range at its side.
_OUTER = 0.1


@dataclass(frozen=True)
class Question:
    """Results of a search over `space`, and the `confidence` (0 to 1) with which the region is to hold the
    optimum."""

    space: Space
    goal: str
    confidence: float
    trials: tuple[Past, ...]
    seed: int

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Question:
        """Raises RequestError."""
        goal, confidence, seed = body.get("goal"), body.get("confidence"), body.get("seed")
        if goal not in GOALS:
            raise RequestError(f"goal: {goal!r} is none of {', '.join(GOALS)}")
        if isinstance(confidence, bool) or not isinstance(confidence, float) or not 0 < confidence < 1:
            raise RequestError(f"confidence: a number between 0 and 1 is needed, not {confidence!r}")
        if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
            raise RequestError(f"seed: a whole number from 0 on is needed, not {seed!r}")
        try:
            space = spaces.from_json(body["space"])
        except (KeyError, TypeError, AttributeError) as error:
            raise RequestError(f"space: cannot be read ({type(error).__name__}: {error})") from error
        trials = pasts(body.get("trials"), "trials")
        if not any(past.finite is not None for past in trials):
            raise RequestError("trials: at least one with a value is needed")
        return cls(space, goal, confidence, trials, seed)


def estimate(question: Question) -> dict[str, Any]:
    """The region as JSON values, a pure function of the question on one thread.

    `ranges` has a row for each interval, and for each option under which it has bounds of its own (`on`,
    `option`): `low` and `high`, and for the outer tenth at each side (`edges`) the `share` of optima there
    and by how much (`gain`, with its deviation `sd`) the best loss there is lower than the best one that is
    a tenth farther inside at least.
    `options` has a row for each option of a choice: `share` of the draws in which it is as good as the best
    within noise, mean `difference` of its best loss to that of the leading option (`against`) with its `sd`,
    numbers of trials, and whether it `is_kept`. `noise` is the standard deviation of the metric between
    trainings of one set-up. Losses are in the metric's units, less is better.
    """
    with undisturbed():
        draws = draw(question.space, question.trials, question.goal, question.seed)
        region = region_of(question.space, draws, question.confidence)
        return {
            "confidence": question.confidence,
            "noise": _number(draws.noise),
            "model": {
                "scored": sum(past.finite is not None for past in question.trials),
                "failed": sum(past.state == "infeasible" for past in question.trials),
                "draws": len(draws.losses),
                "widened": _number(draws.widened),
            },
            "ranges": [
                {
                    "name": entry.name,
                    "on": entry.on,
                    "option": entry.option,
                    "low": low,
                    "high": high,
                    "edges": {side: _edge(entry, draws, side) for side in ("low", "high")},
                }
                for entry, (low, high) in zip(region.entries, region.ranges, strict=True)
            ],
            "options": region.options,
        }


def _edge(entry: Entry, draws: Draws, side: str) -> dict[str, float]:
    """How the outer tenth at a side compares with the rest of the range, draw by draw."""
    at = entry.positions if side == "low" else 1.0 - entry.positions
    outer = draws.least(entry.mask & (at <= _OUTER))
    share = np.mean(outer < draws.least(entry.mask & (at > _OUTER)))
    inner = draws.least(entry.mask & (at > 2 * _OUTER))
    known = np.isfinite(outer) & np.isfinite(inner)
    if not known.any():
        return {"share": 0.0, "gain": 0.0, "sd": 0.0}
    gain = (inner - outer)[known] * draws.unit
    return {"share": _number(share), "gain": _number(gain.mean()), "sd": _number(gain.std())}


def _number(value: Any) -> float:
    """Six digits: more would be none of the model's."""
    return float(f"{float(value):.6g}")
