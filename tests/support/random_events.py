"""Events of every kind with random content, in orders that make sense and in orders that make none."""

from __future__ import annotations

import random
from typing import Any

from staycourse.core import events as ev
from staycourse.core import handoff as handoffs
from staycourse.core.handoff import Handoff, Ranked
from staycourse.core.outcome import Failure, Outcome
from staycourse.core.space import Choice, Fixed, Interval, Space

SPACE = Space((Interval("lr", 1e-4, 1e-1, log=True), Choice("o", ("a", "b")), Fixed("depth", 2)))
WORDS = ["", "plain", "ünïcode – 日本", 'quotes " and \\ and \n lines', "🙂"]


def random_event(rng: random.Random, trials: int = 4) -> ev.Event:
    """One event; trials and phases are drawn from few, so that events meet."""
    return rng.choice(_MAKERS)(rng, f"t{rng.randint(1, trials)}")


def one_of_each(rng: random.Random) -> list[ev.Event]:
    return [make(rng, "t1") for make in _MAKERS]


def _word(rng: random.Random) -> str:
    return rng.choice(WORDS)


def _json(rng: random.Random, depth: int = 2) -> dict[str, Any]:
    values: list[Any] = [1, 2.5, None, True, _word(rng), [1, [2]], 10**15, 1e-300]
    if depth:
        values.append(_json(rng, depth - 1))
    return {_word(rng): rng.choice(values) for _ in range(rng.randint(0, 3))}


def _handoff(rng: random.Random) -> dict[str, Any]:
    ranking = tuple(
        Ranked({"lr": rng.random(), "o": "a", "depth": 2}, rng.gauss(0, 1), (f"t{n}",), rng.randint(1, 9))
        for n in range(rng.randint(0, 3))
    )
    return handoffs.to_json(Handoff(SPACE, ranking, {"lr": 0.1}, rng.choice([None, 9]), {"seen": _word(rng)}))


def _estimate(rng: random.Random) -> dict[str, Any]:
    edge = {"share": rng.random(), "gain": rng.gauss(0, 1), "sd": rng.random()}
    row = {
        "name": "lr",
        "on": None,
        "option": None,
        "low": 1e-3,
        "high": 1e-2,
        "edges": {"low": edge, "high": edge},
    }
    option = {"name": "o", "option": _word(rng), "is_kept": rng.random() < 0.5}
    return {
        "confidence": 0.95,
        "noise": rng.random(),
        "ranges": [row],
        "options": [option],
        "model": _json(rng),
    }


def _planned(rng: random.Random, trial: str) -> ev.TrialPlanned:
    stop = {"patience": 3, "start": 0, "min_delta": 0.0, "metric": None}
    return ev.TrialPlanned(
        trial,
        rng.randint(0, 2),
        f"key-{trial}",
        {"lr": rng.random(), "o": "b", "depth": 2},
        epochs=rng.randint(1, 9),
        horizon=9,
        stop=rng.choice([None, stop]),
        parent=rng.choice([None, "t1"]),
        proposal=rng.choice([None, 3]),
        name=_word(rng),
    )


def _ended(rng: random.Random, trial: str) -> ev.TrialEnded:
    curve = [[n, rng.choice([rng.gauss(0, 1), "nan", "inf"])] for n in range(1, rng.randint(1, 5))]
    return ev.TrialEnded(
        trial,
        str(rng.choice(list(Outcome))),
        "patience",
        _word(rng),
        epochs=len(curve),
        steps=5,
        curve=curve,
        seconds=rng.random(),
        best_epoch=1,
        best_value=0.5,
        files={"last.pt": ["0" * 64, 17]},
    )


_MAKERS: list[Any] = [
    lambda rng, trial: ev.RunSealed(
        "a" * 64, _json(rng), "r.toml", "/f", _json(rng), _json(rng), _json(rng), "staycourse run r.toml", "1"
    ),
    lambda rng, trial: ev.EngineStarted(rng.randint(1, 4), 77, 1.5, _json(rng), _json(rng), ["cpu-1"], None),
    lambda rng, trial: ev.EngineStopped(_word(rng)),
    lambda rng, trial: ev.EnvironmentChanged({"driver": [_word(rng), None]}, _json(rng)),
    lambda rng, trial: ev.PhaseOpened(rng.randint(0, 3)),
    _planned,
    lambda rng, trial: ev.TrialStarted(trial, rng.randint(1, 3), "cpu-1", 78, 1.25),
    lambda rng, trial: ev.AttemptFailed(
        trial, rng.randint(1, 3), str(rng.choice(list(Failure))), _word(rng), 5, rng.random() < 0.5
    ),
    _ended,
    lambda rng, trial: ev.SlowdownSeen(
        trial, rng.randint(1, 3), 2, rng.choice(["starved", "growing"]), _word(rng), 0.5, _json(rng)
    ),
    lambda rng, trial: ev.RegionEstimated(rng.randint(0, 2), _estimate(rng)),
    lambda rng, trial: ev.PhaseClosed(rng.randint(0, 3), _handoff(rng)),
    lambda rng, trial: ev.CheckpointsDropped(rng.randint(0, 3), [trial], 1000),
    lambda rng, trial: ev.Noted("device", _word(rng)),
    lambda rng, trial: ev.RunSuspended(_word(rng)),
    lambda rng, trial: ev.RunFinished(rng.choice([None, {"lr": 0.1}]), _json(rng)),
    lambda rng, trial: ev.RunFailed(rng.randint(0, 3), _word(rng)),
    lambda rng, trial: ev.RunAbandoned(_word(rng)),
]
