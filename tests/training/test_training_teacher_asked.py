"""A teacher that is asked at each step, wherever keeping what it says could be noticed."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support import teachers
from tests.support.teachers import asked_for, off, said, trained
from tests.support.trials import write_task


@pytest.mark.parametrize(
    ("source", "why"),
    [
        (teachers.DRAWN, "samples are drawn anew each time"),
        (teachers.PADDED, "collate() puts batches together"),
        (teachers.AMONG_OTHERS, "depends on the other samples of the batch"),
        (teachers.DRAWING, "it draws random numbers"),
        (teachers.KEEPING, "it keeps something of what it computes (inside)"),
        (teachers.COLLECTING, "it keeps something of what it computes (seen)"),
        (teachers.WATCHED, "a hook is registered on its layer"),
        (teachers.SUMMED, "has the shape () for 200 samples"),
        (teachers.CHANGING, "it changes what it is given"),
        (teachers.FUSSY, "asked for 200 samples at once it raises AssertionError"),
    ],
    ids=[
        "drawn",
        "padded",
        "others",
        "drawing",
        "keeping",
        "collecting",
        "watched",
        "summed",
        "changing",
        "fussy",
    ],
)
def test_a_teacher_is_asked_wherever_that_could_be_noticed(tmp_path: Path, source: str, why: str) -> None:
    task = write_task(tmp_path, source)
    told = trained(tmp_path, task, "a")
    assert said(told)["teacher"] == "asked" and why in said(told)["teacher_why"]
    assert len(asked_for(tmp_path)) > 2 * 75


@pytest.mark.parametrize("source", [teachers.TURNED, teachers.CHANGED], ids=["turned", "changed in place"])
def test_a_call_with_other_tensors_is_the_teachers_own(tmp_path: Path, source: str) -> None:
    task = write_task(tmp_path, source)
    told = trained(tmp_path, task, "a")
    assert said(told) == {}
    assert told.rows() == trained(tmp_path, task, "b", **off()).rows()


def test_a_teacher_that_is_changed_on_the_way_is_asked_from_then_on(tmp_path: Path) -> None:
    task = write_task(tmp_path, teachers.MOVING)
    kept, asked = trained(tmp_path, task, "a"), trained(tmp_path, task, "b", **off())
    assert kept.curve("val_loss") == pytest.approx(asked.curve("val_loss"), rel=1e-5)
