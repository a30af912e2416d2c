from __future__ import annotations

import math

import pytest
from tests.core.gates.looking import NARROW, SPACE, findings, level, of
from tests.support.roadmaps import GRID

from staycourse.core.outcome import Outcome

GATE = "points for the dimensions"
WIDE = """[space]
lr = { log = [1e-4, 1e-1] }
dropout = { range = [0.0, 0.5] }
optimizer = { choice = ["adam", "sgd", "adamw"] }
momentum = { range = [0.5, 0.9], when = { optimizer = "sgd" } }
depth = 2
"""


def loss(setup, repetition, epoch):
    return 0.1 + math.log10(setup["lr"] / 3e-3) ** 2 + 1 / epoch


def searched(trials, kind="narrow"):
    return NARROW.replace("24", str(trials)).replace('"narrow"', f'"{kind}"')


@pytest.mark.parametrize(
    ("kind", "trials", "expected"),
    [("narrow", 10, "warning"), ("narrow", 11, "note"), ("narrow", 40, "fine"), ("probe", 6, "note"),
     ("probe", 40, "fine")],
)  # fmt: skip
def test_trials_are_counted_by_the_dimensions(kind, trials, expected):
    """Five: lr, dropout, two options beside the first, momentum."""
    (finding,) = of(GATE, findings(searched(trials, kind), loss=loss, space=WIDE))
    assert finding["level"] == expected
    assert finding["figures"]["dimensions"] == 5


def test_trials_without_a_score_do_not_count():
    def ends(phase, need):
        return Outcome.DIVERGED if need.proposal % 2 else Outcome.COMPLETED

    (finding,) = of(GATE, findings(searched(20), loss=loss, space=WIDE, ends=ends))
    assert finding["figures"]["scored"] == 10
    assert finding["level"] == "warning"


def test_an_option_without_a_score_is_named():
    def diverging(setup, repetition, epoch):
        return math.nan if setup["optimizer"] == "sgd" else loss(setup, repetition, epoch)

    (finding,) = of(GATE, findings(searched(40), loss=diverging, space=WIDE))
    assert finding["level"] == "note"
    assert finding["figures"]["untried"] == ["optimizer sgd"]


def test_a_grid_covers_what_it_lists():
    grid = GRID.replace(", width = [8, 16]", "")
    found = findings(searched(20), grid, loss=loss, space=SPACE)
    assert found
    assert not of(GATE, found)


def test_few_dimensions_need_few():
    assert level(GATE, findings(searched(10), loss=loss)) == "fine"
