"""What a recorded estimate makes of a space."""

import random

import pytest

from staycourse.core.narrowing import kept, narrowed
from staycourse.core.space import Bounds, Choice, Interval, Space

EDGES = {"low": {"share": 0.0, "gain": 0.0, "sd": 1.0}, "high": {"share": 0.0, "gain": 0.0, "sd": 1.0}}


def estimate(*ranges, options=()):
    rows = [
        {"name": name, "on": on, "option": option, "low": low, "high": high, "edges": EDGES}
        for name, on, option, low, high in ranges
    ]
    return {"confidence": 0.95, "noise": 0.01, "model": {}, "ranges": rows, "options": list(options)}


def option(name, value, is_kept):
    return {"name": name, "option": value, "is_kept": is_kept}


def test_ranges_are_rounded_outward_to_few_digits_and_said_in_words():
    space = Space((Interval("lr", 1e-5, 1e-1, log=True), Interval("width", 8, 512, log=True, integer=True)))
    body = estimate(("lr", None, None, 4.127e-4, 3.3219e-3), ("width", None, None, 30.0, 67.2))
    new, findings = narrowed(space, body)
    assert (new.get("lr").low, new.get("lr").high) == (0.0004, 0.0034)
    assert (new.get("width").low, new.get("width").high) == (30, 68)
    assert isinstance(new.get("width").low, int)
    assert findings["ranges"][0]["words"] == "lr 1e-05..0.1 became 0.0004..0.0034"
    assert (findings["confidence"], findings["noise"]) == (0.95, 0.01)


@pytest.mark.parametrize("low", [0.004, 0.049])
def test_an_end_in_the_outer_tenth_is_the_old_bound(low):
    space = Space((Interval("dropout", 0.0, 0.5),))
    new, findings = narrowed(space, estimate(("dropout", None, None, low, 0.21)))
    assert (new.get("dropout").low, new.get("dropout").high) == (0.0, 0.21)
    assert findings["ranges"][0]["at_bound"] == ["low"]


def test_what_could_not_be_narrowed_is_said():
    space = Space((Interval("dropout", 0.0, 0.5),))
    new, findings = narrowed(space, estimate(("dropout", None, None, 0.0, 0.5)))
    assert new == space
    assert findings["ranges"][0]["words"] == "dropout 0..0.5 could not be narrowed"


@pytest.mark.parametrize("seed", range(40))
def test_the_estimated_range_lies_inside_and_no_bound_is_passed(seed):
    rng = random.Random(seed)
    low = rng.uniform(-1, 1) * 10 ** rng.randint(-6, 6)
    positive = abs(low) or 1e-3
    space = Space(
        (
            Interval("line", low, low + abs(low) * 10 ** rng.uniform(-6, 3)),
            Interval("log", positive, positive * (1 + 10 ** rng.uniform(-5, 4)), log=True),
            Interval("whole", 1, rng.randint(2, 300), integer=True),
            Interval("powers", 1, rng.randint(2, 4096), log=True, integer=True),
        )
    )
    ends = {h.name: sorted(float(h.from_unit(rng.random())) for _ in "ab") for h in space}
    new, _ = narrowed(space, estimate(*((name, None, None, *pair) for name, pair in ends.items())))
    for old in space:
        handed, (least, most) = new.get(old.name), ends[old.name]
        assert old.low <= handed.low < handed.high <= old.high
        assert handed.low <= least and most <= handed.high
        width = old.to_unit(most) - old.to_unit(least)
        # A step of whole numbers at both ends, or a tenth: rounding hides no failure to narrow.
        steps = 2 * (old.to_unit(old.low + 1) if old.integer else 0.0)
        assert old.to_unit(handed.high) - old.to_unit(handed.low) <= 1.1 * width + 0.09 + steps


def test_a_region_of_one_point_keeps_an_inside():
    space = Space((Interval("lr", 1e-5, 1e-1, log=True), Interval("depth", 2, 12, integer=True)))
    new, _ = narrowed(space, estimate(("lr", None, None, 0.1, 0.1), ("depth", None, None, 6.0, 6.0)))
    assert 0.05 < new.get("lr").low < new.get("lr").high == 0.1
    assert new.get("depth").low <= 6 <= new.get("depth").high and new.get("depth").high > new.get("depth").low


def test_options_that_the_model_rules_out_are_dropped_and_true_is_not_1():
    space = Space((Choice("o", ("adam", "sgd")), Choice("mixed", (1, True, "x"))))
    rows = [option("o", "adam", True), option("o", "sgd", False)]
    rows += [option("mixed", 1, True), option("mixed", True, False), option("mixed", "x", True)]
    new, findings = narrowed(space, estimate(options=rows))
    assert new.get("o").options == ("adam",)
    assert [type(o) for o in new.get("mixed").options] == [int, str]
    assert [row["verdict"] for row in findings["options"]][:2] == ["kept", "dropped"]


def test_bounds_by_option_each_have_their_own_range():
    by = (Bounds("o", "sgd", 1e-3, 1.0),)
    space = Space((Choice("o", ("adam", "sgd")), Interval("lr", 1e-5, 1e-2, log=True, by=by)))
    body = estimate(("lr", None, None, 1e-4, 1e-3), ("lr", "o", "sgd", 0.02, 0.3))
    new, findings = narrowed(space, body)
    assert (new.get("lr").given({"o": "adam"}).low, new.get("lr").given({"o": "adam"}).high) == (1e-4, 1e-3)
    assert (new.get("lr").given({"o": "sgd"}).low, new.get("lr").given({"o": "sgd"}).high) == (0.02, 0.3)
    assert findings["ranges"][1]["words"] == "lr 0.001..1 became 0.02..0.3 with o sgd"


def test_what_is_kept_whole_says_why():
    space = Space((Interval("lr", 1e-5, 1e-1, log=True),))
    new, findings = kept(space, "3 of 3 trials have a score; a model needs 5")
    assert new == space
    assert findings["not_narrowed"] == "3 of 3 trials have a score; a model needs 5"
