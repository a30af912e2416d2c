"""What the gates saw, in the report; and how verification and the log come by it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from tests.report.eventful import Eventful, eventful_run
from tests.support.sample_run import ROADMAP

import staycourse
from staycourse.core import events as ev
from staycourse.core.narrative import tell, warnings
from staycourse.core.state import RunState
from staycourse.record.paths import RunPaths
from staycourse.record.verification.decisions import check_decisions
from staycourse.record.verification.fault import Fault
from staycourse.report import write_report
from staycourse.report.facts import Facts, read_facts

CUT_OFF = ROADMAP.replace("epochs = 150\nstop = { patience = 15, from = 91 }", "epochs = 12").replace(
    "trials = 6", "trials = 12"
)


@pytest.fixture(scope="module")
def warned(tmp_path_factory: pytest.TempPathFactory) -> RunPaths:
    """A finished run whose probe was cut off. Not to be written to."""
    paths = eventful_run(tmp_path_factory.mktemp("runs") / "digits-1", roadmap_text=CUT_OFF)
    write_report(paths)
    return paths


def section(report: str, phase: int) -> str:
    return report.partition(f"### Phase {phase}: ")[2].partition("\n### ")[0]


def test_warnings_come_first_and_what_is_in_order_takes_one_line(warned: RunPaths) -> None:
    part = section(warned.report.read_text(), 1).partition("**Looked at when the phase ended:**\n\n")[2]
    lines = part.partition("\n\n")[0].splitlines()
    assert lines[0].startswith("- **Warning: ")
    assert sum(line.startswith("- In order: ") for line in lines) == 1
    assert lines[-1].startswith("- In order: ")
    for line in lines[:-1]:
        assert "*Next time:* " in line
    assert any("still improving at the end" in line for line in lines if line.startswith("- **Warning"))


def test_a_hyperparameters_name_keeps_its_case(run: Path) -> None:
    text = CUT_OFF.replace("log = [1e-5, 1e-1]", "log = [1e-5, 1e-4]")
    report = write_report(eventful_run(run, roadmap_text=text)).read_text()
    assert "best near a boundary.** lr 8e-05" in report


def test_a_warning_is_a_doubt_on_the_first_page(warned: RunPaths, finished: RunPaths) -> None:
    said = "Phase 1 (probe), when it ended: "
    first_page = warned.report.read_text().partition("## Phases")[0]
    assert said in first_page
    for finding in warnings(read_facts(warned).state.handoffs[0]):
        assert finding["found"] in first_page.replace("\\", "")
    assert said not in finished.report.read_text()


def test_what_was_handed_on_does_not_repeat_the_warnings(warned: RunPaths) -> None:
    handed_on = section(warned.report.read_text(), 1).partition("**Handed on:**")[2]
    assert "loss floor" in handed_on
    assert "warning" not in handed_on


def test_a_phase_that_is_not_done_was_not_looked_at(run: Path) -> None:
    Eventful(run).store.close(final=False)
    assert "Looked at when" not in write_report(RunPaths(run)).read_text()


def test_a_run_of_before_there_were_gates_is_reported(finished: RunPaths) -> None:
    facts = read_facts(finished)
    bare = [
        dataclasses.replace(h, findings={k: v for k, v in h.findings.items() if k != "gates"})
        for h in facts.state.handoffs
    ]
    from staycourse.report.gates import gates

    old = dataclasses.replace(facts, state=dataclasses.replace(facts.state, handoffs=tuple(bare)))
    assert gates(facts, 0)
    assert gates(old, 0) == ""


def test_the_log_names_what_is_warned_of(warned: RunPaths) -> None:
    facts = read_facts(warned)
    kinds = [phase.kind for phase in facts.roadmap.phases]
    closed = next(timed.event for timed in facts.timeline if isinstance(timed.event, ev.PhaseClosed))
    words = tell(closed, RunState(), kinds)
    assert words.startswith("phase 1/5 probe done; warning: ")
    assert "still improving at the end" in words


def test_verification_looks_again(warned: RunPaths) -> None:
    facts = read_facts(warned)
    assert check_decisions(facts.roadmap, facts.roadmap.first_handoff, ledger_of(facts)) == 5

    def tampered(event: ev.Event) -> ev.Event:
        if not isinstance(event, ev.PhaseClosed) or event.phase != 0:
            return event
        found = [{**each, "level": "fine"} for each in event.handoff["findings"]["gates"]]
        findings = {**event.handoff["findings"], "gates": found}
        return dataclasses.replace(event, handoff={**event.handoff, "findings": findings})

    changed = [(entry, tampered(event)) for entry, event in ledger_of(facts)]
    with pytest.raises(Fault, match="do not lead to what it handed on"):
        check_decisions(facts.roadmap, facts.roadmap.first_handoff, changed)


def ledger_of(facts: Facts) -> list[tuple[object, ev.Event]]:
    """The events as verification has them, sealed by this version."""
    from staycourse.record.ledger import Entry

    found = []
    for at, timed in enumerate(facts.timeline, start=1):
        event = timed.event
        if isinstance(event, ev.RunSealed):
            event = dataclasses.replace(event, version=staycourse.__version__)
        found.append((Entry(at, timed.time, event.KIND, "", "", ""), event))
    return found
