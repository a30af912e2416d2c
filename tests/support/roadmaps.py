"""Roadmaps for tests: the full one of the format's description, and small ones put together from parts."""

from __future__ import annotations

from pathlib import Path

from staycourse.core.problems import RoadmapError
from staycourse.core.roadmap import parse

FULL = (Path(__file__).parents[1] / "core" / "roadmaps" / "full.toml").read_text(encoding="utf-8")

HEAD = """\
name = "small"
seed = 3
[task]
file = "task.py"
"""
SPACE = """\
[space]
lr = { log = [1e-4, 1e-1] }
width = { range = [8, 64], integer = true }
optimizer = { choice = ["adam", "sgd"] }
momentum = { range = [0.5, 0.9], when = { optimizer = "sgd" } }
depth = 2
"""
# SGD's learning rates are not Adam's.
SPACE_BY = SPACE.replace("[1e-4, 1e-1] }", "[1e-4, 1e-1], by = { optimizer = { sgd = [1e-2, 1.0] } } }")
PROBE = '[[phase]]\nkind = "probe"\ntrials = 6\nepochs = 12\n'
NARROW = '[[phase]]\nkind = "narrow"\ntrials = 8\nepochs = 6\n'
GRID = '[[phase]]\nkind = "grid"\npoints = { lr = 3, width = [8, 16] }\nepochs = 6\n'
CONFIRM = '[[phase]]\nkind = "confirm"\nseeds = 2\nepochs = 12\n'
FINAL = '[[phase]]\nkind = "final"\n'


def small(*phases: str, space: str = SPACE, more: str = "") -> str:
    """A roadmap of these phases; `more` are tables that stand between the task and the space."""
    return "\n".join((HEAD, more, space, *phases))


def problems(text: str) -> list[str]:
    """What is wrong with a roadmap, as its user reads it; empty if nothing is."""
    try:
        parse(text)
    except RoadmapError as error:
        return [str(problem) for problem in error.problems]
    return []
