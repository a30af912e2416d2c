"""The shipped comparison of two schedules, ten times shorter: what it counts, verifies and reports."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from tests.support.tiny import Place

ROADMAPS = Path(__file__).parents[2] / "roadmaps"
SAMPLES, BATCH = 1198, 32  # 1497 digits, a fifth held out by label


def shortened(folder: Path) -> Path:
    """The roadmap with a tenth of the epochs and two seeds, and a third set-up: a warm-up, then a cosine."""
    text = (ROADMAPS / "schedules.toml").read_text(encoding="utf-8")
    text = text.replace("epochs = 100", "epochs = 10").replace("seeds = 8", "seeds = 2")
    text = re.sub(r"\b([469])0 = ", r"\1 = ", text).replace('"tasks/', f'"{ROADMAPS}/tasks/')
    text = text.replace(
        "[schedules]\n", '[schedules]\nwarm = { warmup = 2.5, torch = "CosineAnnealingLR" }\n'
    )
    text = text.replace('"hybrid"] }', '"hybrid", "warm"] }')
    text += '\n[[phase.setup]]\nname = "warm"\nschedule = "warm"\n'
    (folder / "schedules.toml").write_text(text, encoding="utf-8")
    return folder / "schedules.toml"


@pytest.mark.slow
def test_the_hybrid_schedule_saves_the_updates_that_arithmetic_says(tmp_path: Path) -> None:
    place = Place(tmp_path)
    try:
        done = place.run("run", shortened(tmp_path), "--no-ui")
        assert done.returncode == 0, done.stdout + done.stderr
        run = place.runs / "schedules-1"
        assert place.run("verify", "schedules-1").returncode == 0
        bodies = place.rows("select body from ledger where kind = 'trial ended'", "schedules-1")
        small, large = -(-SAMPLES // BATCH), -(-SAMPLES // (2 * BATCH))
        hybrid = 4 * small + 6 * large
        assert sorted(json.loads(body)["steps"] for (body,) in bodies) == [hybrid] * 2 + [10 * small] * 4
        saved = f"{1 - hybrid / (10 * small):.1%}"
        report = (run / "report.md").read_text(encoding="utf-8")
        assert f"| {hybrid} (−{saved}) |" in report
        assert "Equivalence" in report
        rates = dict(
            place.rows(
                "select epoch, value from metric where name = 'lr' and trial = 't3' order by epoch",
                "schedules-1",
            )
        )
        assert rates[2] == pytest.approx(0.005 * 2 / 2.5)
        assert rates[3] == rates[4] == pytest.approx(0.005)
        assert rates[10] == min(rates[epoch] for epoch in range(3, 11))
    finally:
        place.close()
