"""A teacher's outputs: kept where that changes nothing, the teacher asked anew wherever it would."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.support.trials import RunningWorker, Told, make_job, train, until, write_task

from staycourse.core.job import DataSpec, TaskSpec, TrainingSpec

COUNT = 600

# Each call of the teacher is a line with the number of its samples.
TASK = """
import os, random, time
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import Dataset, TensorDataset

def add_arguments(parser):
    parser.add_argument("--calls", default=os.devnull)
    parser.add_argument("--pause", type=float, default=0)

class Teacher(nn.Module):
    def __init__(self, args):
        super().__init__()
        self.args, self.layer = args, nn.Linear(6, 3)

    def forward(self, x):
        with open(self.args.calls, "a") as file:
            file.write(f"{len(x)}\\n")
        time.sleep(self.args.pause)
        return self.layer(x)

def teacher(args): return Teacher(args)

def dataset(args):
    x = torch.randn(600, 6)
    return TensorDataset(x, (x.sum(1) > 0).long())

def model(args, hp): return nn.Sequential(nn.Linear(6, 8), nn.Dropout(0.2), nn.Linear(8, 3))

def loss(model, batch, teacher):
    x, y = batch
    with torch.no_grad():
        taught = teacher(x)
    return F.mse_loss(model(x), taught)

def metrics(model, batch, teacher):
    return {"agreement": (model(batch[0]).argmax(1) == teacher(batch[0]).argmax(1)).float().mean()}
"""
ITEMS = (
    TASK.replace("return TensorDataset(x, (x.sum(1) > 0).long())", "return Items(x)")
    + """
class Items(Dataset):
    def __init__(self, x): self.x = x
    def __len__(self): return len(self.x)
    def __getitem__(self, index): return self.x[index], 0
"""
)
DRAWN = ITEMS.replace("return self.x[index], 0", "return self.x[index] * random.random(), 0")
TURNED = TASK.replace("taught = teacher(x)", "taught = teacher(x.flip(0)).flip(0)").replace(
    "teacher(batch[0])", "teacher(batch[0] * 1)"
)
CHANGED = TASK.replace("    with torch.no_grad():\n", "    x += 0.1\n    with torch.no_grad():\n").replace(
    "teacher(batch[0])", "teacher(batch[0] * 1)"
)
PADDED = (
    TASK
    + "\ndef collate(samples): return [torch.stack(column[:1] * len(column)) for column in zip(*samples)]\n"
)
ANSWER = "return self.layer(x)"
AMONG_OTHERS = TASK.replace(ANSWER, "return self.layer(x - x.mean(0))")
DRAWING = TASK.replace(ANSWER, "return F.dropout(self.layer(x), 0.5)")
KEEPING = TASK.replace(ANSWER, "self.inside = x * 2; return self.layer(x)")
COLLECTING = TASK.replace(ANSWER, "self.seen.append(len(x)); return self.layer(x)").replace(
    "self.args, self.layer", "self.seen, self.args, self.layer"
)
COLLECTING = COLLECTING.replace("= args, nn.Linear(6, 3)", "= [], args, nn.Linear(6, 3)")
WATCHED = TASK.replace(
    "def teacher(args): return Teacher(args)",
    "def teacher(args):\n"
    "    made = Teacher(args)\n"
    "    made.layer.register_forward_hook(lambda *given: None)\n"
    "    return made\n",
)
SUMMED = TASK.replace(ANSWER, "return self.layer(x).mean()").replace(".argmax(1)", ".argmax(-1)")
CHANGING = TASK.replace(ANSWER, "x *= 2; return self.layer(x)")
FUSSY = TASK.replace(ANSWER, "assert len(x) < 100; return self.layer(x)")
STAGED = TASK.replace("def dataset(args):", "def dataset(args, stage):").replace(
    "    return TensorDataset(x,", "    x += stage == 'validation'\n    return TensorDataset(x,"
)
GIVEN = TASK.replace(
    "    return TensorDataset(x, (x.sum(1) > 0).long())",
    "    both = TensorDataset(x, (x.sum(1) > 0).long())\n"
    "    return TensorDataset(*both[:400]), torch.utils.data.Subset(both, range(599, 399, -1))",
)
MOVING = TASK.replace(
    "    return F.mse_loss",
    "    with torch.no_grad():\n        teacher.layer.bias += 0.1\n    return F.mse_loss",
)
IN_TWO = (
    TASK.replace(ANSWER, 'y = self.layer(x); return {"y": y, "more": (y.bfloat16(), [x[:, 0] > 0])}')
    .replace(
        "taught = teacher(x)",
        "said = teacher(x); taught = said['y']\n"
        "    assert type(said['more']) is tuple and said['more'][0].dtype == torch.bfloat16\n"
        "    assert torch.equal(said['more'][1][0], x[:, 0] > 0)",
    )
    .replace("teacher(batch[0]).argmax", "teacher(x=batch[0])['y'].argmax")
)


def trained(folder: Path, task: TaskSpec, name: str, **changes: Any) -> Told:
    """A trial to its end, in the run whose folder is `folder`."""
    changes.setdefault("args", {})
    changes["args"] = {"calls": str(folder / "calls"), **changes["args"]}
    job = {
        "epochs": 2,
        "horizon": 2,
        "teacher_outputs": str(folder / "teacher"),
        "data": DataSpec(workers=0),
        **changes,
    }
    told = train(make_job(folder / name, task, **job))
    assert told.all("ended") or told.status == -9, (told.messages, told.log)
    return told


def asked_for(folder: Path) -> list[int]:
    """The samples of each call of the teacher so far."""
    path = folder / "calls"
    return [int(line) for line in path.read_text().split()] if path.exists() else []


def said(told: Told) -> dict[str, Any]:
    """What was told of the teacher last."""
    facts = [m for m in told.messages if m["type"] in ("ready", "loading") and "teacher" in m]
    return facts[-1] if facts else {}


def off(**more: Any) -> dict[str, Any]:
    return {"training": TrainingSpec(teacher_cache=0, **more)}


# One call of them more, of half a batch, to see whether the teacher says the same again.
ONCE = [200, 100, 200, 200]


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
    told = trained(tmp_path, write_task(tmp_path, IN_TWO), "a")
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
        tmp_path / "2", ITEMS.replace("self.x[index], 0", "self.x[index], (self.x[index].sum() > 0)")
    )
    (tmp_path / "2" / "teacher").write_text("no folder")
    assert trained(tmp_path / "2", task, "t", setup=small).rows() == rows[0][str(small)]


@pytest.mark.parametrize(
    ("source", "is_split"), [(STAGED, True), (GIVEN, True), (GIVEN, False)], ids=["staged", "given", "joined"]
)
def test_each_data_set_has_outputs_of_its_own(tmp_path: Path, source: str, is_split: bool) -> None:
    task, data = write_task(tmp_path, source), DataSpec(workers=0, split=is_split)
    kept = trained(tmp_path, task, "a", data=data)
    assert (said(kept)["teacher"], len(said(kept)["teacher_sha256"])) == ("kept", 1 + is_split)
    asked = trained(tmp_path, task, "b", data=data, **off())
    name = "val_loss" if is_split else "train_loss"
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


@pytest.mark.parametrize(
    ("source", "why"),
    [
        (DRAWN, "samples are drawn anew each time"),
        (PADDED, "collate() puts batches together"),
        (AMONG_OTHERS, "depends on the other samples of the batch"),
        (DRAWING, "it draws random numbers"),
        (KEEPING, "it keeps something of what it computes (inside)"),
        (COLLECTING, "it keeps something of what it computes (seen)"),
        (WATCHED, "a hook is registered on its layer"),
        (SUMMED, "has the shape () for 200 samples"),
        (CHANGING, "it changes what it is given"),
        (FUSSY, "asked for 200 samples at once it raises AssertionError"),
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


@pytest.mark.parametrize("source", [TURNED, CHANGED], ids=["turned", "changed in place"])
def test_a_call_with_other_tensors_is_the_teachers_own(tmp_path: Path, source: str) -> None:
    task = write_task(tmp_path, source)
    told = trained(tmp_path, task, "a")
    assert said(told) == {}
    assert told.rows() == trained(tmp_path, task, "b", **off()).rows()


def test_a_teacher_that_is_changed_on_the_way_is_asked_from_then_on(tmp_path: Path) -> None:
    task = write_task(tmp_path, MOVING)
    kept, asked = trained(tmp_path, task, "a"), trained(tmp_path, task, "b", **off())
    assert kept.curve("val_loss") == pytest.approx(asked.curve("val_loss"), rel=1e-5)


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
    task = write_task(tmp_path, TASK)
    args = {"calls": str(tmp_path / "calls"), "pause": 0.2}
    worker = RunningWorker(
        make_job(tmp_path / "t", task, args=args, teacher_outputs=str(tmp_path / "teacher"))
    )
    worker.wait_for("teaching")
    worker.order({"order": "stop"})
    told = worker.finish()
    assert told.one("interrupted")["step"] == 0
    assert list((tmp_path / "teacher").iterdir()) == []


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
