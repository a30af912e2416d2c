"""Equivalence within a declared margin, on constructed trials."""

from __future__ import annotations

import math
import statistics

import pytest
from tests.support.roadmaps import problems, small

from staycourse.core.deciding import decide
from staycourse.core.outcome import Outcome
from staycourse.core.phases.base import Before
from staycourse.core.roadmap import parse
from staycourse.core.trial import Trial

SPACE = "[space]\nlr = { log = [1e-4, 1e-1] }\n"
QUANTILE_95 = {2: 6.313752, 4: 2.131847}  # of Student's t, one-sided, by degrees of freedom
LEFT = (0.30, 0.32, 0.29, 0.33, 0.31)


def compare(margin: str, seeds: int = 5, names: str = "ab") -> str:
    setups = "".join(f'[[phase.setup]]\nname = "{name}"\nlr = 0.0{at + 1}\n' for at, name in enumerate(names))
    return small(f'[[phase]]\nkind = "compare"\nseeds = {seeds}\nepochs = 2\n{margin}\n{setups}', space=SPACE)


def found(margin: str, *values: tuple[float, ...], goal: str = "min") -> list[dict]:
    """The findings of a phase whose set-ups had these values, seed by seed."""
    text = compare(margin, len(values[0]), "abc"[: len(values)]).replace(
        "[space]", f'[objective]\ngoal = "{goal}"\n[space]'
    )
    roadmap = parse(text)
    phase, before = roadmap.phases[0], Before(goal, roadmap.first_handoff)
    needs = decide(phase, before, ()).needs
    trials = [
        Trial(
            f"t{at}", 0, need.key, need.setup, need.repetition, need.name,
            outcome=Outcome.COMPLETED,
            curve=((1, 9.0 if goal == "min" else 0.0), (2, values["abc".index(need.name)][need.repetition])),
            epochs_done=2,
            steps=100 + 50 * "abc".index(need.name) + need.repetition,
        )
        for at, need in enumerate(needs)
    ]  # fmt: skip
    handoff = decide(phase, before, trials).handoff
    assert handoff is not None
    return handoff.findings["comparison"]


def test_the_90_percent_interval_of_the_paired_differences_decides() -> None:
    gaps = (0.004, -0.002, 0.003, 0.001, 0.0)
    right = tuple(one + gap for one, gap in zip(LEFT, gaps, strict=True))
    reach = QUANTILE_95[4] * statistics.stdev(gaps) / math.sqrt(5)
    low, high = statistics.fmean(gaps) - reach, statistics.fmean(gaps) + reach
    for margin, is_shown in ((high * 1.001, True), (high * 0.999, False)):
        best, other = found(f"margin = {margin}", LEFT, right)
        assert "equivalence" not in best
        told = other["equivalence"]
        assert told["interval"] == pytest.approx([low, high], rel=1e-5)
        assert told["is_shown"] is is_shown
        assert told["verdict"] == (
            f"equivalent within {margin:g}" if is_shown else "not shown to be equivalent"
        )
        assert (told["seeds"], told["margin"]) == (5, margin)


def test_no_difference_found_is_not_equivalence() -> None:
    noisy = (0.31, 0.29, 0.33, 0.30, 0.32)
    _, other = found("margin = 0.01", LEFT, noisy)
    assert other["verdict"] == "cannot tell apart"
    assert not other["equivalence"]["is_shown"]


def test_better_beyond_noise_may_still_be_equivalent() -> None:
    right = tuple(value + gap for value, gap in zip(LEFT, (0.002, 0.0021, 0.0019, 0.002, 0.002), strict=True))
    _, other = found("margin = 0.01", LEFT, right)
    assert other["verdict"] == "better beyond noise"
    assert other["equivalence"]["is_shown"]


def test_a_goal_of_more_is_judged_alike() -> None:
    right = tuple(value - 0.002 - 0.0001 * at for at, value in enumerate(LEFT))
    _, other = found("margin = 0.01", LEFT, right, goal="max")
    low, high = other["equivalence"]["interval"]
    assert low < high < 0
    assert other["equivalence"]["is_shown"]
    assert not found("margin = 0.002", LEFT, right, goal="max")[1]["equivalence"]["is_shown"]


def test_of_three_set_ups_each_interval_allows_for_all_pairs() -> None:
    near = tuple(value + gap for value, gap in zip(LEFT, (0.004, -0.002, 0.003, 0.001, 0.0), strict=True))
    alone = found("margin = 1", LEFT, near)[1]["equivalence"]["interval"]
    third = tuple(value + 1 for value in near)
    beside = found("margin = 1", LEFT, near, third)[1]["equivalence"]["interval"]
    assert beside[0] < alone[0] < alone[1] < beside[1]


def test_one_seed_shows_nothing_and_is_warned_of() -> None:
    _, other = found("margin = 9", (0.3,), (0.31,))
    assert other["equivalence"]["interval"] is None
    assert other["equivalence"]["verdict"] == "not shown to be equivalent"
    (warning,) = parse(compare("margin = 9", seeds=1)).warnings
    assert "phase[1].margin: one seed can show no equivalence" in str(warning)


def test_what_has_not_parted_yet_shows_nothing() -> None:
    _, other = found("margin = 1", LEFT, LEFT)
    assert other["equivalence"]["interval"] == [0, 0]
    assert not other["equivalence"]["is_shown"]
    assert other["equivalence"]["verdict"] == "the same training up to epoch 2"


def test_without_a_margin_nothing_is_said_of_equivalence_but_updates_are_counted() -> None:
    rows = found("", LEFT, tuple(value + 1 for value in LEFT))
    assert not any("equivalence" in row for row in rows)
    assert [row["updates"] for row in rows] == [102, 152]


@pytest.mark.parametrize("margin", ["0", "-1", "inf", '"a"', "true"])
def test_a_margin_is_a_number_above_nothing(margin: str) -> None:
    (problem,) = problems(compare(f"margin = {margin}"))
    assert "phase[1].margin: expected" in problem
