"""A teacher's outputs that are kept: by whom, for whom, and that no bit tells how they came about."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.support import teachers
from tests.support.teachers import COUNT, ONCE, TASK, asked_for, off, said, trained
from tests.support.trials import RunningWorker, make_job, train, until, write_task

from staycourse.core.job import DataSpec, TrainingSpec


def test_all_trials_of_a_run_ask_once_a_sample(tmp_path: Path) -> None:
    task = write_task(tmp_path, TASK)
    told = trained(tmp_path, task, "a")
    assert asked_for(tmp_path) == ONCE
    assert said(told)["teacher"] == "kept"
    other = trained(tmp_path, task, "b", setup={"lr": 0.03, "batch_size": 50}, repetition=1)
    unsplit = trained(tmp_path, task, "c", data=DataSpec(workers=0, split=False))
    assert asked_for(tmp_path) == ONCE
    assert said(other)["teacher_sha256"] == said(told)["teacher_sha256"]
    assert said(unsplit)["teacher"] == "kept"


def test_outputs_of_several_parts_are_kept_for_each_way_of_asking(tmp_path: Path) -> None:
    """metrics() passes the batch by name."""
    told = trained(tmp_path, write_task(tmp_path, teachers.IN_TWO), "a")
    assert asked_for(tmp_path) == ONCE * 2
    assert said(told)["teacher"] == "kept"


def test_what_is_kept_is_what_the_teacher_says(tmp_path: Path) -> None:
    task = write_task(tmp_path, TASK)
    kept, asked = trained(tmp_path, task, "a"), trained(tmp_path, task, "b", **off())
    assert said(asked) == {**said(asked), "teacher": "asked", "teacher_why": "teacher_cache = false"}
    for name in ("train_loss", "val_loss", "agreement"):
        assert kept.curve(name) == pytest.approx(asked.curve(name), rel=1e-5)


def test_no_bit_depends_on_which_trial_filled_it(tmp_path: Path) -> None:
    """Nor on the batch sizes of others, the path of the data, or that it lay in memory alone."""
    small, large = {"lr": 0.01, "batch_size": 7}, {"lr": 0.02, "batch_size": 64}
    rows = []
    for order in ((small, large), (large, small)):
        folder = tmp_path / str(len(rows))
        task = write_task(folder, TASK)
        told = {str(setup): trained(folder, task, str(setup), setup=setup).rows() for setup in order}
        rows.append(told)
        assert asked_for(folder) == ONCE
    assert rows[0] == rows[1]
    task = write_task(
        tmp_path / "2", teachers.ITEMS.replace("self.x[index], 0", "self.x[index], (self.x[index].sum() > 0)")
    )
    (tmp_path / "2" / "teacher").write_text("no folder")
    assert trained(tmp_path / "2", task, "t", setup=small).rows() == rows[0][str(small)]


@pytest.mark.parametrize(
    ("source", "is_split"),
    [(teachers.STAGED, True), (teachers.GIVEN, True), (teachers.GIVEN, False)],
    ids=["staged", "given", "joined"],
)
def test_each_data_set_has_outputs_of_its_own(tmp_path: Path, source: str, is_split: bool) -> None:
    task, data = write_task(tmp_path, source), DataSpec(workers=0, split=is_split)
    kept = trained(tmp_path, task, "a", data=data)
    assert (said(kept)["teacher"], len(said(kept)["teacher_sha256"])) == ("kept", 1 + is_split)
    assert len(asked_for(tmp_path)) <= 2 * len(ONCE)
    asked = trained(tmp_path, task, "b", data=data, **off())
    for name in ("train_loss", "val_loss", "loudest"):
        assert kept.curve(name) == pytest.approx(asked.curve(name), rel=1e-5)


def test_passes_of_an_update_get_their_own_outputs(tmp_path: Path) -> None:
    task = write_task(tmp_path, TASK)
    kept = trained(tmp_path, task, "a", training=TrainingSpec(at_once=3, accumulate=2))
    asked = trained(tmp_path, task, "b", **off(at_once=3, accumulate=2))
    assert said(kept)["teacher"] == "kept"
    assert kept.curve("train_loss") == pytest.approx(asked.curve("train_loss"), rel=1e-5)


def test_lower_precision_keeps_what_the_teacher_says_in_it(tmp_path: Path) -> None:
    task = write_task(tmp_path, TASK)
    kept = trained(tmp_path, task, "a", training=TrainingSpec("bf16"))
    asked = trained(tmp_path, task, "b", **off(precision="bf16"))
    assert said(kept)["teacher"] == "kept"
    assert kept.curve("val_loss") == pytest.approx(asked.curve("val_loss"), rel=1e-2)


def test_what_does_not_fit_is_not_kept(tmp_path: Path) -> None:
    task = write_task(tmp_path, TASK)
    told = trained(tmp_path, task, "a", training=TrainingSpec(teacher_cache=COUNT * 3 * 4 - 1))
    assert "teacher_cache allows" in said(told)["teacher_why"]
    fits = trained(tmp_path, task, "b", training=TrainingSpec(teacher_cache=COUNT * 3 * 4))
    assert (said(fits)["teacher"], said(fits)["teacher_bytes"]) == ("kept", COUNT * 3 * 4)


def test_a_kill_and_a_resume_change_nothing(tmp_path: Path) -> None:
    """The outputs are filled by the attempt that is killed, and read by the next."""
    task = write_task(tmp_path, TASK)
    job: dict[str, Any] = {"checkpoint_every": 0.0}
    whole = trained(tmp_path, task, "whole", **job)
    for path in (tmp_path / "teacher").iterdir():
        path.unlink()
    assert trained(tmp_path, task, "t", **job, kill_at_step=75).status == -9
    again = trained(tmp_path, task, "t", **job, attempt=2)
    assert again.one("ready")["step"] > 0
    assert again.rows() == whole.rows()


def test_a_kill_while_the_teacher_is_asked_leaves_nothing_behind(tmp_path: Path) -> None:
    task = write_task(tmp_path, TASK)
    whole = trained(tmp_path / "whole", task, "t", args={"calls": str(tmp_path / "none")})
    folder = tmp_path / "teacher"
    args = {"calls": str(tmp_path / "calls"), "pause": 0.2}
    job = make_job(
        tmp_path / "t", task, args=args, epochs=2, horizon=2, data={"workers": 0}, teacher_outputs=str(folder)
    )
    worker = RunningWorker(job)
    until(lambda: len(asked_for(tmp_path)) >= 3)
    assert worker.process.pid is not None
    worker.process.kill()
    worker.finish()
    assert [path.suffix for path in folder.iterdir()] == [".part"]
    assert trained(tmp_path, task, "t", attempt=2).rows() == whole.rows()
    assert [path.suffix for path in folder.iterdir()] == [".bin"]


def test_trials_side_by_side_fill_the_same(tmp_path: Path) -> None:
    """Both ask the teacher before either is done; one file is left."""
    task = write_task(tmp_path, TASK)
    args = {"calls": str(tmp_path / "calls"), "pause": 0.1}
    job: dict[str, Any] = {"args": args, "epochs": 1, "teacher_outputs": str(tmp_path / "teacher")}
    workers = [RunningWorker(make_job(tmp_path / name, task, **job)) for name in ("a", "b")]
    first, second = [worker.finish() for worker in workers]
    assert sorted(asked_for(tmp_path)) == sorted(ONCE * 2)
    assert said(first) == said(second) == {**said(first), "teacher": "kept"}
    assert first.rows() == second.rows()
    assert len(list((tmp_path / "teacher").iterdir())) == 1


def test_the_order_to_stop_is_heard_while_the_teacher_is_asked(tmp_path: Path) -> None:
    """The update that asked is undone as a whole: the model's batch statistics have moved already."""
    task = write_task(tmp_path, teachers.ASKED_LAST)
    args = {"calls": str(tmp_path / "calls"), "pause": 0.1}
    job: dict[str, Any] = {"args": args, "epochs": 1, "teacher_outputs": str(tmp_path / "teacher")}
    worker = RunningWorker(make_job(tmp_path / "t", task, **job))
    worker.wait_for("teaching")
    worker.order({"order": "stop"})
    told = worker.finish()
    assert told.one("interrupted")["step"] == 0
    assert list((tmp_path / "teacher").iterdir()) == []
    again, whole = (train(make_job(tmp_path / name, task, **job)) for name in ("t", "whole"))
    assert again.rows() == whole.rows()


def test_a_damaged_file_is_made_anew(tmp_path: Path) -> None:
    """One with a byte changed in its head or in its last row; one that was cut off; an empty one."""
    task = write_task(tmp_path, TASK)
    whole = trained(tmp_path, task, "a")
    (path,) = (tmp_path / "teacher").iterdir()
    content = path.read_bytes()
    in_head, at_end = bytearray(content), bytearray(content)
    in_head[100] ^= 1
    at_end[-1] ^= 1
    for number, damaged in enumerate((in_head, at_end, content[:6000], b""), start=1):
        path.write_bytes(damaged)
        assert trained(tmp_path, task, str(number)).rows() == whole.rows()
        assert path.read_bytes() == content
        assert asked_for(tmp_path) == ONCE * (number + 1)
