"""Exports are read back by what they are made for, and hold the run's own numbers."""

from __future__ import annotations

import csv
import json
import math
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.report.eventful import Eventful, eventful_run
from tests.support.sample_run import ROADMAP
from tests.support.tiny import Place

from staycourse.core import events as ev
from staycourse.record.paths import RunPaths
from staycourse.report.exports.energy import joules
from staycourse.report.exports.run_data import RunData

HOSTILE = ["=1+1", "+1", "-1+1", "@SUM(A1)", "\t=1", "$(touch x)", 'a"b\nc', "\x1b[2Jü", "a,b;c"]


def exported(place: Place, run: Path, target: str) -> Path:
    done = place.run("export", run, "--to", target, "-o", f"out-{target}")
    assert done.returncode == 0, done.stderr
    return place.folder / f"out-{target}"


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_csv_holds_every_value_to_the_last_bit(place: Place, finished: RunPaths) -> None:
    out = exported(place, finished.root, "csv")
    run = RunData(finished.root)
    told = {(r["trial"], r["name"], int(r["step"])): float(r["value"]) for r in rows(out / "metrics.csv")}
    stands = {(trial, name, step): value for trial, name, step, _, value in run.rows("metric")}
    assert told.keys() == stands.keys() and len(told) > 100
    assert all(told[key] == value or math.isnan(value) for key, value in stands.items())
    trials = rows(out / "trials.csv")
    assert [row["id"] for row in trials] == [trial.id for trial in run.trials]
    assert trials[0]["phase_kind"] == "probe" and float(trials[0]["setup.lr"]) == run.trials[0].setup["lr"]
    assert float(trials[1]["best_value"]) == run.trials[1].row["best_value"]


def test_the_metadata_says_whence_each_setting_came(place: Place, finished: RunPaths) -> None:
    body = json.loads((exported(place, finished.root, "csv") / "run.json").read_text())
    settings = body["settings"]
    assert settings["seed"] == {"value": 7, "from": "roadmap"}
    assert settings["limits.trial_hours"] == {"value": 12, "from": "roadmap"}
    assert settings["limits.retries"] == {"value": 2, "from": "default"}
    assert [session["options"] for session in body["sessions"]][0] == {"devices": "0"}
    assert settings["phase[1].epochs"]["value"] == 150
    assert body["environment"]["packages"]["torch"] == "2.13.0" and body["data"]["train_samples"] == 1438
    assert body["head"]["hash"] == finished.head.read_text().split()[1] and body["status"] == "finished"


def scalars(folder: Path) -> Iterator[tuple[str, int, float]]:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    events = accumulator.EventAccumulator(str(folder), size_guidance={"scalars": 0})
    events.Reload()
    for tag in events.Tags()["scalars"]:
        yield from ((tag, event.step, event.value) for event in events.Scalars(tag))


def test_tensorboard_reads_the_same_numbers_as_its_floats(place: Place, finished: RunPaths) -> None:
    out = exported(place, finished.root, "tensorboard")
    run = RunData(finished.root)
    for trial in run.trials[:4]:
        told = {(tag, step): value for tag, step, value in scalars(out / trial.phase / trial.id)}
        stands = {(n, s): value for t, n, s, _, value in run.rows("metric") if t == trial.id}
        assert stands and {key for key in told if not key[0].startswith("timing/")} == stands.keys()
        assert all(told[key] == _float32(value) for key, value in stands.items() if not math.isnan(value))


def test_tensorboard_knows_the_hyperparameters(place: Place, finished: RunPaths) -> None:
    plugin = pytest.importorskip("tensorboard.plugins.hparams.plugin_data_pb2")
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    out = exported(place, finished.root, "tensorboard")
    trial = RunData(finished.root).trials[0]
    events = accumulator.EventAccumulator(str(out / trial.phase / trial.id))
    events.Reload()
    content = events.summary_metadata["_hparams_/session_start_info"].plugin_data.content
    info = plugin.HParamsPluginData.FromString(content).session_start_info
    assert info.hparams["lr"].number_value == trial.setup["lr"]
    assert info.hparams["optimizer"].string_value == trial.setup["optimizer"]


def _float32(value: float) -> float:
    return float(struct.unpack("f", struct.pack("f", value))[0])


@pytest.mark.slow
def test_mlflow_reads_the_same_numbers_nested_by_phase(place: Place, finished: RunPaths) -> None:
    tracking = pytest.importorskip("mlflow.tracking")
    exported(place, finished.root, "mlflow")
    out = exported(place, finished.root, "mlflow")  # anew: nothing is doubled
    client = tracking.MlflowClient(tracking_uri=f"sqlite:///{out / 'mlflow.db'}")
    (experiment,) = [e for e in client.search_experiments() if e.name == finished.name]
    found = client.search_runs([experiment.experiment_id], max_results=50_000)
    by_id = {each.info.run_id: each for each in found}
    parents = {each.info.run_name: each.data.tags.get("mlflow.parentRunId") for each in found}
    run = RunData(finished.root)
    phases = {trial.phase for trial in run.trials}
    assert {each.info.run_name for each in found} == {run.name, *phases, *(trial.id for trial in run.trials)}
    assert parents[run.name] is None and len(found) == 1 + len(phases) + len(run.trials)
    for trial in run.trials[:3]:
        above = by_id[parents[trial.id]]
        assert above.info.run_name == trial.phase and by_id[parents[trial.phase]].info.run_name == run.name
        (made,) = [each for each in found if each.info.run_name == trial.id]
        assert made.data.params["lr"] == repr(trial.setup["lr"])
        told = {m.step: m.value for m in client.get_metric_history(made.info.run_id, "val_loss")}
        stands = {s: v for t, n, s, _, v in run.rows("metric") if (t, n) == (trial.id, "val_loss")}
        assert told.keys() == stands.keys() and stands
        assert all(told[step] == value for step, value in stands.items() if math.isfinite(value))
    (whole,) = [each for each in found if each.info.run_name == run.name]
    assert whole.data.params["limits.trial_hours"] == "12.0" and whole.info.status == "FINISHED"


@pytest.mark.parametrize("target", ["csv", "tensorboard"])
def test_an_export_is_written_anew_and_over_nothing_else(
    place: Place, finished: RunPaths, target: str
) -> None:
    def content(folder: Path) -> dict[str, bytes]:
        return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}

    before = content(finished.root)
    first = content(exported(place, finished.root, target))
    assert content(exported(place, finished.root, target)) == first
    assert content(finished.root) == before
    (place.folder / "mine").mkdir()
    (place.folder / "mine" / "thesis.tex").write_text("x")
    for folder in ("mine", str(finished.root / "export")):
        refused = place.run("export", finished.root, "--to", target, "-o", folder)
        assert refused.returncode == 2 and "-o names another" in refused.stderr
    assert content(finished.root) == before


def test_hostile_text_is_no_formula_and_no_command(place: Place, tmp_path: Path) -> None:
    campaign = Eventful(tmp_path / "digits-1")
    campaign.start()
    campaign.store.append(ev.PhaseOpened(0))
    for at, text in enumerate(HOSTILE, start=1):
        setup: dict[str, Any] = {"lr": -0.5, "optimizer": text}
        campaign.store.append(ev.TrialPlanned(f"t{at}", 0, f"p{at}", setup, 10, 10, name=text))
    campaign.store.close(final=True)
    out = exported(place, tmp_path / "digits-1", "csv")
    text = (out / "trials.csv").read_text()
    assert "\x1b" not in text
    trials = rows(out / "trials.csv")
    assert len(trials) == len(HOSTILE)
    for row in trials:
        assert row["setup.lr"] == "-0.5"
        for cell in (row["name"], row["setup.optimizer"]):
            assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    for target in ("tensorboard", "mlflow"):
        exported(place, tmp_path / "digits-1", target)


def test_runs_are_set_side_by_side(place: Place, finished: RunPaths, tmp_path: Path) -> None:
    same = place.run("runs", "--compare", finished.root, finished.root).stdout
    assert "the settings are the same" in same and "code, data and environment are the same" in same
    text = ROADMAP.replace("dropout    = { range = [0.0, 0.5] }", "dropout    = { range = [0.0, 0.3] }")
    text = text.replace("trial_hours = 12", "trial_hours = 12\nretries = 5")
    other = eventful_run(tmp_path / "digits-2", roadmap_text=text)
    said = place.run("runs", "--compare", finished.root, other.root).stdout
    words = [line.split() for line in said.splitlines()]
    assert ["limits.retries", "2", "(default)", "5"] in words
    assert ["space.dropout", "0..0.5", "0..0.3"] in words
    assert not any(line[:1] == ["seed"] for line in words)
    assert ["status", "finished", "finished"] in words and any(line[:2] == ["best", "of"] for line in words)
    assert all(len(line) <= 80 for line in said.splitlines())
    alone = place.run("runs", "--compare", finished.root)
    assert alone.returncode == 2 and "two runs or more" in alone.stderr


def test_energy_is_the_integral_of_power_without_the_gaps() -> None:
    assert joules([(0, 100.0), (10, 200.0), (20, 200.0)]) == 1500 + 2000
    assert joules([(0, 100.0), (1000, 100.0), (1010, 100.0)]) == 1000
    assert joules([(10, 100.0), (0, 100.0)]) == 0


def test_a_target_without_its_package_is_told(place: Place, finished: RunPaths) -> None:
    hidden = place.folder / "hidden"
    (hidden / "tensorboard").mkdir(parents=True)
    (hidden / "tensorboard" / "__init__.py").write_text("raise ModuleNotFoundError('no', name='tensorboard')")
    here = Place(place.folder, {"PYTHONPATH": str(hidden)})
    done = here.run("export", finished.root, "--to", "tensorboard")
    assert done.returncode == 2 and "pip install 'staycourse[tensorboard]'" in done.stderr
