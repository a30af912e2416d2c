import json

import pytest
from tests.support.roadmaps import FULL

from staycourse.core import space as spaces
from staycourse.core.canonical import canonical_json
from staycourse.core.roadmap import parse
from staycourse.core.space import Choice, Condition, Fixed, Interval, Space, describe, describe_setup


def test_points_go_from_end_to_end_evenly():
    assert Interval("x", 0.0, 1.0).points(5) == (0.0, 0.25, 0.5, 0.75, 1.0)
    assert Interval("x", 1e-4, 1e-1, log=True).points(4) == (1e-4, 1e-3, 1e-2, 1e-1)
    assert Interval("x", 8, 256, log=True, integer=True).points(6) == (8, 16, 32, 64, 128, 256)
    assert Interval("x", 1.0, 3.0).points(2) == (1.0, 3.0)


def test_one_point_is_the_middle():
    assert Interval("x", 0.0, 1.0).points(1) == (0.5,)
    assert Interval("x", 1e-4, 1e-2, log=True).points(1) == (1e-3,)


def test_whole_numbers_that_coincide_are_one_point():
    points = Interval("x", 1, 3, integer=True).points(9)
    assert points == (1, 2, 3)
    assert all(type(point) is int for point in points)


def test_inner_points_are_round_to_six_digits_and_the_ends_exact():
    low, high = 0.000123456789, 0.0987654321
    points = Interval("x", low, high, log=True).points(3)
    assert (points[0], points[-1]) == (low, high)
    assert points[1] == float(f"{points[1]:.6g}")


@pytest.mark.parametrize("h", [Interval("x", 1e-5, 1e-1, log=True), Interval("x", -3.0, 7.0)])
def test_positions_and_values_are_inverse(h):
    for at in (0.0, 0.1, 0.5, 1.0):
        assert h.to_unit(float(h.from_unit(at))) == pytest.approx(at, abs=1e-12)
    assert h.low <= h.from_unit(-5) <= h.from_unit(5) <= h.high


def test_whole_numbers_stay_inside_their_bounds():
    h = Interval("x", 3, 7, log=True, integer=True)
    values = {h.from_unit(at / 100) for at in range(101)}
    assert values == {3, 4, 5, 6, 7}


def mixed() -> Space:
    return Space(
        (
            Choice("optimizer", ("adam", "sgd")),
            Interval("momentum", 0.5, 0.9, when=(Condition("optimizer", ("sgd",)),)),
            Choice("nesterov", (True, False), when=(Condition("optimizer", ("sgd",)),)),
            Interval("damping", 0.0, 1.0, when=(Condition("nesterov", (False,)),)),
            Fixed("depth", 3),
        )
    )


def test_what_does_not_exist_under_an_option_is_left_out_also_in_chains():
    values = {"optimizer": "sgd", "momentum": 0.6, "nesterov": True, "damping": 0.1, "other": 1}
    assert mixed().active(values) == {"optimizer": "sgd", "momentum": 0.6, "nesterov": True, "depth": 3}
    assert mixed().active({**values, "optimizer": "adam"}) == {"optimizer": "adam", "depth": 3}
    assert mixed().missing({"optimizer": "sgd", "nesterov": False, "depth": 3}) == ["momentum", "damping"]
    assert mixed().missing({"optimizer": "adam", "depth": 3}) == []


def test_a_fixed_value_can_be_overridden_by_name():
    assert mixed().active({"optimizer": "adam", "depth": 5})["depth"] == 5


def test_options_can_be_taken_away():
    smaller = mixed().without_options("optimizer", ["sgd"])
    assert smaller.get("optimizer").options == ("adam",)
    assert smaller.names == mixed().names
    with pytest.raises(KeyError):
        smaller.get("nothing")


def test_only_what_has_more_than_one_value_is_searched():
    assert [h.name for h in mixed().searched] == ["optimizer", "momentum", "nesterov", "damping"]


@pytest.mark.parametrize("space", [mixed(), parse(FULL).space])
def test_a_space_survives_json(space):
    assert spaces.from_json(json.loads(canonical_json(spaces.to_json(space)))) == space


def test_descriptions():
    said = [describe(h) for h in parse(FULL).space]
    assert said[:2] == ["lr 1e-05..0.1 log", "batch_size 8..256 log"]
    assert said[3] == "optimizer adamw|sgd|adam"
    assert said[-1] == "weight_decay 0.01"
    setup = {"lr": 0.00031622776, "n": 16, "o": "sgd", "tied": True}
    assert describe_setup(setup) == "lr=0.0003162 n=16 o=sgd tied=true"
