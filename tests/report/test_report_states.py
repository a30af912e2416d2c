"""A report of a run in any state; nothing is ever written to the run but the report."""

from __future__ import annotations

import hashlib
import shutil
import stat
from pathlib import Path

import pytest
from tests.report.eventful import Eventful
from tests.support.sample_run import RESUMABLE, engine_for, write_run

from staycourse.core import events as ev
from staycourse.record.paths import RunPaths
from staycourse.record.store import Store
from staycourse.report import NothingToReport, write_report


def copied(paths: RunPaths, target: Path) -> RunPaths:
    """The run, not reported."""
    shutil.copytree(paths.root, target, ignore=shutil.ignore_patterns("report.md", "figures"))
    return RunPaths(target)


KINDS = ("probe", "narrow", "grid", "confirm", "final")


@pytest.mark.parametrize(
    ("state", "said", "not_said"),
    [
        ("sealed", "there are no results yet", "**Leads so far**"),
        ("empty", "No phase is closed yet", "**Leads so far**"),
        ("running", "**Leads so far**", "**Won**"),
        ("suspended", "`staycourse resume` goes on", "**Won**"),
        ("finished", "**Won**", "> [!"),
        ("failed", "A phase could not be finished: none of its 24 trials has a score", "**Won**"),
        ("abandoned", "given up: the loss function had the wrong sign", "**Leads so far**"),
    ],
)
def test_every_state_names_every_phase_and_every_trial(
    run: Path, state: str, said: str, not_said: str
) -> None:
    write_run(run, state)
    store = Store(RunPaths(run))
    trials = list(store.state.trials)
    store.close(final=False)
    report = write_report(RunPaths(run)).read_text()
    for at, kind in enumerate(KINDS, start=1):
        assert f"### Phase {at}: {kind}\n" in report
    for trial in trials:
        assert f"\n| {trial} |" in report
    assert said in report
    assert not_said not in report
    assert report.startswith("# ABANDONED") == (state == "abandoned")
    assert (RESUMABLE in report) == (state in ("suspended", "abandoned"))


def test_a_run_without_its_engine_is_suspended_and_one_with_it_is_running(run: Path) -> None:
    write_run(run, "running")
    assert "**Suspended**" in write_report(RunPaths(run)).read_text()
    with engine_for(run):
        report = write_report(RunPaths(run)).read_text()
    assert "**Running**" in report
    assert "| *running* |" in report


def test_a_report_while_the_engine_writes(run: Path) -> None:
    write_run(run, "running")
    with engine_for(run, training=True) as engine:
        for _ in range(5):
            assert "### Phase 5: final" in write_report(RunPaths(run)).read_text()
        assert engine.poll() is None


def test_a_rehearsal_says_that_it_is_one(run: Path) -> None:
    campaign = Eventful(run, seal={"rehearsal": True})
    campaign.store.close(final=False)
    report = write_report(RunPaths(run)).read_text()
    assert report.startswith("# Tuning report of digits-1 (a rehearsal)")
    assert "0 of 2 trials" in report


def test_an_ancestor_that_was_abandoned_is_named(run: Path) -> None:
    ancestor = {"run": "digits-0", "reason": "wrong data", "head": "0" * 64}
    Eventful(run, seal={"ancestor": ancestor}).store.close(final=False)
    assert "`digits-0`, which was abandoned: wrong data" in write_report(RunPaths(run)).read_text()


def test_missing_facts_are_left_out(run: Path) -> None:
    campaign = Eventful(run, seal={"facts": {}, "environment": {}, "code": {}})
    campaign.store.append(ev.EngineStarted(1, 1, 1.0, {}, {}, None))
    campaign.store.close(final=False)
    report = write_report(RunPaths(run)).read_text()
    assert "no facts about the data" in report
    assert "no facts about the environment" in report


@pytest.mark.parametrize(
    "facts",
    [
        {"fingerprint": "abc"},
        {"fingerprint": {}},
        {"fingerprint": {"sha256": None, "bytes": None, "samples": None}},
        {"train_samples": None, "validation_samples": "many", "fingerprint": [1]},
    ],
)
def test_odd_facts_are_tolerated(run: Path, facts: dict[str, object]) -> None:
    Eventful(run, seal={"facts": facts}).store.close(final=False)
    assert "## Data" in write_report(RunPaths(run)).read_text()


def test_the_database_stays_as_it_is(finished: RunPaths) -> None:
    before = {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in finished.root.glob("run.db*")}
    write_report(finished)
    after = {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in finished.root.glob("run.db*")}
    assert before == after


def test_nothing_but_the_report_and_its_figures_is_left(finished: RunPaths, run: Path) -> None:
    paths = copied(finished, run)
    before = {path.name for path in run.iterdir()}
    write_report(paths)
    assert {path.name for path in run.iterdir()} - before == {"report.md", "figures"}


def test_a_finished_run_is_reported_with_the_same_bytes_again(finished: RunPaths) -> None:
    before = {path: path.read_bytes() for path in [finished.report, *finished.figures.iterdir()]}
    write_report(finished)
    assert before == {path: path.read_bytes() for path in [finished.report, *finished.figures.iterdir()]}


def test_a_report_elsewhere_takes_its_figures_along(finished: RunPaths, tmp_path: Path) -> None:
    target = write_report(finished, tmp_path / "out" / "for-ada.md")
    names = {path.name for path in (tmp_path / "out" / "figures").iterdir()}
    assert names >= {f"digits-1-{at}-{kind}.svg" for at, kind in enumerate(KINDS, start=1)}
    assert names == {f"digits-1-{path.name}" for path in finished.figures.iterdir()}
    assert all(f"(figures/{name})" in target.read_text() for name in names)


def test_a_colleague_who_may_only_read_gets_a_report_elsewhere(
    finished: RunPaths, run: Path, tmp_path: Path
) -> None:
    paths = copied(finished, run)
    for path in [*run.rglob("*"), run]:
        path.chmod(stat.S_IRUSR | (stat.S_IXUSR if path.is_dir() else 0))
    try:
        assert "### Phase 5" in write_report(paths, tmp_path / "mine.md").read_text()
        assert not paths.report.exists()
    finally:
        run.chmod(0o700)


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NothingToReport, match="no run folder"):
        write_report(RunPaths(tmp_path))
