"""The region that a narrow phase hands on, in real runs: asked of the search, recorded, acted on."""

from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.test_tampering import forged
from tests.support.tiny import Place, wait_until, write_roadmap

from staycourse.core.canonical import canonical_json
from staycourse.record.paths import RunPaths
from staycourse.record.verification import verify

pytestmark = pytest.mark.slow

# The loss falls with the logarithm of lr alone, up to its bound and beyond.
TASK = """
import math

import torch
from torch import nn
from torch.utils.data import TensorDataset


def dataset(args):
    return TensorDataset(torch.linspace(0, 1, 32).unsqueeze(1), torch.zeros(32))


def model(args, hp):
    return nn.Linear(1, 1)


def loss(model, batch, hp):
    return model(batch[0]).square().mean() * 0.0 + 5.0 - math.log10(hp["lr"])
"""
SPACE = {"lr": {"log": [1e-4, 1e-2]}, "batch_size": 8}
NARROW: dict[str, Any] = {"kind": "narrow", "trials": 6, "epochs": 1}
FINAL = {"kind": "final", "epochs": 1}


def roadmap(place: Place, **changes: Any) -> Path:
    return write_roadmap(place.folder, task=TASK, space=SPACE, phases=[NARROW | changes, FINAL])


def bodies(place: Place, kind: str) -> list[dict[str, Any]]:
    found = place.rows(f"SELECT body FROM ledger WHERE kind = '{kind}' ORDER BY seq")
    return [json.loads(body) for (body,) in found]


def setups(place: Place) -> list[dict[str, Any]]:
    return [body["setup"] for body in bodies(place, "trial planned")]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Place:
    place = Place(tmp_path_factory.mktemp("undisturbed"))
    done = place.run("run", roadmap(place), "--no-ui", timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the model of narrow has told the region: lr " in done.stdout
    return place


def test_a_region_at_a_bound_grows_the_space_and_is_estimated_again(undisturbed: Place) -> None:
    told = bodies(undisturbed, "region estimated")
    assert [body["phase"] for body in told] == [0, 0]
    assert told[0]["estimate"]["ranges"][0]["edges"]["high"]["share"] > 0.5
    planned = bodies(undisturbed, "trial planned")
    assert [body["proposal"] for body in planned] == [1, 2, 3, 4, 5, 6, 7, 8, None]
    assert max(body["setup"]["lr"] for body in planned[:6]) <= 1e-2
    handoff = bodies(undisturbed, "phase closed")[0]["handoff"]
    (lr,) = [h for h in handoff["space"] if h["name"] == "lr"]
    # What the search knew of the first six lets it look beyond the old bound at once.
    assert max(body["setup"]["lr"] for body in planned[6:8]) > 1e-2
    assert lr["high"] > 1e-2
    assert handoff["findings"]["expanded"][0].startswith("lr touches its upper bound 0.01 ")
    kinds = undisturbed.kinds()
    first, second = (at for at, kind in enumerate(kinds) if kind == "region estimated")
    assert kinds[:first].count("trial ended") == 6 and kinds[:second].count("trial ended") == 8
    assert undisturbed.run("verify", "tiny-1").returncode == 0


def test_a_changed_estimate_is_found_out_by_what_it_would_have_led_to(
    undisturbed: Place, tmp_path: Path
) -> None:
    run = RunPaths(Path(shutil.copytree(undisturbed.runs / "tiny-1", tmp_path / "tiny-1")))

    def change(rows: list[list[Any]]) -> None:
        last = [row for row in rows if row[1] == "region estimated"][-1]
        body = json.loads(last[2])
        body["estimate"]["ranges"][0]["low"] = 2e-4
        last[2] = canonical_json(body)

    forged(change)(run)
    verified = verify(run)
    assert not verified.fits
    assert "the phase's trials do not lead to what it handed on" in verified.line


def test_a_kill_while_the_region_is_estimated_changes_nothing(place: Place, undisturbed: Place) -> None:
    words: list[Any] = ["run", roadmap(place)]
    for estimated, ended in ((0, 6), (1, 8)):
        with place.started(*words, "--no-ui") as view:
            wait_until(lambda n=ended: place.kinds().count("trial ended") == n, 120, "all have ended")
            os.kill(place.supervisor(), signal.SIGKILL)
            view.wait(60)
        assert place.kinds().count("region estimated") == estimated, (
            "it was killed while the model was fitted"
        )
        words = ["resume"]
    done = place.run("resume", "--no-ui", timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert bodies(place, "region estimated") == bodies(undisturbed, "region estimated")
    assert setups(place) == setups(undisturbed)
    closed = [body["handoff"]["space"] for body in bodies(place, "phase closed")]
    assert closed == [body["handoff"]["space"] for body in bodies(undisturbed, "phase closed")]


def test_stop_ends_the_campaign_with_the_bound_and_what_to_do(place: Place) -> None:
    done = place.run("run", roadmap(place, at_boundary="stop"), "--no-ui", timeout=300)
    assert done.returncode == 3, done.stdout + done.stderr
    (failed,) = bodies(place, "run failed")
    assert failed["reason"].startswith("lr touches its upper bound 0.01 ")
    assert 'at_boundary = "expand"' in failed["reason"]
    assert "phase closed" not in place.kinds()


def test_an_optimizer_of_nevergrads_begins_again_in_the_grown_space(place: Place) -> None:
    done = place.run("run", roadmap(place, optimizer="TwoPointsDE"), "--no-ui", timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    planned = bodies(place, "trial planned")
    made = [body["setup"]["lr"] for body in planned if body["proposal"]]
    assert len(made) == len(set(made))
    if len(made) == 8:  # where six points of its own show the slope
        assert bodies(place, "phase closed")[0]["handoff"]["findings"]["expanded"]
    assert place.run("verify", "tiny-1").returncode == 0
