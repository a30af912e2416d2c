from __future__ import annotations

import math

import pytest
from tests.core.gates.looking import CONFIRM, NARROW, findings, level, of

from staycourse.core.outcome import Outcome

GATE = "infeasible trials"


def loss(setup, repetition, epoch):
    return 0.1 + math.log10(setup["lr"] / 3e-3) ** 2 + 1 / epoch


def first(count, outcome=Outcome.DIVERGED):
    """The first so many proposals of narrow fail."""

    def ends(phase, need):
        return outcome if phase.kind == "narrow" and need.proposal <= count else Outcome.COMPLETED

    return ends


@pytest.mark.parametrize(
    ("failed", "expected"),
    [(0, "fine"), (2, "fine"), (5, "note"), (6, "note"), (7, "warning"), (20, "warning")],
)  # fmt: skip
def test_the_share_makes_the_level(failed, expected):
    (finding,) = of(GATE, findings(NARROW, loss=loss, ends=first(failed)))
    assert finding["level"] == expected
    assert finding["figures"]["without_score"] == failed
    assert f"{failed} of 24 trials" in finding["found"]


def test_failures_that_lie_together_are_said_to():
    # The simulation decides by the need, before the set-up is known, so the curve has to diverge.
    def diverging(setup, repetition, epoch):
        return math.nan if setup["lr"] > 2e-2 else loss(setup, repetition, epoch)

    (finding,) = of(GATE, findings(NARROW, loss=diverging))
    assert "all of them have lr 0.0" in finding["found"]
    assert finding["found"].endswith("or more, and no other has")
    assert "stabilise" in finding["change"]


def test_failures_all_over_the_space_point_at_the_task():
    (finding,) = of(GATE, findings(NARROW, loss=loss, ends=first(12, Outcome.FAULTY)))
    assert "12 faulty" in finding["found"]
    assert "all of them" not in finding["found"]
    assert "code" in finding["change"]


def test_a_single_failure_of_what_is_confirmed_is_worth_a_word():
    def ends(phase, need):
        is_bad = phase.kind == "confirm" and need.key == "setup-1-seed-1"
        return Outcome.DIVERGED if is_bad else Outcome.COMPLETED

    assert level(GATE, findings(NARROW, CONFIRM, loss=loss, ends=ends)) == "note"
    assert level(GATE, findings(NARROW, CONFIRM, loss=loss)) == "fine"
