from __future__ import annotations

import math

import pytest
from tests.core.gates.looking import NARROW, findings, of

GATE = "best near a boundary"
GRID = '[[phase]]\nkind = "grid"\npoints = { lr = 4, dropout = [0.1, 0.2, 0.3] }\nepochs = 8\n'
PROBE = '[[phase]]\nkind = "probe"\ntrials = 12\nepochs = 8\n'


def best_at(lr, dropout=0.25):
    def loss(setup, repetition, epoch):
        away = (math.log10(setup["lr"] / lr)) ** 2 + 4 * (setup["dropout"] - dropout) ** 2
        return 0.1 + away + 1 / epoch

    return loss


@pytest.mark.parametrize(("lr", "side", "word"), [(1.0, "high", "up"), (1e-5, "low", "down")])
def test_the_best_few_at_one_end_are_a_warning(lr, side, word):
    found = of(GATE, findings(NARROW, loss=best_at(lr)))
    (finding,) = [each for each in found if each["figures"]["hyperparameter"] == "lr"]
    assert finding["level"] == "warning"
    assert finding["figures"]["side"] == side
    assert finding["change"].split()[6] == word


@pytest.mark.parametrize("seed", range(8))
def test_a_best_in_the_middle_is_fine(seed):
    (finding,) = of(GATE, findings(NARROW, loss=best_at(3e-3), seed=seed))
    assert finding["level"] == "fine"


def test_the_scale_is_that_of_the_hyperparameter():
    """3e-3 lies within 3% of the range's lower end by its value, and in its middle by its logarithm."""
    (finding,) = of(GATE, findings(NARROW, loss=best_at(3e-3)))
    assert finding["level"] == "fine"
    linear = "[space]\nlr = { range = [1e-4, 1e-1] }\ndropout = { range = [0.0, 0.5] }\n"
    found = of(GATE, findings(NARROW, loss=best_at(5e-4), space=linear))
    assert ("lr", "low") in {(f["figures"]["hyperparameter"], f["figures"]["side"]) for f in found}


def test_nothing_lies_beyond_a_natural_end():
    found = of(GATE, findings(NARROW.replace("24", "60"), loss=lambda setup, *_: setup["dropout"]))
    (finding,) = [each for each in found if each["figures"]["hyperparameter"] == "dropout"]
    assert finding["level"] == "note"
    assert "do without" in finding["means"]


def test_what_does_not_matter_seldom_warns():
    """Dropout has no say here. At random the best few lie together at one of its ends in some percent of
    searches, and no more."""

    def loss(setup, repetition, epoch):
        return best_at(3e-3)({**setup, "dropout": 0.25}, repetition, epoch)

    space = "[space]\nlr = { log = [1e-4, 1e-1] }\ndropout = { range = [0.1, 0.5] }\n"
    warned = [
        any(f["level"] == "warning" for f in of(GATE, findings(NARROW, loss=loss, space=space, seed=seed)))
        for seed in range(40)
    ]
    assert sum(warned) <= 5


def test_a_grid_is_looked_at_by_its_points():
    found = of(GATE, findings(PROBE, GRID, loss=best_at(1.0, 0.2)))
    assert [(f["level"], f["figures"]["hyperparameter"], f["figures"]["of"]) for f in found] == [
        ("warning", "lr", 3)
    ]
    assert of(GATE, findings(PROBE, GRID, loss=best_at(1e-3, 0.2)))[0]["level"] == "fine"


def test_two_points_are_both_ends_and_say_nothing():
    grid = GRID.replace("lr = 4", "lr = [0.001, 0.01]")
    (finding,) = of(GATE, findings(PROBE, grid, loss=best_at(1.0, 0.2)))
    assert finding["level"] == "cannot tell"
    assert finding["found"].startswith("lr of the best set-up: at an end of the points")


def test_whole_numbers_that_are_few_do_not_warn_by_chance():
    space = "[space]\nlr = { log = [1e-4, 1e-1] }\nlayers = { range = [2, 4], integer = true }\n"

    def loss(setup, repetition, epoch):
        return 0.1 + math.log10(setup["lr"] / 3e-3) ** 2 + 1 / epoch

    levels = [of(GATE, findings(NARROW, loss=loss, space=space, seed=seed))[0]["level"] for seed in range(20)]
    assert levels.count("warning") <= 3


def test_a_conditional_hyperparameter_is_looked_at_where_it_exists():
    space = """[space]
lr = { log = [1e-4, 1e-1] }
optimizer = { choice = ["adam", "sgd"] }
momentum = { range = [0.5, 0.9], when = { optimizer = "sgd" } }
"""

    def loss(setup, repetition, epoch):
        base = 0.1 + math.log10(setup["lr"] / 3e-3) ** 2 / 10 + 1 / epoch
        return base + (1.0 if setup["optimizer"] == "adam" else 2 * (0.95 - setup["momentum"]))

    found = of(GATE, findings(NARROW, loss=loss, space=space))
    assert ("momentum", "high") in {(f["figures"]["hyperparameter"], f["figures"]["side"]) for f in found}
    found = of(GATE, findings(NARROW, loss=lambda *key: 3 - loss(*key), space=space))
    assert not [f for f in found if f["figures"].get("hyperparameter") == "momentum"]
