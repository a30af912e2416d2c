"""The ready roadmap from file to trained weights and report, with views and engine killed on the way."""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import os
import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from tests.support.tiny import Place, wait_until

pytestmark = pytest.mark.slow

ROADMAP = Path(__file__).parents[2] / "roadmaps" / "quickstart.toml"
RUN = "quickstart-1"
WITHIN = 240.0  # on a machine that does other things as well; alone it takes a good minute


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    place = Place(tmp_path_factory.mktemp("quickstart"))
    done = place.run("run", ROADMAP, "--no-ui", timeout=WITHIN)
    assert done.returncode == 0, done.stdout + done.stderr
    yield place
    place.close()


def result(place: Place) -> tuple[Any, ...]:
    metrics = place.rows("SELECT trial, name, step, epoch, value FROM metric ORDER BY trial, name, step", RUN)
    handoffs = place.rows("SELECT body FROM ledger WHERE kind = 'phase closed' ORDER BY seq", RUN)
    weights = hashlib.sha256((place.runs / RUN / "final" / "model.safetensors").read_bytes()).hexdigest()
    return metrics, handoffs, weights


def task_of(folder: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("sealed_digits", folder / "code" / "digits.py")
    assert spec is not None and spec.loader is not None
    task = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(task)
    return task


def test_the_final_weights_read_digits_that_no_phase_has_seen(undisturbed: Place) -> None:
    folder = undisturbed.runs / RUN
    made = json.loads((folder / "final" / "setup.json").read_text())
    args = argparse.Namespace(**made["task"]["args"])
    task = task_of(folder)
    model = task.model(args, made["setup"])
    model.load_state_dict(load_file(folder / "final" / "model.safetensors"))
    model.eval()

    seen, unseen = task.dataset(args), task.test_set(args)
    whole = task.read_digits()[0]
    assert len(seen) + len(unseen) == len(whole) and len(unseen) >= 300
    assert torch.equal(torch.cat([seen.tensors[0], unseen.tensors[0]]), whole)
    facts = json.loads(undisturbed.rows("SELECT body FROM ledger WHERE seq = 1", RUN)[0][0])["facts"]
    assert facts["train_samples"] + facts["validation_samples"] == len(seen)
    with torch.no_grad():
        right = model(unseen.tensors[0]).argmax(1) == unseen.tensors[1]
    assert right.float().mean() >= 0.95


def test_the_report_names_every_phase(undisturbed: Place) -> None:
    report = (undisturbed.runs / RUN / "report.md").read_text()
    for number, kind in enumerate(("probe", "narrow", "grid", "confirm", "final"), start=1):
        assert f"### Phase {number}: {kind}" in report
        assert (undisturbed.runs / RUN / "figures" / f"{number}-{kind}.svg").exists()


def test_the_database_is_left_for_any_client_to_open(undisturbed: Place) -> None:
    database = undisturbed.runs / RUN / "run.db"
    assert not database.with_name("run.db-wal").exists()
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as db:
        assert db.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_killing_the_view_and_the_engine_changes_nothing(undisturbed: Place, tmp_path: Path) -> None:
    place = Place(tmp_path)
    try:
        with place.started("run", ROADMAP, "--no-ui") as view:
            wait_until(lambda: len(place.rows("SELECT 1 FROM trial WHERE outcome != ''", RUN)) >= 2, 90)
            view.kill()
        ended = len(place.rows("SELECT 1 FROM trial WHERE outcome != ''", RUN))
        wait_until(
            lambda: len(place.rows("SELECT 1 FROM trial WHERE outcome != ''", RUN)) > ended + 2,
            90,
            "it goes on",
        )
        os.kill(place.supervisor(RUN), signal.SIGKILL)
        done = place.run("resume", "--no-ui", timeout=WITHIN)
        assert done.returncode == 0, done.stdout + done.stderr
        assert result(place) == result(undisturbed)
        assert place.kinds(RUN).count("engine started") == 2
    finally:
        place.close()
