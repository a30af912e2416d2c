"""Tasks with teachers of many kinds, and trials of them that share a run's folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.support.trials import Told, make_job, train

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
ASKED_LAST = TASK.replace("    x, y = batch\n", "    x, y = batch\n    said = model(x)\n").replace(
    "F.mse_loss(model(x), taught)", "F.mse_loss(said, taught)"
)
ASKED_LAST = ASKED_LAST.replace("nn.Dropout(0.2)", "nn.BatchNorm1d(8)")
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
EVALUATED = """
def evaluate(model, loader, teacher):
    return {"loudest": max(teacher(x).max().item() for x, _ in loader)}
"""
STAGED = TASK.replace("def dataset(args):", "def dataset(args, stage):").replace(
    "    return TensorDataset(x,", "    x += stage == 'validation'\n    return TensorDataset(x,"
)
STAGED += EVALUATED
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
