import random
from itertools import product

import pytest

from staycourse.core.grid import grid, most_points
from staycourse.core.space import Choice, Condition, Fixed, Interval, Space

SPACE = Space(
    (
        Interval("lr", 1e-3, 1e-1, log=True),
        Choice("optimizer", ("adam", "sgd")),
        Interval("momentum", 0.5, 0.9, when=(Condition("optimizer", ("sgd",)),)),
        Fixed("depth", 3),
    )
)


def test_every_combination_in_the_order_of_the_space():
    setups = grid(SPACE, {"optimizer": ["sgd", "adam"], "lr": 2, "momentum": [0.6]}, {})
    assert setups == [
        {"lr": 1e-3, "optimizer": "sgd", "momentum": 0.6, "depth": 3},
        {"lr": 1e-3, "optimizer": "adam", "depth": 3},
        {"lr": 1e-1, "optimizer": "sgd", "momentum": 0.6, "depth": 3},
        {"lr": 1e-1, "optimizer": "adam", "depth": 3},
    ]


def test_a_set_up_stands_once_where_a_condition_makes_several_equal():
    setups = grid(SPACE, {"optimizer": ["adam"], "lr": [0.1], "momentum": 9}, {})
    assert setups == [{"lr": 0.1, "optimizer": "adam", "depth": 3}]


def test_what_is_not_listed_takes_the_best_value_so_far():
    (setup,) = grid(SPACE, {"lr": [0.1]}, {"optimizer": "sgd", "momentum": 0.77, "lr": 5.0})
    assert setup == {"lr": 0.1, "optimizer": "sgd", "momentum": 0.77, "depth": 3}


def test_what_nobody_knows_takes_the_middle_or_the_first_option():
    (setup,) = grid(SPACE, {"optimizer": ["sgd"]}, {})
    assert setup == {"lr": 0.01, "optimizer": "sgd", "momentum": 0.7, "depth": 3}


def test_a_best_option_that_was_eliminated_since_is_not_used():
    (setup,) = grid(SPACE.without_options("optimizer", ["sgd"]), {"lr": [0.1]}, {"optimizer": "sgd"})
    assert setup["optimizer"] == "adam"


def test_a_list_overrides_range_and_fixed_value():
    setups = grid(SPACE, {"lr": [7.0], "optimizer": ["adam"], "depth": [1, 2]}, {})
    assert [(s["lr"], s["depth"]) for s in setups] == [(7.0, 1), (7.0, 2)]


def test_the_most_points_there_can_be():
    assert most_points(SPACE, {"lr": 3}) == 3
    assert most_points(SPACE, {"lr": 3, "momentum": 2}) == 6
    assert most_points(SPACE, {"optimizer": ["adam", "sgd"], "momentum": 2}) == 3
    whole = Space((Interval("n", 1, 4, integer=True),))
    assert most_points(whole, {"n": 9}) == 4


@pytest.mark.parametrize("seed", range(40))
def test_the_most_points_are_those_of_the_largest_grid_that_can_come(seed):
    rng = random.Random(seed)
    optimizer, schedule = ("adam", "sgd", "lion"), ("constant", "decay")
    when = (Condition("optimizer", tuple(rng.sample(optimizer, rng.randint(1, 2)))),)
    also = (Condition("schedule", ("decay",)),)
    space = Space(
        (
            Interval("lr", 1e-3, 1e-1, log=True),
            Choice("optimizer", optimizer),
            Interval("momentum", 0.5, 0.9, when=when),
            Choice("schedule", schedule, when=rng.choice([(), when])),
            Interval("factor", 0.1, 0.9, when=also),
            Interval("batch", 1, 6, integer=True),
            Fixed("depth", 3),
        )
    )
    asked = {
        "lr": rng.randint(1, 4),
        "optimizer": rng.sample(optimizer, rng.randint(1, 3)),
        "momentum": rng.choice([2, [0.6, 0.7, 0.6]]),
        "schedule": list(schedule),
        "factor": rng.randint(1, 3),
        "batch": rng.choice([9, [4, 4, 5]]),
        "depth": [1, 2, 2],
    }
    points = {name: asked[name] for name in rng.sample(list(asked), rng.randint(1, 6))}
    known = [{"optimizer": one, "schedule": other} for one, other in product(optimizer, schedule)]
    assert most_points(space, points) == max(len(grid(space, points, values)) for values in known)


def test_a_large_grid_is_counted_without_being_made():
    axes = 9
    space = Space(tuple(Interval(f"h{at}", 0.0, 1.0) for at in range(axes)))
    assert most_points(space, {f"h{at}": 100 for at in range(axes)}) == 100**axes
