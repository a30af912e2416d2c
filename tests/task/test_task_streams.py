"""A data set without an order, as `check` sees it."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.tiny import TASK, Place, write_roadmap

STREAM = TASK.replace(
    "    points = torch.randn(args.count, 2)\n    return TensorDataset(points, (points.sum(1) > 0).long())",
    "    points = torch.randn(args.count, 2)\n"
    "    return Stream(), TensorDataset(points, (points.sum(1) > 0).long())",
)
STREAM += """
class Stream(torch.utils.data.IterableDataset):
    def __iter__(self):
        while True:
            point = torch.randn(2)
            yield point, int(point.sum() > 0)
"""
GRID = {"kind": "grid", "points": {"lr": 2}, "epochs": 2, "keep": 1}
SPACE = {"lr": {"log": [1e-3, 1e-1]}, "batch_size": 8, "dropout": 0.1}


def checked(place: Place, **changes: object) -> str:
    path = write_roadmap(place.folder, task=STREAM, space=SPACE, **{"phases": [GRID], **changes})
    done = place.run("check", path)
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def test_it_needs_to_be_told_what_an_epoch_is(place: Place) -> None:
    assert "training.epoch: the data has no length" in checked(place)
    assert "expected a number of parameter updates" in checked(place, training={"epoch": 30})


def test_no_share_of_it_can_be_taken(place: Place) -> None:
    said = checked(place, training={"epoch": "30 steps"}, phases=[GRID | {"data": 0.5}])
    assert "takes a share of the data, and a stream of samples has none" in said


@pytest.mark.parametrize(
    ("first", "said"),
    [
        ("return iter(())", "ends before its first sample"),
        ("raise OSError('no such shard')", "the first sample of dataset() raises OSError: no such shard"),
    ],
)
def test_one_without_a_first_sample_is_told(place: Place, first: str, said: str) -> None:
    source = STREAM.replace("        while True:\n", f"        {first}\n        while True:\n")
    path = write_roadmap(
        place.folder, task=source, space=SPACE, phases=[GRID], training={"epoch": "30 steps"}
    )
    assert said in place.run("check", path).stderr


@pytest.mark.slow
def test_a_campaign_on_it_says_that_its_numbers_need_not_repeat(place: Place, tmp_path: Path) -> None:
    path = write_roadmap(
        place.folder, task=STREAM, space=SPACE, phases=[GRID], training={"epoch": "12 steps"}
    )
    done = place.run("run", path, "--no-ui")
    assert done.returncode == 0, done.stderr
    assert "no order of its own" in done.stdout
    assert place.rows("SELECT DISTINCT step FROM metric WHERE name = 'val_loss'") == [(12,), (24,)]
    report = (place.runs / "tiny-1" / "report.md").read_text()
    assert "no number here repeats exactly" in report
    assert "the same numbers come out" not in report
    assert "| 1 grid | a stream | " in report
    assert place.run("verify", str(place.runs / "tiny-1")).returncode == 0
