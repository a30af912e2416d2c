"""Quasi-random points: every axis, every option and every pair of options gets its share."""

import math
from collections import Counter

import numpy as np
import pytest
from scipy.stats import qmc

from staycourse.core.space import Choice, Condition, Interval, Space
from staycourse.search.request import Search


@pytest.fixture
def probe_space():
    return Space(
        (
            Interval("lr", 1e-5, 1e-1, log=True),
            Interval("batch_size", 8, 256, log=True, integer=True),
            Choice("optimizer", ("adamw", "sgd", "adam")),
            Choice("schedule", ("constant", "decay", "hybrid")),
        )
    )


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(("count", "a_pair"), [(6, 1), (24, 3)])
def test_options_and_their_pairs_are_balanced(probe_space, campaign, seed, count, a_pair):
    past = campaign(Search(probe_space, "quasi-random", seed, "min", count), count)
    for name in ("optimizer", "schedule"):
        assert set(Counter(p.setup[name] for p in past).values()) == {count // 3}
    pairs = Counter((p.setup["optimizer"], p.setup["schedule"]) for p in past)
    assert max(pairs.values()) == a_pair


@pytest.mark.parametrize("count", [6, 7, 24])
def test_every_part_of_a_range_has_one_point(probe_space, campaign, count):
    past = campaign(Search(probe_space, "quasi-random", 4, "min", count), count)
    lr = probe_space.get("lr")
    parts = [math.floor(lr.to_unit(p.setup["lr"]) * count) for p in past]
    assert sorted(parts) == list(range(count))
    counts = Counter(p.setup["optimizer"] for p in past)
    assert max(counts.values()) - min(counts.values()) <= 1


def test_each_option_meets_the_whole_range(probe_space, campaign):
    past = campaign(Search(probe_space, "quasi-random", 4, "min", 24), 24)
    for option in ("adamw", "sgd", "adam"):
        units = [probe_space.get("lr").to_unit(p.setup["lr"]) for p in past if p.setup["optimizer"] == option]
        assert np.diff([0.0, *sorted(units), 1.0]).max() < 0.4


def test_conditional_ranges_are_covered_where_they_exist(probe_space, campaign):
    momentum = Interval("momentum", 0.0, 1.0, when=(Condition("optimizer", ("sgd",)),))
    space = Space((*probe_space.hyperparameters, momentum))
    past = campaign(Search(space, "quasi-random", 4, "min", 24), 24)
    values = sorted(p.setup["momentum"] for p in past if p.setup["optimizer"] == "sgd")
    assert len(values) == 8
    assert np.diff([0.0, *values, 1.0]).max() < 0.35


def test_more_even_than_random_points(probe_space, campaign):
    def discrepancy(optimizer, seed):
        past = campaign(Search(probe_space, optimizer, seed, "min", 24), 24)
        names = ("lr", "batch_size")
        units = [[probe_space.get(n).to_unit(p.setup[n]) for n in names] for p in past]
        return qmc.discrepancy(np.array(units))

    drawn = np.mean([discrepancy("random", seed) for seed in range(3)])
    assert all(discrepancy("quasi-random", seed) < drawn / 3 for seed in range(2))


def test_seeds_differ_and_points_beyond_the_budget_exist(probe_space, campaign):
    first = campaign(Search(probe_space, "quasi-random", 1, "min", 6), 8)
    second = campaign(Search(probe_space, "quasi-random", 2, "min", 6), 8)
    assert not {p.setup["lr"] for p in first} & {p.setup["lr"] for p in second}
