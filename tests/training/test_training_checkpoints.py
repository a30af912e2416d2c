"""Checkpoints that are torn, flipped, half renamed: the generation before is used, and it is said."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.support.trials import Told, make_job, run_in_fork, train

from staycourse.core.job import TaskSpec
from staycourse.training.checkpoint import Checkpoints


def two_generations(folder: Path) -> Checkpoints:
    store = Checkpoints(folder)
    for step in (1, 2):
        store.keep_best({"epoch": step, "model": {"w": torch.full((100,), float(step))}})
        store.save({"step": step, "model": {"w": torch.full((1000,), float(step))}})
    return store


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def tear(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize("damage", [flip, tear, Path.unlink, lambda path: path.write_bytes(b"")])
def test_a_damaged_checkpoint_gives_way_to_the_one_before(tmp_path: Path, damage: Any) -> None:
    two_generations(tmp_path)
    damage(tmp_path / "last.pt")
    store = Checkpoints(tmp_path)
    loaded = store.load()
    assert loaded is not None
    assert (loaded.file, loaded.state["step"]) == ("last.prev.pt", 1)
    assert "last.pt is" in loaded.notes[0]
    assert loaded.best is not None
    assert loaded.best["epoch"] == 1, "the best weights of that time"
    store.save({"step": 2, "model": {}})
    flip(tmp_path / "last.pt")
    again = Checkpoints(tmp_path).load()
    assert again is not None
    assert again.state["step"] == 1, "a good generation is never pushed out by a damaged one"


def test_with_both_damaged_the_trial_starts_again_and_says_so(tmp_path: Path) -> None:
    two_generations(tmp_path)
    flip(tmp_path / "last.pt")
    tear(tmp_path / "last.prev.pt")
    loaded = Checkpoints(tmp_path).load()
    assert loaded is not None
    assert not loaded.state
    assert "starts again" in loaded.notes[-1]
    assert not (tmp_path / "best.pt").exists()


def test_a_whole_file_that_was_never_recorded_is_refused(tmp_path: Path) -> None:
    two_generations(tmp_path)
    torch.save({"step": 99, "model": {}, "best_sha256": None}, tmp_path / "last.pt")
    loaded = Checkpoints(tmp_path).load()
    assert loaded is not None
    assert loaded.state["step"] == 1


def test_a_crash_anywhere_in_a_save_loses_nothing(tmp_path: Path) -> None:
    """Every state of the folder that a third save goes through, cut off there."""
    kept = tmp_path / "kept"
    two_generations(kept)
    steps = tmp_path / "steps"
    for cut in range(1, 40):
        folder = steps / str(cut)
        shutil.copytree(kept, folder)
        if finished_before_cut(folder, cut):
            break
        loaded = Checkpoints(folder).load()
        assert loaded is not None
        assert loaded.state["step"] in (2, 3)
        assert loaded.best is not None
        assert loaded.best["epoch"] == loaded.state["step"]
        store = Checkpoints(folder)
        store.load()
        store.keep_best({"epoch": 3, "model": {}})
        store.save({"step": 3, "model": {}})
        final = Checkpoints(folder).load()
        assert final is not None
        assert (final.state["step"], final.notes) == (3, ())
    else:
        raise AssertionError("a save never came to its end")
    assert cut > 6, "it was cut off in several places"


def finished_before_cut(folder: Path, cut: int) -> bool:
    """Save a third generation in a process that dies at its `cut`-th call of fsync or rename."""
    return run_in_fork(save_until, folder, cut) == 0


def save_until(folder: Path, cut: int) -> None:
    calls = 0

    def counted(function: Any) -> Any:
        def call(*args: Any, **more: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == cut:
                os._exit(9)
            return function(*args, **more)

        return call

    os.fsync = counted(os.fsync)
    Path.replace = counted(Path.replace)  # type: ignore[method-assign]  # the process ends with it
    store = Checkpoints(folder)
    store.load()
    store.keep_best({"epoch": 3, "model": {}})
    store.save({"step": 3, "model": {}})


def test_a_worker_falls_back_and_still_ends_with_the_same_numbers(tmp_path: Path, blobs: TaskSpec) -> None:
    whole = train(make_job(tmp_path / "whole", blobs, checkpoint_every=0.0))
    folder = tmp_path / "t"
    first = train(make_job(folder, blobs, checkpoint_every=0.0, kill_at_step=20))
    flip(folder / "last.pt")
    second = train(make_job(folder, blobs, checkpoint_every=0.0, attempt=2))
    ready = second.one("ready")
    assert (ready["resumed_from"], ready["step"]) == ("last.prev.pt", 19)
    assert "damaged" in ready["checkpoint_notes"][0]
    assert Told(first.messages + second.messages).rows() == whole.rows()
    assert second.one("ended")["best"] == whole.one("ended")["best"]


def same_model(a: Path, b: Path) -> bool:
    models = [torch.load(at / "last.pt", weights_only=True)["model"] for at in (a, b)]
    return all(torch.equal(models[0][name], models[1][name]) for name in models[0])


@pytest.mark.parametrize("names", [("last.pt",), ("last.pt", "last.prev.pt")])
def test_what_is_damaged_of_a_parent_is_trained_again(
    tmp_path: Path, blobs: TaskSpec, names: tuple[str, ...]
) -> None:
    parent, child = tmp_path / "parent", tmp_path / "child"
    whole = train(make_job(tmp_path / "whole", blobs, epochs=5, horizon=5))
    train(make_job(parent, blobs, epochs=3, horizon=5, checkpoint_every=0.0))
    for name in names:
        flip(parent / name)
    before = {file.name: file.read_bytes() for file in parent.iterdir()}
    told = train(make_job(child, blobs, parent=str(parent), epochs=5, horizon=5))
    assert "of parent, from which it goes on: last.pt is damaged" in told.one("ready")["checkpoint_notes"][0]
    assert told.one("ended")["curve"] == whole.one("ended")["curve"]
    assert same_model(tmp_path / "whole", child)
    assert {file.name: file.read_bytes() for file in parent.iterdir()} == before


def test_a_parent_s_checkpoint_that_the_ledger_does_not_name_is_not_used(
    tmp_path: Path, blobs: TaskSpec
) -> None:
    parent, forged = tmp_path / "parent", tmp_path / "forged"
    told = train(make_job(parent, blobs, checkpoint_every=0.0))
    named = told.one("ended")["files"]["last.pt"]["sha256"]
    train(make_job(forged, blobs, seed=99))
    for file in ("last.pt", "best.pt", "checkpoints.json"):
        shutil.copyfile(forged / file, parent / file)
    (parent / "last.prev.pt").unlink()
    job = make_job(tmp_path / "child", blobs, parent=str(parent), parent_sha256=named, epochs=5)
    notes = train(job).one("ready")["checkpoint_notes"]
    assert "last.pt was replaced" in notes[0] and "from the beginning" in notes[-1]


def test_the_checkpoint_of_another_trial_is_not_used(tmp_path: Path, blobs: TaskSpec) -> None:
    train(make_job(tmp_path / "other", blobs, seed=99))
    whole = train(make_job(tmp_path / "whole", blobs))
    shutil.copytree(tmp_path / "other", tmp_path / "t1")
    told = train(make_job(tmp_path / "t1", blobs))
    assert "last.pt is of another trial and was not used" in told.one("ready")["checkpoint_notes"]
    assert told.rows() == whole.rows() and same_model(tmp_path / "whole", tmp_path / "t1")


def test_hashes_of_the_message_are_those_of_the_sidecar(tmp_path: Path, blobs: TaskSpec) -> None:
    told = train(make_job(tmp_path / "t", blobs, checkpoint_every=0.0, epochs=1))
    recorded = json.loads((tmp_path / "t/checkpoints.json").read_text())["sha256"]
    assert {message["sha256"] for message in told.all("checkpoint")} <= set(recorded)
