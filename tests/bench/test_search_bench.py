"""The search benchmark: objectives whose best is the best, and tables from searches that really ran."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[2] / "bench"


@pytest.fixture
def objectives(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list:
    monkeypatch.syspath_prepend(str(BENCH))
    from objectives import base, synthetic

    monkeypatch.setattr(base, "TABLES", tmp_path)
    return list(synthetic.objectives())


def test_no_set_up_is_better_than_the_recorded_best(objectives: list) -> None:
    from objectives.base import at, combinations

    draw = random.Random(3)
    for objective in objectives[2:]:
        options = list(combinations(objective.space))
        setup, least = objective.best
        assert objective.true(setup) == least
        for _ in range(2000):
            units = {name: draw.random() for name in objective.space.names}
            assert objective.true(at(objective.space, units, draw.choice(options))) >= least


def test_all_searches_meet_the_same_noise(objectives: list) -> None:
    noisy = next(o for o in objectives if o.noise)
    setup, least = noisy.best
    results = [noisy.observe(setup, 1, trial) for trial in range(40)]
    assert results == [noisy.observe(setup, 1, trial) for trial in range(40)]
    assert results != [noisy.observe(setup, 2, trial) for trial in range(40)]
    assert abs(sum(results) / 40 - least) < noisy.noise


def run(results: Path, *more: str) -> str:
    command = [sys.executable, str(BENCH / "search.py"), "--trials", "5", "--results", str(results)]
    chosen = ["--objectives", "valley", "--peers", "Nevergrad TwoPointsDE", "quasi-random"]
    done = subprocess.run([*command, *chosen, *more], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_the_benchmark_goes_on_where_it_was_and_makes_its_tables(tmp_path: Path) -> None:
    file = tmp_path / "search.jsonl"
    run(file, "--seeds", "1")
    first = file.read_text().splitlines()
    said = run(file, "--seeds", "2")
    lines = file.read_text().splitlines()
    assert lines[:2] == first and len(lines) == 4
    for result in map(json.loads, lines):
        regrets = [regret for regret in result["regrets"] if regret is not None]
        assert len(result["regrets"]) == 5 and min(regrets) >= 0.0
    assert "valley" in said and "quasi-random" in said
    assert "First, or tied with the first, after 5 trials" in said
