"""A whole campaign whose learning rates depend on the optimizer: each lies in the range of its option."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.support.tiny import CONFIRM, FINAL, GRID, NARROW, PROBE, SPACE, Place, write_roadmap

RANGES = {"adamw": (1e-3, 1e-2), "sgd": (1e-1, 1.0)}
LR = {"log": list(RANGES["adamw"]), "by": {"optimizer": {"sgd": list(RANGES["sgd"])}}}


@pytest.mark.slow
def test_a_campaign_with_bounds_by_option(tmp_path: Path) -> None:
    place = Place(tmp_path)
    grid = {**GRID, "points": {"lr": 2, "optimizer": ["adamw", "sgd"]}}
    phases = [{**PROBE, "trials": 4, "eliminate": ["optimizer"]}, NARROW, grid, CONFIRM, FINAL]
    roadmap = write_roadmap(tmp_path, space={**SPACE, "lr": LR}, phases=phases)
    try:
        done = place.run("run", roadmap, "--no-ui")
        assert done.returncode == 0, done.stdout + done.stderr
        rows = place.rows("select body from ledger where kind = 'trial planned' order by seq")
        setups = [json.loads(body)["setup"] for (body,) in rows]
        assert {setup["optimizer"] for setup in setups} == set(RANGES)
        for setup in setups:
            low, high = RANGES[setup["optimizer"]]
            assert low <= setup["lr"] <= high
        assert place.run("verify", "tiny-1").returncode == 0
        report = (place.runs / "tiny-1" / "report.md").read_text(encoding="utf-8")
        assert "(0.1 to 1 with optimizer sgd)" in report
        assert "`lr` with optimizer=sgd" in report
    finally:
        place.close()
