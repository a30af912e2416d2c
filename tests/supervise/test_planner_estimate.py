"""The planner between the search's answer and what the phase makes of it, with a record that is opened anew
after each step, as after a kill."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from tests.support.estimates import estimated, touching
from tests.support.roadmaps import FINAL, small

from staycourse.core import events as ev
from staycourse.core.handoff import Handoff
from staycourse.core.roadmap import Roadmap, parse
from staycourse.core.space import from_json
from staycourse.record.paths import RunPaths
from staycourse.record.store import Store
from staycourse.supervise.planner import Planner

SPACE = "[space]\nlr = { log = [1e-4, 1e-2] }\n"
NARROW = '[[phase]]\nkind = "narrow"\ntrials = 6\nepochs = 1\n'


class Steps:
    """A run whose planner is made anew for every step. `asked` are the questions, in their order."""

    def __init__(self, folder: Path, roadmap: Roadmap) -> None:
        self.paths, self.roadmap = RunPaths(folder), roadmap
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def store(self) -> Store:
        return Store(self.paths)

    def step(self, answer: Any) -> bool:
        """Ask the phase, and answer the question that it has; False if it has none."""
        store = self.store()
        try:
            planner = Planner(self.roadmap, store)
            while planner.advance():
                pass
            question = None if planner.is_done else planner.question()
            if question is None:
                return False
            self.asked.append(question)
            planner.take(question[0], answer(*question))
            if question[0] == "propose":
                trial = f"t{len(store.state.trials)}"
                lr = store.state.trials[trial].plan.setup["lr"]
                store.append(_ended(trial, -math.log10(lr)))
            return True
        finally:
            store.close(final=False)

    def handoff(self) -> Handoff:
        store = self.store()
        try:
            return store.state.handoffs[0]
        finally:
            store.close(final=False)


def _ended(trial: str, value: float) -> ev.TrialEnded:
    return ev.TrialEnded(trial, "completed", "epochs", "", 1, 1, [[1, value]], 1.0, 1, value)


def _answers(kind: str, request: dict[str, Any]) -> Any:
    if kind == "estimate":
        at_bound = len(request["trials"]) == 6
        return touching(request, "lr", "high") if at_bound else estimated(request)
    lr = from_json(request["space"]).get("lr")
    return {"lr": lr.from_unit(0.1 * request["k"] + 0.01 * len(request.get("known", ()))), "depth": 2}


@pytest.fixture
def steps(tmp_path: Path) -> Steps:
    (tmp_path / "run").mkdir()
    return Steps(tmp_path / "run", parse(small(NARROW, FINAL, space=SPACE + "depth = 2\n")))


def test_whatever_the_step_after_which_it_is_killed_the_same_questions_follow(steps: Steps) -> None:
    while steps.step(_answers):
        pass
    kinds = [kind for kind, _ in steps.asked]
    assert kinds == ["propose"] * 6 + ["estimate"] + ["propose"] * 2 + ["estimate"]
    assert steps.handoff().findings["expanded"]


def test_the_second_search_has_its_own_numbers_its_own_seed_and_knows_the_first(steps: Steps) -> None:
    while steps.step(_answers):
        pass
    first, second = steps.asked[0][1], steps.asked[7][1]
    assert (second["k"], second["budget"], second["history"]) == (1, 2, [])
    assert [past["value"] for past in second["known"]] == [
        past["value"] for past in steps.asked[6][1]["trials"]
    ]
    assert "known" not in first and second["seed"] != first["seed"]
    old, new = (from_json(body["space"]).get("lr") for body in (first, second))
    assert (new.low, new.high > old.high) == (old.low, True)
    estimates = [body for kind, body in steps.asked if kind == "estimate"]
    assert estimates[0]["seed"] != estimates[1]["seed"]
    assert [len(body["trials"]) for body in estimates] == [6, 8]
