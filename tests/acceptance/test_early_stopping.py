"""Rules that compare trials, in real campaigns: what they leave is what would have come without them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.support.tiny import FINAL, SPACE, Place, write_roadmap

SPACE_OF_GRID = {**SPACE, "dropout": 0.1, "batch_size": 16, "optimizer": "adamw"}
POINTS = {"kind": "grid", "points": {"lr": 6}, "epochs": 6, "keep": 1}


def run(folder: Path, **phase: object) -> Place:
    place = Place(folder)
    roadmap = write_roadmap(
        folder, space={"lr": SPACE["lr"], "batch_size": 16}, phases=[{**POINTS, **phase}, FINAL]
    )
    done = place.run("run", roadmap, "--no-ui", "--slots", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    assert place.run("verify", "tiny-1").returncode == 0
    return place


def curves(place: Place) -> dict[str, tuple[str | None, list[tuple[int, str]]]]:
    """Each trial's parent, and its whole curve as the ledger has it."""
    plans, ends = {}, {}
    for kind, body in place.rows("select kind, body from ledger order by seq"):
        event = json.loads(body)
        if kind == "trial planned":
            plans[event["key"]] = event
        if kind == "trial ended":
            ends[event["trial"]] = event
    return {key: (plan["parent"], ends[plan["trial"]]["curve"]) for key, plan in plans.items()}


@pytest.mark.slow
def test_what_halving_trains_on_is_what_it_would_have_been_without(tmp_path: Path) -> None:
    plain = run(tmp_path / "plain")
    halved = run(tmp_path / "halved", stop={"halving": {"factor": 2, "first": 1}})
    try:
        whole, rungs = curves(plain), curves(halved)
        heights = sorted(len(curve) for key, (_, curve) in rungs.items() if key.startswith("point"))
        assert heights == [1] * 6 + [2] * 3 + [6] * 2
        for key, (parent, curve) in rungs.items():
            if key.startswith("point"):
                point = key.partition("-rung-")[0]
                assert curve == whole[point][1][: len(curve)]
                assert (parent is None) == (key == point)
        report = (halved.runs / "tiny-1" / "report.md").read_text(encoding="utf-8")
        assert "halving at epoch 1: 3 of 6 went on" in report
    finally:
        plain.close()
        halved.close()


@pytest.mark.slow
def test_the_median_rule_ends_trials_in_the_open(tmp_path: Path) -> None:
    place = run(tmp_path, stop={"median": {"after": 2, "from": 2}}, points={"lr": [0.1, 0.05, 1e-3, 2e-3]})
    try:
        ends = [json.loads(b) for (b,) in place.rows("select body from ledger where kind = 'trial ended'")]
        plans = [json.loads(b) for (b,) in place.rows("select body from ledger where kind = 'trial planned'")]
        stopped = [end for end in ends if end["rule"] == "median"]
        assert stopped and all(end["outcome"] == "completed" and end["epochs"] >= 2 for end in stopped)
        compared = {plan["trial"] for plan in plans if plan["stop"] and plan["stop"]["median"]}
        assert {end["trial"] for end in stopped} <= compared
        assert len(compared) == 2
    finally:
        place.close()
