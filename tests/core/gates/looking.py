"""Phases played to their end with curves from a formula, and what their gates then say."""

from __future__ import annotations

import random
from typing import Any

from tests.support.roadmaps import small
from tests.support.simulate import Ends, Loss, all_complete, campaign

from staycourse.core.roadmap import parse

SPACE = """\
[space]
lr = { log = [1e-4, 1e-1] }
dropout = { range = [0.0, 0.5] }
"""
NARROW = '[[phase]]\nkind = "narrow"\ntrials = 24\nepochs = 40\n'
CONFIRM = '[[phase]]\nkind = "confirm"\nseeds = 2\nepochs = 40\n'


def findings(
    *phases: str, loss: Loss, space: str = SPACE, seed: int = 0, ends: Ends = all_complete, goal: str = "min"
) -> list[dict[str, Any]]:
    """All findings of the last phase."""
    more = f'[objective]\ngoal = "{goal}"\n'
    roadmap = parse(small(*phases, space=space, more=more))
    return list(campaign(roadmap, seed, loss, ends))[-1].handoff.findings.get("gates", [])


def of(gate: str, found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The findings of one gate."""
    return [finding for finding in found if finding["gate"] == gate]


def level(gate: str, found: list[dict[str, Any]]) -> str:
    """The level of a gate that has one finding."""
    (finding,) = of(gate, found)
    return str(finding["level"])


def noise(*key: Any) -> float:
    """A standard normal number that is always the same for one key."""
    return random.Random(repr(key)).gauss(0.0, 1.0)
