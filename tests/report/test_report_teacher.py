"""What the report says of a teacher: where its outputs were kept, and why it was asked elsewhere."""

from __future__ import annotations

from pathlib import Path

from tests.report.eventful import eventful_run

from staycourse.record.store import Store
from staycourse.report.facts import read_facts
from staycourse.report.training import training_words

KEPT = {"teacher": "kept", "teacher_bytes": 3 * 2**20, "teacher_sha256": ["a" * 64]}
PARTLY = {**KEPT, "teacher_bytes": 2**20, "teacher_why": "it draws random numbers"}


def test_trials_with_and_without_kept_outputs_are_counted(run: Path) -> None:
    paths = eventful_run(run)
    before = training_words(read_facts(paths))
    store = Store(paths)
    for trial, facts in (
        ("t1", KEPT),
        ("t2", PARTLY),
        ("t3", {"teacher": "asked", "teacher_why": "x | <b>"}),
    ):
        store.add_facts(trial, facts)
    store.close(final=True)
    report = training_words(read_facts(paths))
    assert "eacher" not in before
    assert "asked once a sample, and its outputs (3.0 MiB) served 2 trials" in report
    assert "asked at each step in 1 trial: it draws random numbers." in report
    assert "<b>" not in report
