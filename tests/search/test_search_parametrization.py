"""Set-ups are plain values of the space: within bounds, of their own type, without what does not exist."""

import json
import math
import random
from collections import Counter

import pytest

from staycourse.core.space import Choice, Condition, Fixed, Interval, Space
from staycourse.search.parametrization import Codec
from staycourse.search.propose import propose
from staycourse.search.request import Request, Search


def assert_belongs(setup, space):
    assert not space.missing(setup)
    assert space.active(setup) == setup
    for name, value in setup.items():
        h = space.get(name)
        if isinstance(h, Interval):
            assert h.low <= value <= h.high
            assert type(value) is (int if h.integer else float)
        elif isinstance(h, Choice):
            assert any(type(value) is type(option) and value == option for option in h.options)
        else:
            assert value == h.value
    assert json.loads(json.dumps(setup)) == setup


@pytest.mark.parametrize(("optimizer", "count"), [("random", 40), ("quasi-random", 40), ("bayes", 6)])
def test_own_optimizers_stay_in_the_space(mixed, campaign, optimizer, count):
    past = campaign(Search(mixed, optimizer, 3, "min", count), count)
    for trial in past:
        assert_belongs(trial.setup, mixed)
    assert {"momentum" in p.setup for p in past} == {True, False}


@pytest.mark.parametrize("optimizer", ["OnePlusOne", "CMA", "DE", "PSO", "NGOpt", "Cobyla"])
def test_registry_optimizers_stay_in_the_space(mixed, campaign, optimizer):
    for trial in campaign(Search(mixed, optimizer, 3, "max", 16), 16):
        assert_belongs(trial.setup, mixed)


def test_ends_of_every_axis_are_within_the_bounds(mixed):
    codec = Codec(mixed)
    for unit in (0.0, 1.0):
        raw = codec.at([unit] * len(codec.axes))
        candidate = codec.parametrization().spawn_child(new_value=raw)
        setup = codec.decode(candidate.value)
        assert_belongs(setup, mixed)
        assert setup["batch_size"] == (8 if unit == 0.0 else 256)
        assert setup["lr"] == pytest.approx(1e-5 if unit == 0.0 else 1e-1, rel=1e-6)


def test_a_setup_survives_the_way_to_nevergrad_and_back(mixed):
    codec, rng = Codec(mixed), random.Random(1)
    edges = {"lr": 1e-5, "batch_size": 256, "dropout": 0.5, "optimizer": "sgd", "momentum": 0.99}
    for setup in [codec.draw(rng) for _ in range(50)] + [mixed.active(edges | {"schedule": "hybrid"})]:
        candidate = codec.parametrization().spawn_child(new_value=codec.encode(setup))
        assert codec.decode(candidate.value) == pytest.approx(setup, rel=1e-5)


def test_options_keep_their_types(campaign):
    space = Space((Choice("flag", (True, 1, 1.0, "1")), Interval("x", 0.0, 1.0)))
    seen = {type(p.setup["flag"]) for p in campaign(Search(space, "random", 1, "min", 40), 40)}
    assert seen == {bool, int, float, str}


def test_whole_numbers_are_equally_likely_up_to_the_ends(campaign):
    space = Space((Interval("layers", 1, 3, integer=True), Interval("x", 0.0, 1.0)))
    count = Counter(p.setup["layers"] for p in campaign(Search(space, "random", 1, "min", 90), 90))
    assert set(count) == {1, 2, 3}
    assert min(count.values()) > 20


def test_log_ranges_are_even_in_the_logarithm_and_linear_ones_are_not(mixed, campaign):
    past = campaign(Search(mixed, "random", 5, "min", 80), 80)
    decades = Counter(math.floor(math.log10(p.setup["lr"])) for p in past)
    assert all(10 < decades[d] < 32 for d in (-5, -4, -3, -2))
    fifths = Counter(int(p.setup["dropout"] * 10) for p in past)
    assert all(7 < fifths[d] < 27 for d in range(5))


def test_what_has_one_value_is_no_axis():
    space = Space(
        (
            Interval("lr", 0.1, 0.1, log=True),
            Interval("layers", 4, 4, integer=True),
            Choice("optimizer", ("sgd",)),
            Interval("momentum", 0.8, 0.8, when=(Condition("optimizer", ("adam",)),)),
            Fixed("weight_decay", 0.0),
        )
    )
    only = {"lr": 0.1, "layers": 4, "optimizer": "sgd", "weight_decay": 0.0}
    assert propose(Request(Search(space, "CMA", 1, "min", 5), 1)) == only


def test_narrow_ranges_keep_their_resolution(campaign):
    space = Space((Interval("momentum", 0.999990, 0.999999), Interval("self", 1000.0, 1000.001, log=True)))
    past = campaign(Search(space, "random", 1, "min", 50), 50)
    assert len({p.setup["momentum"] for p in past}) == 50
    assert len({p.setup["self"] for p in past}) == 50


def test_numbers_are_short_enough_to_read(mixed, campaign):
    for p in campaign(Search(mixed, "random", 5, "min", 30), 30):
        assert float(f"{p.setup['lr']:.6g}") == p.setup["lr"]
