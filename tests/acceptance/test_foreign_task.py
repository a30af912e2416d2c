"""A roadmap and a task that know nothing of staycourse but its contracts: regression on patients' records,
goal "max", hyperparameters by other names, and the task's own optimizer, collate, groups and modules."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.tiny import Place

HELPER = """
import torch


class Net(torch.nn.Module):
    def __init__(self, width, slope):
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(6, width), torch.nn.LeakyReLU(slope), torch.nn.Linear(width, 1)
        )

    def forward(self, features):
        return self.layers(features).squeeze(-1)
"""
NOISE = """
from torch.utils.data import Dataset
import torch


class Records(Dataset):
    def __init__(self, path, stage, noise):
        table = torch.tensor([[float(x) for x in line.split(",")] for line in open(path)])
        self.patient, self.features, self.target = table[:, 0].long(), table[:, 1:7], table[:, 7]
        self.noise = noise if stage == "train" else 0.0

    def __len__(self):
        return len(self.target)

    def __getitem__(self, index):
        features = self.features[index]
        return {"x": features + self.noise * torch.randn(6), "y": self.target[index]}
"""
TASK = """
from pathlib import Path

import torch
from parts.data import Records
from parts import net


def add_arguments(parser):
    parser.add_argument("table", type=Path)
    parser.add_argument("--noise", type=float, default=0.0)
    parser.add_argument("--centred", action="store_true")


def dataset(args, stage):
    return Records(args.table, stage, args.noise)


def groups(dataset):
    return dataset.patient.tolist()


def collate(samples):
    return {key: torch.stack([sample[key] for sample in samples]) for key in ("x", "y")}


def model(args, hp, dataset):
    net_ = net.Net(hp["width"], hp.get("slope", 0.01))
    assert args.centred and len(dataset) == 240
    return net_


def optimizer(model, hp):
    if hp["solver"] == "plain":
        return torch.optim.SGD(model.parameters(), lr=hp["pace"])
    return torch.optim.RMSprop(model.parameters(), lr=hp["pace"], weight_decay=hp["penalty"])


def loss(model, batch, hp):
    return ((model(batch["x"]) - batch["y"]) ** 2).mean()


def evaluate(model, loader, hp):
    pairs = [(model(batch["x"]), batch["y"]) for batch in loader]
    told, true = (torch.cat(part) for part in zip(*pairs))
    return {"r2": float(1 - ((told - true) ** 2).sum() / ((true - true.mean()) ** 2).sum())}
"""
ROADMAP = """
name = "patients"
seed = 3
[task]
file = "work/fit.py"
args = { table = "records.csv", noise = 0.05, centred = true }
[objective]
metric = "val_r2"
goal = "max"
[space]
pace = { log = [1e-4, 3e-2] }
width = { range = [4, 32], integer = true }
solver = { choice = ["plain", "rms"] }
penalty = { log = [1e-6, 1e-2], when = { solver = "rms" } }
slope = { choice = [0.01, 0.2] }
[data]
validation = 0.25
[[phase]]
kind = "probe"
trials = 4
sampler = "random"
epochs = 4
eliminate = ["solver"]
[[phase]]
kind = "narrow"
trials = 4
optimizer = "OnePlusOne"
epochs = 4
data = 0.5
stop = { patience = 2, metric = "val_loss" }
[[phase]]
kind = "compare"
seeds = 2
epochs = 3
[[phase.setup]]
name = "thin"
width = 4
[[phase.setup]]
name = "wide"
width = 32
[[phase]]
kind = "grid"
points = { pace = 2, width = [8, 16] }
epochs = 3
keep = 2
finish = { epochs = 6, stop = { patience = 2 } }
[[phase]]
kind = "confirm"
seeds = 2
epochs = 6
[[phase]]
kind = "final"
"""


def write(folder: Path) -> Path:
    (folder / "work" / "parts").mkdir(parents=True)
    (folder / "work" / "parts" / "net.py").write_text(HELPER)
    (folder / "work" / "parts" / "data.py").write_text(NOISE)
    (folder / "work" / "fit.py").write_text(TASK)
    (folder / "patients.toml").write_text(ROADMAP)
    rows = []
    for number in range(240):
        features = [((number * 7 + 13 * at * at) % 31) / 31 - 0.5 for at in range(6)]
        target = features[0] - 2 * features[1] + features[2] * features[3]
        rows.append(",".join(str(value) for value in [number // 4, *features, target]))
    (folder / "records.csv").write_text("\n".join(rows) + "\n")
    return folder / "patients.toml"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Place, Path]]:
    place = Place(tmp_path_factory.mktemp("foreign"))
    done = place.run("run", write(place.folder), "--no-ui")
    assert done.returncode == 0, done.stdout + done.stderr
    yield place, place.runs / "patients-1"
    place.close()


def test_every_phase_ran_and_every_trial_was_ranked_by_the_tasks_own_metric(run: tuple[Place, Path]) -> None:
    place, folder = run
    rows = place.rows("SELECT phase, outcome, best_value FROM trial", "patients-1")
    assert {phase for phase, _, _ in rows} == {0, 1, 2, 3, 4, 5}
    assert {outcome for _, outcome, _ in rows} == {"completed"}
    best = {trial: max(v for t, v in found if t == trial) for found in [_r2(place)] for trial, _ in found}
    told = place.rows("SELECT id, best_value FROM trial WHERE phase != 5 AND parent IS NULL", "patients-1")
    assert dict(told) == {trial: best[trial] for trial, _ in told}
    report = (folder / "report.md").read_text()
    assert all(kind in report for kind in ("probe", "narrow", "compare", "grid", "confirm", "final"))


def test_conditions_hold_and_the_handoffs_narrow(run: tuple[Place, Path]) -> None:
    place, _ = run
    setups = [json.loads(s) for (s,) in place.rows("SELECT setup FROM trial", "patients-1")]
    assert all(("penalty" in setup) == (setup["solver"] == "rms") for setup in setups)
    assert all(isinstance(setup["width"], int) and 4 <= setup["width"] <= 32 for setup in setups)
    compared = place.rows("SELECT name, setup FROM trial WHERE phase = 2", "patients-1")
    assert {(name, json.loads(setup)["width"]) for name, setup in compared} == {("thin", 4), ("wide", 32)}


def test_patients_are_never_split_and_the_final_weights_load(run: tuple[Place, Path]) -> None:
    place, folder = run
    body = json.loads(place.rows("SELECT body FROM ledger WHERE seq = 1", "patients-1")[0][0])
    facts = body["facts"]
    assert facts["grouped"] and facts["train_samples"] % 4 == 0 and facts["validation_samples"] % 4 == 0
    assert set(body["code"]) == {"fit.py", "parts/net.py", "parts/data.py"}
    from safetensors import safe_open

    with safe_open(folder / "final" / "model.safetensors", "pt") as weights:
        assert set(weights.keys()) == {f"layers.{n}.{p}" for n in (0, 2) for p in ("weight", "bias")}
    setup = json.loads((folder / "final" / "setup.json").read_text())["setup"]
    final = place.rows("SELECT setup, epochs FROM trial WHERE phase = 5", "patients-1")[0]
    assert setup == json.loads(final[0])


def _r2(place: Place) -> list[tuple[str, float]]:
    return place.rows("SELECT trial, value FROM metric WHERE name = 'r2'", "patients-1")
