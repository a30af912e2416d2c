"""The gates that look at curves: best epoch, still improving, variance late in training."""

from __future__ import annotations

import math

import pytest
from tests.core.gates.looking import CONFIRM, NARROW, findings, level, noise, of

EPOCH, IMPROVING, JITTER = "best epoch", "still improving at the end", "variance late in training"
PROBE = '[[phase]]\nkind = "probe"\ntrials = 12\nepochs = 40\n'


def away(setup):
    return 0.1 + 0.2 * math.log10(setup["lr"] / 3e-3) ** 2


def falling(pace, jitter=0.0):
    """Falls by a factor of e in `pace` epochs, to a floor that depends on the set-up."""

    def loss(setup, repetition, epoch):
        clean = away(setup) + 2 * math.exp(-epoch / pace)
        return clean * (1 + jitter * noise(setup["lr"], repetition, epoch))

    return loss


def rising_after(best):
    def loss(setup, repetition, epoch):
        return away(setup) + abs(math.log(epoch / best))

    return loss


@pytest.mark.parametrize("phases", [(PROBE,), (NARROW, CONFIRM)])
def test_trainings_that_are_cut_off_warn(phases):
    found = findings(*phases, loss=falling(30))
    assert level(EPOCH, found) == "warning"
    assert level(IMPROVING, found) == "warning"


def test_a_short_search_that_is_cut_off_is_a_note():
    found = findings(NARROW, loss=falling(30))
    assert level(EPOCH, found) == level(IMPROVING, found) == "note"


@pytest.mark.parametrize("jitter", [0.0, 0.01, 0.05])
@pytest.mark.parametrize("seed", range(5))
def test_converged_trainings_are_fine_however_they_jitter(jitter, seed):
    found = findings(PROBE, loss=falling(4, jitter), seed=seed)
    assert level(EPOCH, found) == "fine"
    assert level(IMPROVING, found) == "fine"


@pytest.mark.parametrize("seed", range(5))
def test_improvement_is_seen_through_jitter(seed):
    found = findings(PROBE, loss=falling(30, 0.03), seed=seed)
    assert level(IMPROVING, found) == "warning"


def test_a_score_that_is_to_rise_is_looked_at_the_same_way():
    """The simulation turns the loss over where the goal is the maximum."""
    assert level(IMPROVING, findings(PROBE, loss=falling(30), goal="max")) == "warning"
    assert level(IMPROVING, findings(PROBE, loss=falling(5), goal="max")) == "fine"


@pytest.mark.parametrize(("best", "expected"), [(2, "warning"), (4, "warning"), (6, "fine"), (28, "fine")])
def test_the_first_tenth_is_too_early(best, expected):
    assert level(EPOCH, findings(PROBE, loss=rising_after(best))) == expected


def test_what_a_rule_has_saved_is_only_a_note():
    found = findings(PROBE + "stop = { patience = 5 }\n", loss=rising_after(3))
    assert level(EPOCH, found) == "note"


def test_a_trial_that_a_rule_has_ended_was_not_cut_off():
    found = findings(PROBE + "stop = { patience = 5, min_delta = 0.1 }\n", loss=falling(30))
    assert level(IMPROVING, found) == "fine"


def test_the_kept_trials_of_a_grid_are_judged_by_their_whole_way():
    grid = '[[phase]]\nkind = "grid"\npoints = { lr = 4 }\nepochs = 10\nfinish = { epochs = 40 }\n'
    short = grid.replace("finish = { epochs = 40 }", "")
    (finished,) = of(EPOCH, findings(PROBE, grid, loss=falling(4)))
    assert finished["level"] == "fine"
    assert finished["figures"]["allowed"] == 40
    (bare,) = of(EPOCH, findings(PROBE, short, loss=falling(4)))
    assert bare["figures"]["allowed"] == 10


@pytest.mark.parametrize(
    ("jitter", "expected"), [(0.0, "fine"), (0.02, "fine"), (0.35, "note"), (3, "warning")]
)
def test_jitter_is_measured_by_the_difference_between_set_ups(jitter, expected):
    """In units of what it is from the best to the middle set-up, about."""

    def loss(setup, repetition, epoch):
        return 1 + away(setup) + 0.2 * jitter * noise(setup["lr"], repetition, epoch)

    assert level(JITTER, findings(NARROW, loss=loss, seed=1)) == expected


def test_a_falling_curve_does_not_jitter():
    assert level(JITTER, findings(PROBE, loss=falling(30))) == "fine"


def test_short_curves_cannot_tell():
    found = findings(NARROW.replace("epochs = 40", "epochs = 3"), loss=falling(30))
    assert {level(gate, found) for gate in (EPOCH, IMPROVING, JITTER)} == {"cannot tell"}
