"""An earlier run is read once, whole or not at all, and what was read goes into the seal as it is."""

from __future__ import annotations

import dataclasses
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from tests.report.eventful import PARTS, Eventful
from tests.support.sample_run import ROADMAP

from staycourse.core import events as ev
from staycourse.core.canonical import canonical_json
from staycourse.core.handoff import Handoff
from staycourse.core.roadmap import parse
from staycourse.record.earlier_run import NoLineage, find_earlier, read_lineage
from staycourse.record.index import enlist
from staycourse.record.lineage import Lineage, differences
from staycourse.record.paths import RunPaths
from staycourse.record.seal import lineage_digest, roadmap_digest, seal_parts
from staycourse.record.store import Store

SEALED = {"parts": {**PARTS, "roadmap": roadmap_digest(ROADMAP)}}


def run(
    folder: Path, stop_at: tuple[int, int] = (99, 0), last: ev.Event | None = None, **seal: Any
) -> RunPaths:
    """A run that stops in a phase and is ended by `last`, or goes to its end."""
    campaign = Eventful(folder, stop_at=stop_at, seal=SEALED | seal)
    campaign.start()
    campaign.follow()
    if last:
        campaign.store.append(last)
    campaign.store.close(final=True)
    return campaign.store.paths


@pytest.fixture(scope="module")
def abandoned(tmp_path_factory: pytest.TempPathFactory) -> RunPaths:
    folder = tmp_path_factory.mktemp("runs") / "digits-1"
    return run(folder, (3, 2), ev.RunAbandoned("the loss \x1b[31mwas wrong"))


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("STAYCOURSE_RUNS", str(tmp_path / "elsewhere"))


def test_the_last_closed_phase_hands_on(abandoned: RunPaths) -> None:
    lineage, store = read_lineage(abandoned), Store(abandoned)
    given = store.state.handoffs[-1]
    assert (lineage.run, lineage.status, lineage.head) == ("digits-1", "abandoned", store.head)
    assert lineage.reason == "the loss was wrong"
    assert lineage.handoff.space == given.space
    assert lineage.handoff.best_values == given.best_values
    ids = [trial for place in given.ranking for trial in place.trials]
    assert [trial for place in lineage.handoff.ranking for trial in place.trials] == [
        f"digits-1/{trial}" for trial in ids
    ]
    store.close(final=True)


def test_what_was_paid_counts_every_epoch_once(abandoned: RunPaths) -> None:
    probe, narrow, grid = read_lineage(abandoned).phases
    assert (probe.kind, probe.trials, narrow.kind, narrow.trials) == ("probe", 6, "narrow", 24)
    with sqlite3.connect(abandoned.database) as db:
        rows = "SELECT count(*) FROM metric WHERE name = 'val_loss' AND trial IN ({})"
        trained = db.execute(rows.format("SELECT id FROM trial WHERE phase = 2")).fetchone()[0]
        trials = db.execute("SELECT count(*) FROM trial WHERE phase = 2").fetchone()[0]
    assert (grid.kind, grid.trials, grid.epochs) == ("grid", trials, trained)


def test_a_finished_run_is_read_as_well_and_survives_the_ledger(tmp_path: Path) -> None:
    lineage = read_lineage(run(tmp_path / "digits-1"))
    assert (lineage.status, lineage.reason, len(lineage.phases)) == ("finished", "", 5)
    assert Lineage.from_json(_through_ledger(lineage)) == lineage
    assert lineage.handoff.best_epoch is not None


def _through_ledger(lineage: Lineage) -> dict[str, Any]:
    return json.loads(canonical_json(lineage.to_json()))


def test_a_run_that_took_up_another_names_it(tmp_path: Path, abandoned: RunPaths) -> None:
    first = read_lineage(abandoned)
    second = read_lineage(run(tmp_path / "digits-2", lineage=first.to_json()))
    assert [earlier["run"] for earlier in second.before] == ["digits-1"]
    assert second.before[0]["head"] == first.head[1]


REFUSED = [
    ((2, 3), None, "digits-1 is suspended", "finish or abandon it first"),
    ((2, 3), ev.RunFailed(2, "no score"), "digits-1 has failed (no score)", "abandon it first"),
    ((0, 2), ev.RunAbandoned("no"), "digits-1 has no closed phase to take up", "leave [from] out"),
]


@pytest.mark.parametrize(("stop_at", "last", "said", "right"), REFUSED)
def test_a_run_that_cannot_be_taken_up_says_what_would_help(
    tmp_path: Path, stop_at: tuple[int, int], last: ev.Event | None, said: str, right: str
) -> None:
    with pytest.raises(NoLineage) as raised:
        read_lineage(run(tmp_path / "digits-1", stop_at, last))
    assert str(raised.value) == said
    assert right in raised.value.right


def test_a_rehearsal_is_no_earlier_run(tmp_path: Path) -> None:
    with pytest.raises(NoLineage, match="was a rehearsal"):
        read_lineage(run(tmp_path / "digits-1", rehearsal=True))


def test_a_roadmap_or_a_database_that_was_changed_is_refused(tmp_path: Path) -> None:
    paths = run(tmp_path / "digits-1", (1, 2), ev.RunAbandoned("no"))
    paths.roadmap.write_text(ROADMAP.replace("seed = 7", "seed = 8"))
    with pytest.raises(NoLineage, match="roadmap.toml was changed since it was sealed"):
        read_lineage(paths)
    paths.roadmap.write_text(ROADMAP)
    assert read_lineage(paths)
    whole = paths.database.read_bytes()
    paths.database.write_bytes(whole[: len(whole) // 2 + 100])
    with pytest.raises(NoLineage):
        read_lineage(paths)


def test_a_run_is_found_by_its_path_from_the_roadmap_or_by_its_name(
    tmp_path: Path, abandoned: RunPaths, state: None
) -> None:
    assert find_earlier("digits-1", abandoned.root.parent) == abandoned
    assert find_earlier("../digits-1", abandoned.root) == abandoned
    with pytest.raises(NoLineage, match=r"no such run: .*digits-1 \(known runs: none yet\)"):
        find_earlier("digits-1", tmp_path)
    enlist(abandoned.root)
    assert find_earlier("digits-1", tmp_path) == abandoned
    with pytest.raises(NoLineage, match="no such run: .*runs/digits-1"):
        find_earlier("runs/digits-1", tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(NoLineage, match="is no run folder"):
        find_earlier("empty", tmp_path)


@pytest.mark.parametrize("name", ["a\0b", "x" * 5000, "~nobody-of-that-name/x"])
def test_a_name_that_no_folder_can_have(tmp_path: Path, state: None, name: str) -> None:
    with pytest.raises(NoLineage):
        find_earlier(name, tmp_path)


def test_a_name_that_two_runs_have_is_not_guessed_at(tmp_path: Path, state: None) -> None:
    for place in ("a", "b"):
        paths = run(tmp_path / place / "digits-1", (0, 2))
        enlist(paths.root)
    with pytest.raises(NoLineage, match="2 runs are named digits-1: "):
        find_earlier("digits-1", tmp_path)


def test_the_seal_covers_what_is_taken_up_but_not_where_it_lies(abandoned: RunPaths) -> None:
    lineage = read_lineage(abandoned)
    moved = dataclasses.replace(lineage, folder="/elsewhere")
    assert lineage_digest(lineage.to_json()) == lineage_digest(moved.to_json())
    bare = Handoff(lineage.handoff.space)
    for change in ({"run": "x"}, {"seal": "x"}, {"head": (1, "x")}, {"handoff": bare}):
        other = dataclasses.replace(lineage, **change)
        assert lineage_digest(other.to_json()) != lineage_digest(lineage.to_json())
    assert "from" not in seal_parts(ROADMAP, {}, {}, {})
    assert seal_parts(ROADMAP, {}, {}, {}, lineage.to_json())["from"] == lineage_digest(lineage.to_json())


def test_what_differs_is_named(abandoned: RunPaths) -> None:
    lineage, roadmap = read_lineage(abandoned), parse(ROADMAP)
    assert differences(lineage, lineage.parts, roadmap) == []
    text = ROADMAP.replace("seed = 7", "seed = 8").replace('digits.py"', 'digits.py"\nargs = { a = 1 }')
    mended = parse(text)
    assert differences(lineage, {**lineage.parts, "code": "0" * 64}, mended) == [
        "the task's code", "the task's arguments", "the seed",
    ]  # fmt: skip
    assert differences(lineage, {**lineage.parts, "outside": "0" * 64}, roadmap) == [OUTSIDE]
    used = dataclasses.replace(lineage, parts={**lineage.parts, "outside": "0" * 64})
    assert differences(used, lineage.parts, roadmap) == [OUTSIDE], "used before, and no longer"
    assert differences(used, used.parts, roadmap) == []


OUTSIDE = "the files that the task uses from outside its folder"
