"""Ranges that depend on an option, as a search sees them: positions between the bounds at hand."""

import json
import random
import subprocess
import sys
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from staycourse.core import space as spaces
from staycourse.core.canonical import canonical_json
from staycourse.core.space import Bounds, Choice, Condition, Interval, Space
from staycourse.search.parametrization import Codec
from staycourse.search.propose import propose
from staycourse.search.repeatable import check_repeatable
from staycourse.search.request import Request, Search

LR = Interval("lr", 1e-5, 1e-2, log=True, by=(Bounds("optimizer", "sgd", 1e-3, 1.0),))
LAYERS = Interval("layers", 1, 3, integer=True, by=(Bounds("optimizer", "lion", 10, 14),))
WHEN = (Condition("optimizer", ("sgd", "lion")),)
DROPOUT = Interval("dropout", 0.0, 0.5, when=WHEN, by=(Bounds("optimizer", "lion", 2.0, 3.0),))


@pytest.fixture
def by_option():
    return Space((Choice("optimizer", ("adamw", "sgd", "lion")), LR, LAYERS, DROPOUT))


def assert_within(setup, space):
    assert list(setup) == [name for name in space.names if name in setup]
    assert ("dropout" in setup) == (setup["optimizer"] != "adamw")
    for h in space:
        if isinstance(h, Interval) and h.name in setup:
            here = h.given(setup)
            assert here.low <= setup[h.name] <= here.high
            assert isinstance(setup[h.name], int) == h.integer


@pytest.mark.parametrize(
    "optimizer", ["random", "quasi-random", "bayes", "CMA", "DE", "PSO", "NGOpt", "Cobyla"]
)
def test_every_proposal_lies_in_the_range_of_its_option(by_option, campaign, optimizer):
    past = campaign(Search(by_option, optimizer, 3, "min", 14), 14)
    for trial in past:
        assert_within(trial.setup, by_option)
    assert len({canonical_json(dict(trial.setup)) for trial in past}) == 14


@pytest.mark.parametrize("optimizer", ["bayes", "quasi-random", "TwoPointsDE"])
def test_such_a_search_can_be_rebuilt(by_option, optimizer):
    assert check_repeatable(optimizer, by_option, "min", 12, 1, 5) is None


# Some of Nevergrad's optimizers change what others are made of, so this has a process of its own.
REGISTRY = """
import json, sys, warnings
import nevergrad as ng
from staycourse.core import space as spaces
from staycourse.search.propose import propose
from staycourse.search.request import Request, Search
from staycourse.search.session import SearchFailed

warnings.simplefilter("ignore")
made = {}
for name in sorted(ng.optimizers.registry):
    made[name] = []
    for body in json.load(open(sys.argv[1])):
        try:
            made[name].append(propose(Request(Search(spaces.from_json(body), name, 1, "min", 20), 1)))
        except SearchFailed:
            made[name].append(None)
json.dump(made, open(sys.argv[2], "w"))
"""


@pytest.mark.slow
def test_every_name_in_the_registry_that_takes_a_plain_range_takes_bounds_by_option(tmp_path):
    optimizer = Choice("optimizer", ("adamw", "sgd"))
    plain, by = (Space((optimizer, lr)) for lr in (replace(LR, by=()), LR))
    asked, answers = tmp_path / "spaces.json", tmp_path / "made.json"
    asked.write_text(json.dumps([spaces.to_json(plain), spaces.to_json(by)]))
    subprocess.run([sys.executable, "-P", "-c", REGISTRY, asked, answers], check=True, capture_output=True)
    made = json.loads(answers.read_text())
    assert all((one is None) == (other is None) for one, other in made.values())
    setups = [setup for _, setup in made.values() if setup is not None]
    assert len(setups) > 400
    for setup in setups:
        here = LR.given(setup)
        assert here.low <= setup["lr"] <= here.high


def test_a_set_up_survives_the_way_to_nevergrad_and_back(by_option):
    codec, rng = Codec(by_option), random.Random(1)
    ends = [
        {"optimizer": "sgd", "lr": lr, "layers": layers, "dropout": 0.5}
        for lr, layers in ((1e-3, 1), (1.0, 3), (0.0313, 2))
    ]
    for setup in [*(codec.draw(rng) for _ in range(60)), *ends]:
        candidate = codec.parametrization().spawn_child(new_value=codec.encode(setup))
        assert codec.decode(candidate.value) == pytest.approx(setup, rel=1e-5)


def test_one_position_is_the_same_share_of_each_range(by_option):
    codec = Codec(by_option)
    raw = codec.encode({"optimizer": "adamw", "lr": 1e-4, "layers": 2})
    for option, lr, layers in (("adamw", 1e-4, 2), ("sgd", 1e-2, 2), ("lion", 1e-4, 12)):
        moved = {**raw, "h0000": by_option.get("optimizer").options.index(option)}
        setup = codec.decode(moved)
        assert (setup["lr"], setup["layers"]) == (pytest.approx(lr, rel=1e-5), layers)


def test_whole_numbers_are_equally_likely_in_each_range(by_option, campaign):
    space = Space(by_option.hyperparameters[:3])
    past = campaign(Search(space, "random", 1, "min", 300), 300)
    for option, numbers in (("adamw", range(1, 4)), ("lion", range(10, 15))):
        count = Counter(p.setup["layers"] for p in past if p.setup["optimizer"] == option)
        assert set(count) == set(numbers)
        assert min(count.values()) > 0.4 * sum(count.values()) / len(numbers)


def test_quasi_random_points_are_even_in_the_range_of_each_option(campaign):
    space = Space((Choice("optimizer", ("adamw", "sgd")), LR, Interval("dropout", 0.0, 0.5)))
    past = campaign(Search(space, "quasi-random", 4, "min", 24), 24)
    for option in ("adamw", "sgd"):
        here = LR.given({"optimizer": option})
        units = [here.to_unit(p.setup["lr"]) for p in past if p.setup["optimizer"] == option]
        assert len(units) == 12
        assert np.diff([0.0, *sorted(units), 1.0]).max() < 0.25


def test_a_choice_that_is_absent_gives_no_bounds():
    variant = Choice("variant", ("a", "b"), when=(Condition("optimizer", ("sgd",)),))
    bounds = (Bounds("variant", "a", 2.0, 3.0), Bounds("variant", "b", 4.0, 5.0))
    space = Space((Choice("optimizer", ("adam", "sgd")), variant, Interval("x", 0.0, 1.0, by=bounds)))
    codec = Codec(space)
    for options in (["adam", 0], ["sgd", 0], ["sgd", 1]):
        raw = {"h0000": ["adam", "sgd"].index(options[0]), "h0001": options[1], "h0002": 0.5}
        setup = codec.decode(raw)
        assert setup["x"] == (0.5 if options[0] == "adam" else 2.5 + 2 * options[1])


def test_a_finite_space_is_gone_through_without_repetition_and_then_again(campaign):
    whole = Interval("n", 1, 2, integer=True, by=(Bounds("o", "b", 5, 7),))
    only = Interval("m", 1, 2, integer=True, when=(Condition("o", ("b",)),))
    space = Space((Choice("o", ("a", "b")), whole, only))
    past = campaign(Search(space, "random", 2, "min", 10), 10)
    first = {canonical_json(dict(p.setup)) for p in past[:8]}
    assert len(first) == 2 + 3 * 2
    assert {canonical_json(dict(p.setup)) for p in past} == first
    assert len(Codec(space).all_setups()) == 8


def test_what_exists_under_no_option_that_is_left_is_no_axis(by_option):
    left = by_option.without_options("optimizer", ["sgd", "lion"])
    assert [axis.h.name for axis in Codec(left).axes] == ["lr", "layers"]
    setup = propose(Request(Search(left, "random", 1, "min", 5), 1))
    assert set(setup) == {"optimizer", "lr", "layers"}
