"""A checked roadmap that is offered to be sealed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from staycourse.core.roadmap import Roadmap


class RehearsalCancelled(Exception):
    """Raised by the `say` that a rehearsal calls back, once nobody watches any more."""


@dataclass(frozen=True)
class Offer:
    """What the plan screen shows and may do; the callbacks block and are called on threads only.

    `source` is the roadmap's path as it was typed, `notes` what the check has to say, `facts` what it saw
    of the task and its data (JSON values). `seal` seals the plan, starts the engine and returns the run's
    folder; `rehearse` calls back with lines of progress and is true if all went well. Both may raise
    UserError with a message to show. `will_be` is the seal, 64 hex digits, if nothing changes until then.
    """

    roadmap: Roadmap
    source: str
    notes: tuple[str, ...]
    facts: Mapping[str, Any]
    seal: Callable[[], Path]
    rehearse: Callable[[Callable[[str], None]], bool]
    will_be: str = ""
