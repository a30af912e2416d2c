"""Few set-ups that take every option."""

from __future__ import annotations

import pytest

from staycourse.core.space import Bounds, Choice, Condition, Fixed, Interval, Space
from staycourse.task.covering import completed, covering, differing, largest_batch

SPACE = Space(
    (
        Interval("lr", 1e-4, 1e-2, log=True),
        Choice("optimizer", ("adamw", "sgd", "adam")),
        Interval("momentum", 0.8, 1.0, when=(Condition("optimizer", ("sgd",)),)),
        Choice("head", ("linear", "deep")),
        Choice("norm", ("layer", "batch"), (Condition("head", ("deep",)),)),
        Fixed("width", 64),
    )
)


def test_every_option_is_taken_and_the_product_is_not() -> None:
    setups = covering(SPACE)
    for name in ("optimizer", "head", "norm"):
        choice = SPACE.get(name)
        assert isinstance(choice, Choice)
        assert {setup[name] for setup in setups if name in setup} == set(choice.options)
    assert len(setups) == 5
    assert all(not SPACE.missing(setup) for setup in setups)
    assert all(setup["width"] == 64 for setup in setups)
    assert [setup["optimizer"] for setup in setups if "momentum" in setup] == ["sgd"]


def test_what_sets_a_set_up_apart() -> None:
    setups = covering(SPACE)
    batch = next(setup for setup in setups if setup.get("norm") == "batch")
    assert differing(batch, setups) == {"head": "deep", "norm": "batch"}
    assert differing(setups[0], setups[:1]) == {}


def test_a_named_set_up_is_completed() -> None:
    setup = completed(SPACE, {"optimizer": "sgd", "lr": 0.5})
    assert (setup["lr"], setup["optimizer"], setup["head"]) == (0.5, "sgd", "linear")
    assert "momentum" in setup


def test_a_range_stands_in_the_middle_of_the_bounds_under_the_option() -> None:
    by = (Bounds("optimizer", "sgd", 1e-2, 1.0),)
    space = Space((SPACE.get("optimizer"), Interval("lr", 1e-4, 1e-2, log=True, by=by)))
    lrs = {setup["optimizer"]: setup["lr"] for setup in covering(space)}
    assert lrs == pytest.approx({"adamw": 1e-3, "sgd": 1e-1, "adam": 1e-3})
    assert completed(space, {"optimizer": "sgd"})["lr"] == pytest.approx(1e-1)


def test_the_largest_batch_is_that_of_any_option() -> None:
    by = (Bounds("optimizer", "sgd", 8, 512),)
    space = Space((SPACE.get("optimizer"), Interval("batch_size", 8, 64, integer=True, by=by)))
    assert largest_batch(space) == 512
    assert largest_batch(space.without_options("optimizer", ["sgd"])) == 64


def test_what_a_dropped_option_calls_up_is_not_tried() -> None:
    left = SPACE.without_options("optimizer", ["sgd"]).without_options("head", ["deep"])
    setups = covering(left)
    assert {setup["optimizer"] for setup in setups} == {"adamw", "adam"}
    assert not any({"momentum", "norm"} & setup.keys() for setup in setups)
