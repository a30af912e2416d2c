"""What held trials up, in the report."""

from __future__ import annotations

from pathlib import Path

from tests.report.eventful import eventful_run
from tests.report.test_report_content import row, section
from tests.support.sample_run import ROADMAP

from staycourse.report.facts import Facts, read_facts
from staycourse.report.markdown import escape
from staycourse.report.operation import operation_section
from staycourse.report.summary import summary

STARVED = "starved: 63% of a step waits for data; 2 workers, 6 would do"
GROWING = "growing: 41 s, 44 s, 48 s … 62 s: losses kept with their graphs?"
SHORT = "[[phase]]".join(ROADMAP.split("[[phase]]")[:2])


def facts_of(run: Path, **options: object) -> Facts:
    return read_facts(eventful_run(run, **options))


def test_what_held_a_trial_up_stands_with_what_to_do(run: Path) -> None:
    milder = STARVED.replace("63", "21")
    slowdowns = {"t3": [milder], "t5": [STARVED, GROWING], "t6": ["later: a kind | of it"]}
    facts = facts_of(run, slowdowns=slowdowns)
    part = section(operation_section(facts), "### Slow-downs")
    assert part.startswith("\n3 of 49 trials were held up.")
    rows = [line for line in part.splitlines() if line.startswith("| t")]
    assert rows[1:] == [  # the worst first, below the header
        f"| t5 | 4 | {escape(STARVED)} |",
        f"| t3 | 4 | {escape(milder)} |",
        f"| t5 | 4 | {escape(GROWING)} |",
        "| t6 | 4 | later: a kind \\| of it |",
    ]
    assert "- **starved** (2 trials): set `workers` under `[data]`" in part
    assert "- **growing** (1 trial): keep `loss.item()`" in part
    assert "- **later** (1 trial): see its words above" in part
    assert "**Slowed**" not in summary(facts)  # neither the winner nor most


def test_a_winner_that_was_slowed_is_told_in_the_summary(run: Path) -> None:
    told = row(summary(facts_of(run, slowdowns={"t49": [STARVED]})), "Slowed")
    assert escape(STARVED) in told and "(#slow-downs)" in told
    assert "of 49 trials" not in told


def test_most_trials_slowed_is_told_in_the_summary(run: Path) -> None:
    slowdowns = {f"t{at}": [STARVED] for at in (2, 3, 4, 5)} | {"t6": [GROWING]}
    facts = facts_of(run, roadmap_text=SHORT, slowdowns=slowdowns)
    assert "5 of 6 trials (starved: 4, growing: 1)" in row(summary(facts), "Slowed")
    assert "5 of 6 trials were held up" in section(operation_section(facts), "### Slow-downs")


def test_a_run_that_nothing_held_up_says_so(run: Path) -> None:
    facts = facts_of(run, roadmap_text=SHORT)
    part = section(operation_section(facts), "### Slow-downs")
    assert part.strip() == "Nothing was seen to hold a trial up."
    assert "**Slowed**" not in summary(facts)
