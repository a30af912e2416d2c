"""Numbers that come out otherwise when they are computed again, as on a GPU they may: no forgery."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.tiny import TASK, Place, write_roadmap

# No two calls give the same bits, and the second epoch fails once, before any checkpoint.
NOISY = (
    TASK
    + """
import pathlib, time
inner_loss = loss
def loss(model, batch, hp, args, epoch, stage):
    mark = pathlib.Path(MARK)
    if epoch == 2 and not mark.exists():
        mark.touch()
        raise RuntimeError("once")
    return inner_loss(model, batch, hp, args, epoch, stage) * (1 + time.perf_counter_ns() % 1000 * 1e-6)
MARK = """
)
SPACE = {"lr": 0.01, "batch_size": 16, "dropout": {"range": [0.0, 0.3]}}
GRID = {"kind": "grid", "points": {"dropout": [0.0]}, "epochs": 3, "keep": 1}


def test_what_does_not_repeat_is_counted_and_the_run_verifies(place: Place, tmp_path: Path) -> None:
    source = f"{NOISY}{str(tmp_path / 'mark')!r}\n"
    path = write_roadmap(place.folder, task=source, space=SPACE, phases=[GRID])
    assert place.run("run", path, "--no-ui").returncode == 0
    ((body,),) = place.rows("SELECT body FROM ledger WHERE kind = 'trial ended'")
    end = json.loads(body)
    stands = dict(place.rows("SELECT epoch, value FROM metric WHERE name = 'val_loss'"))
    assert stands[1] != dict(end["curve"])[1]
    assert 0 < end["differing"] <= end["replayed"]
    verified = place.run("verify", str(place.runs / "tiny-1"))
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert "came out different" in (place.runs / "tiny-1" / "report.md").read_text()
