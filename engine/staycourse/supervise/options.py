"""What may be said on the command line about where a run runs; recorded, not sealed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Options:
    """`devices` is "0,1" or "cpu", `cpus` "0-3,8" or a number; None leaves it to what there is."""

    devices: str | None = None
    slots: int | None = None
    cpus: str | None = None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Options:
        return cls(body.get("devices"), body.get("slots"), body.get("cpus"))

    def arguments(self) -> list[str]:
        """The options as they stand on a command line."""
        pairs = (("--devices", self.devices), ("--slots", self.slots), ("--cpus", self.cpus))
        return [word for name, value in pairs if value is not None for word in (name, str(value))]
