"""Memory that ends: once more as it was, then fewer samples at once if the roadmap allows; whole runs."""

from __future__ import annotations

import json

import pytest
from tests.support.tiny import TASK, Place, write_roadmap

from staycourse.core.out_of_memory import fewer_at_once

# As a device with room for so many samples does.
HUNGRY = (
    TASK
    + """
inner_loss = loss
def loss(model, batch, hp, args, epoch, stage):
    if model.training and epoch > 1 and len(batch[0]) > ROOM:
        raise torch.OutOfMemoryError(f"CUDA out of memory: {len(batch[0])} samples")
    return inner_loss(model, batch, hp, args, epoch, stage)
ROOM = """
)
SPACE = {"lr": 0.01, "batch_size": 16, "dropout": {"range": [0.0, 0.3]}}
GRID = {"kind": "grid", "points": {"dropout": [0.0]}, "epochs": 4, "keep": 1}


def run(place: Place, room: int, **changes: object) -> int:
    values: dict = {"space": SPACE, "phases": [GRID], **changes}
    path = write_roadmap(place.folder, task=f"{HUNGRY}{room}\n", **values)
    done = place.run("run", path, "--no-ui")
    assert "Traceback" not in done.stderr
    return done.returncode


def failures(place: Place) -> list[tuple[str, int | None]]:
    rows = place.rows("SELECT body FROM ledger WHERE kind = 'attempt failed' ORDER BY seq")
    return [(body["failure"], body["at_once"]) for body in (json.loads(text) for (text,) in rows)]


@pytest.mark.slow
def test_a_batch_is_cut_until_it_fits_where_the_roadmap_allows(place: Place) -> None:
    assert run(place, 5, limits={"on_oom": "accumulate"}) == 0
    memory = "out of memory"
    assert failures(place) == [(memory, None), (memory, 8), (memory, 4)]
    assert place.rows("SELECT outcome FROM trial") == [("completed",)]
    # 64 samples in updates of 16, whatever one pass holds.
    assert place.rows("SELECT max(step) FROM metric WHERE name = 'train_loss'") == [(16,)]
    report = (place.runs / "tiny-1" / "report.md").read_text()
    assert "4 samples at once" in report


@pytest.mark.slow
def test_without_leave_the_second_end_of_memory_is_the_trials(place: Place) -> None:
    assert run(place, 5) == 3
    assert place.rows("SELECT outcome FROM trial") == [("out of memory",)]
    assert failures(place) == [("out of memory", None)]


@pytest.mark.slow
def test_a_batch_that_a_schedule_has_grown_is_cut_in_any_case(place: Place) -> None:
    space = SPACE | {"schedule": "grow"}
    assert run(place, 16, space=space, schedules={"grow": {"batch_size": {2: 3}}}) == 0
    assert failures(place) == [("out of memory", None), ("out of memory", 24), ("out of memory", 16)]
    sizes = place.rows("SELECT epoch, value FROM metric WHERE name = 'batch_size' ORDER BY epoch")
    assert sizes == [(1, 16.0), (2, 16.0), (3, 48.0), (4, 48.0)]
    assert place.rows("SELECT max(step) FROM metric WHERE name = 'train_loss'") == [(4 + 4 + 2 + 2,)]


@pytest.mark.parametrize(
    ("at_once", "batch_size", "is_allowed", "expected"),
    [
        (16, 16, True, 8),
        (16, 16, False, None),
        (1, 16, True, None),
        (48, 16, False, 24),
        (24, 16, False, 16),
        (17, 16, False, 16),
        (3, 16, True, 1),
    ],
)
def test_how_much_less_is_tried(
    at_once: int, batch_size: int, is_allowed: bool, expected: int | None
) -> None:
    assert fewer_at_once(at_once, batch_size, is_allowed=is_allowed) == expected
