"""The campaign that is killed: every kind of phase, and everything in a training that a crash could change.

Samples are augmented at random by two loader workers, steps drop out at random, checkpoints are large enough
to be met while they are written. `results` is all that has to be the same however often a run was killed,
`first_difference` names what is not, `faults` what no run may show whether it was killed or not.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from tests.support.results import metric_rows, weights_hash
from tests.support.tiny import Place, write_roadmap

NAME = "chaos"
BATCH = "batch"  # the file in which the task tells which batch of an epoch it is at
TASK = '''
"""Points on two sides of a plane, moved a little whenever they are trained on, and a network of some MB."""

import time

import torch
from torch import nn
from torch.utils.data import Dataset

AT = [0, 0]


def add_arguments(parser):
    parser.add_argument("--count", type=int, default=120, help="samples")
    parser.add_argument("--width", type=int, default=900, help="units of a hidden layer")
    parser.add_argument("--batch", default="", help="a file for the number of the batch, counted in an epoch")
    parser.add_argument("--step-ms", type=float, default=4, help="how much longer a training step takes")


class Points(Dataset):
    def __init__(self, count, is_moved):
        drawn = torch.Generator().manual_seed(3)
        self.points = torch.randn(count, 16, generator=drawn)
        self.is_moved = is_moved

    def __len__(self):
        return len(self.points)

    def __getitem__(self, index):
        point = self.points[index]
        label = int(point.sum() > 0)
        return (point + 0.3 * torch.randn(16) if self.is_moved else point), label


def dataset(args, stage):
    return Points(args.count, stage == "train")


def model(args, hp):
    return nn.Sequential(
        nn.Linear(16, args.width),
        nn.ReLU(),
        nn.Dropout(hp["dropout"]),
        nn.Linear(args.width, args.width),
        nn.ReLU(),
        nn.Dropout(hp["dropout"]),
        nn.Linear(args.width, 2),
    )


def loss(model, batch, args, epoch, stage):
    points, labels = batch
    if stage == "train" and args.batch:
        AT[:] = epoch, AT[1] + 1 if AT[0] == epoch else 0
        with open(args.batch, "w") as file:
            file.write(str(AT[1]))
    time.sleep(args.step_ms / 1000)
    return nn.functional.cross_entropy(model(points), labels)


def metrics(model, batch):
    points, labels = batch
    return {"accuracy": (model(points).argmax(1) == labels).float().mean()}
'''
SPACE = {
    "lr": {"log": [1e-5, 1e-3]},
    "batch_size": {"choice": [8, 16]},
    "dropout": {"range": [0.05, 0.4]},
    "optimizer": {"choice": ["adamw", "sgd"]},
    "momentum": {"range": [0.5, 0.9], "when": {"optimizer": "sgd"}},
}


def write_campaign(folder: Path, epochs: int, slots: int = 1) -> Path:
    """Roadmap and task. `epochs` is the length of the longer trials."""
    half = max(2, epochs // 2)
    stop = {"patience": half}
    phases = [
        {"kind": "probe", "trials": 2, "epochs": epochs},
        {"kind": "narrow", "trials": 3, "epochs": half, "data": 0.5, "parallel": 2},
        {
            "kind": "grid",
            "points": {"lr": 2},
            "epochs": half,
            "keep": 1,
            "finish": {"epochs": epochs, "stop": stop},
        },
        {
            "kind": "compare",
            "seeds": 1,
            "epochs": half,
            "setup": [{"name": "adamw", "optimizer": "adamw"}, {"name": "sgd", "optimizer": "sgd"}],
        },
        {"kind": "confirm", "seeds": 2, "epochs": epochs, "stop": stop},
        {"kind": "final"},
    ]
    return write_roadmap(
        folder,
        task=TASK,
        name=NAME,
        args={"batch": str(folder / BATCH)},
        space=SPACE,
        phases=phases,
        data={"workers": 2},
        limits={"checkpoint_every": "1s", "slots": slots},
    )


@dataclass(frozen=True)
class Results:
    """Every deterministic thing that a run leaves."""

    planned: list[Any]  # bodies of `trial planned`
    metric_rows: list[Any]
    ends: list[Any]  # how trials ended, with the hashes of their rows and of their best weights
    trial_table: list[Any]
    handoffs: list[Any]  # bodies of `phase closed`, rankings among them
    weights: str  # SHA-256 of the final weights


def results(place: Place, run: str) -> Results:
    """What the finished run has left."""
    has_weights = (place.runs / run / "final" / "model.safetensors").exists()
    return Results(
        planned=_by_trial(_bodies(place, run, "trial planned")),
        metric_rows=metric_rows(place, run),
        ends=_by_trial([_end(body) for body in _bodies(place, run, "trial ended")]),
        trial_table=place.rows(
            """SELECT id, phase, kind, key, name, setup, repetition, share, parent, status, epochs, horizon,
               epoch, step, outcome, rule, detail, best_epoch, best_value FROM trial ORDER BY id""",
            run,
        ),
        handoffs=_bodies(place, run, "phase closed"),
        weights=weights_hash(place, run) if has_weights else "none",
    )


def first_difference(undisturbed: Results, found: Results) -> str | None:
    """The first thing that is not the same, in words; None if everything is."""
    for field in fields(Results):
        wanted, seen = getattr(undisturbed, field.name), getattr(found, field.name)
        if wanted == seen:
            continue
        if isinstance(wanted, str):
            return f"{field.name}: {seen} instead of {wanted}"
        if len(wanted) != len(seen):
            return f"{field.name}: {len(seen)} instead of {len(wanted)}"
        at = next(at for at, pair in enumerate(zip(wanted, seen, strict=True)) if pair[0] != pair[1])
        return f"{field.name}, number {at + 1}:\n  {seen[at]}\ninstead of\n  {wanted[at]}"
    return None


def differing_rows(undisturbed: Results, found: Results) -> int:
    """Metric rows that only one of the two has."""
    return len(set(undisturbed.metric_rows) ^ set(found.metric_rows))


def replayed_rows(place: Place, run: str) -> int:
    """Rows that were computed again after a kill, in the sessions in which their trials ended."""
    return sum(body["replayed"] for body in _bodies(place, run, "trial ended"))


def faults(place: Place, run: str) -> list[str]:
    """What is lost, twice, replayed with another value, held against a trial, or does not verify."""
    planned = Counter(body["trial"] for body in _bodies(place, run, "trial planned"))
    ended = Counter(body["trial"] for body in _bodies(place, run, "trial ended"))
    found = [f"{trial} was planned {count} times" for trial, count in planned.items() if count > 1]
    found += [f"{trial} has {ended[trial]} ends" for trial in planned | ended if ended[trial] != 1]
    for body in _bodies(place, run, "trial ended"):
        if body["differing"]:
            found.append(f"{body['differing']} rows of {body['trial']} came out otherwise when replayed")
    # Whoever died was killed from outside, and that is never held against a trial.
    found += [
        f"attempt {body['attempt']} at {body['trial']}: {body['failure']}: {body['error']}"
        for body in _bodies(place, run, "attempt failed")
        if body["failure"] != "interrupted"
    ]
    verified = place.run("verify", run)
    if verified.returncode:
        found.append(f"verify: exit code {verified.returncode}: {verified.stdout}{verified.stderr}")
    return found


def _bodies(place: Place, run: str, kind: str) -> list[dict[str, Any]]:
    rows = place.rows(f"SELECT body FROM ledger WHERE kind = '{kind}' ORDER BY seq", run)
    return [json.loads(body) for (body,) in rows]


def _by_trial(bodies: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(bodies, key=lambda body: body["trial"])


def _end(body: dict[str, Any]) -> dict[str, Any]:
    """Without its times: they are in `last.pt` too, so that file's hash is another every time."""
    kept = {key: value for key, value in body.items() if key not in ("seconds", "replayed", "differing")}
    kept["files"] = {name: facts for name, facts in body["files"].items() if name != "last.pt"}
    return kept
