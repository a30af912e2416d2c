"""What a run has taken up of an earlier one, as it is sealed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from staycourse.core import handoff as handoffs
from staycourse.core import schedules
from staycourse.core.events import RunSealed
from staycourse.core.handoff import Handoff
from staycourse.core.inherited import Inherited
from staycourse.core.roadmap import Roadmap

_PARTS = {"code": "the task's code", "data": "the data", "environment": "the environment"}
_OUTSIDE = "the files that the task uses from outside its folder"


@dataclass(frozen=True)
class PaidPhase:
    """A closed phase of the earlier run: its kind, its trials, the epochs and seconds that they trained."""

    kind: str
    trials: int
    epochs: int
    seconds: float


@dataclass(frozen=True)
class Lineage:
    """An earlier run as it stood at its end. `head` is (seq, hash) of its last event, `status` "finished" or
    "abandoned", `reason` why it was abandoned, `phases` its closed phases; `handoff` that of the last one,
    its own trials named `<run>/<id>`. `parts`, `args`, `seed` and `schedules` are what it was sealed with;
    `before` the runs that it took up itself, newest first, as {"run", "head"}."""

    run: str
    folder: str
    seal: str
    head: tuple[int, str]
    status: str
    reason: str
    phases: tuple[PaidPhase, ...]
    handoff: Handoff
    metric: str
    goal: str
    parts: Mapping[str, str]
    args: Mapping[str, Any]
    seed: int
    schedules: Mapping[str, Any]
    before: tuple[Mapping[str, Any], ...] = ()

    @property
    def line(self) -> str:
        """The whole in one line, for who is about to seal it."""
        why = f": {self.reason}" if self.reason else ""
        paid = " and ".join(f"{phase.kind} ({phase.trials} trials)" for phase in self.phases)
        head = f"event {self.head[0]}, {self.head[1][:8]}"
        return f"takes up {self.run} ({self.status}{why}) at {head}: {paid} not trained again"

    @property
    def inherited(self) -> Inherited:
        """What the roadmap's parser takes of it."""
        return Inherited(self.run, self.handoff, self.metric, self.goal, schedules.from_json(self.schedules))

    def to_json(self) -> dict[str, Any]:
        """As JSON values; `from_json` is its inverse."""
        own = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return own | {
            "head": {"seq": self.head[0], "hash": self.head[1]},
            "phases": [asdict(phase) for phase in self.phases],
            "handoff": handoffs.to_json(self.handoff),
            "before": list(self.before),
        }

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Lineage:
        """The lineage that `to_json` described; what a later version has added is left out."""
        known = {name: body[name] for name in cls.__dataclass_fields__ if name in body}
        return cls(
            **known
            | {
                "head": (body["head"]["seq"], body["head"]["hash"]),
                "phases": tuple(PaidPhase(**phase) for phase in body["phases"]),
                "handoff": handoffs.from_json(body["handoff"]),
                "before": tuple(body["before"]),
            }
        )


def lineage_of(sealed: RunSealed) -> Lineage | None:
    """What the run was sealed on, None if on nothing."""
    return Lineage.from_json(sealed.lineage) if sealed.lineage else None


def differences(lineage: Lineage, parts: Mapping[str, str], roadmap: Roadmap) -> list[str]:
    """What is not as it was in the earlier run, in words; of the seal, those of its parts that are given.

    The part "outside" is given wherever there is one.
    """
    found = [
        words for part, words in _PARTS.items() if part in parts and parts[part] != lineage.parts.get(part)
    ]
    if parts.get("outside") != lineage.parts.get("outside"):
        found.append(_OUTSIDE)
    if dict(roadmap.task.args) != dict(lineage.args):
        found.append("the task's arguments")
    return [*found, "the seed"] if roadmap.seed != lineage.seed else found
