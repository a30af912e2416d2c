import random

import pytest

from staycourse.core.narrowing import narrow
from staycourse.core.outcome import Outcome
from staycourse.core.space import Choice, Condition, Interval, Space
from staycourse.core.trial import Trial


def trial(setup, score, number=0):
    outcome = Outcome.COMPLETED if score is not None else Outcome.DIVERGED
    return Trial(
        f"t{number}", 0, "", setup, outcome=outcome, curve=((1, score),) if score is not None else ()
    )


def search(space, cost, count=40, seed=0):
    rng = random.Random(seed)
    made = []
    for number in range(count):
        setup = space.active(
            {
                h.name: rng.choice(h.options) if isinstance(h, Choice) else h.from_unit(rng.random())
                for h in space
            }
        )
        made.append(trial(setup, cost(setup), number))
    return made


def test_the_best_quarter_and_a_tenth_of_the_range_on_either_side():
    space = Space((Interval("x", 0.0, 10.0),))
    trials = [trial({"x": x}, abs(x - 4), n) for n, x in enumerate([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 4.5])]
    narrowed, findings = narrow(trials, "min", space)
    # Twelve trials: the best three are 4, 4.5 and 3 or 5; the first of equals counts.
    assert (narrowed.get("x").low, narrowed.get("x").high) == (2.0, 5.5)
    assert findings["from_trials"] == ["t4", "t11", "t3"]
    (change,) = findings["ranges"]
    assert (change["from"], change["to"], change["at_bound"]) == ([0.0, 10.0], [2.0, 5.5], [])
    assert change["words"] == "x 0..10 became 2..5.5"


def test_a_best_region_at_a_bound_is_said():
    space = Space((Interval("x", 0.0, 10.0),))
    trials = [trial({"x": float(x)}, x) for x in range(11)]
    (change,) = narrow(trials, "min", space)[1]["ranges"]
    assert change["at_bound"] == ["low"]


@pytest.mark.parametrize("seed", range(25))
def test_the_best_set_ups_lie_inside_and_no_bound_is_passed(seed):
    rng = random.Random(seed)
    low = rng.uniform(-1, 1) * 10 ** rng.randint(-6, 6)
    width = abs(low) * 10 ** rng.uniform(-6, 3)
    positive = abs(low) or 1e-3
    space = Space(
        (
            Interval("line", low, low + width),
            Interval("log", positive, positive * (1 + 10 ** rng.uniform(-5, 4)), log=True),
            Interval("whole", 1, rng.randint(2, 300), integer=True),
            Interval("powers", 1, rng.randint(2, 4096), log=True, integer=True),
        )
    )
    trials = search(space, lambda s: abs(s["line"] - low - width / 3), seed=seed)
    narrowed, _ = narrow(trials, "min", space)
    best = sorted(trials, key=lambda t: t.score("min"))[:10]
    for old in space:
        new = narrowed.get(old.name)
        assert old.low <= new.low < new.high <= old.high
        assert all(new.low <= t.setup[old.name] <= new.high for t in best)
        assert (type(new.low), type(new.high)) == (type(old.low), type(old.high))
    assert narrowed.get("line").high - narrowed.get("line").low < width


def test_bounds_are_round_where_three_digits_are_enough():
    space = Space((Interval("lr", 1e-5, 1e-1, log=True),))
    narrowed = narrow(search(space, lambda s: abs(s["lr"] - 3e-3)), "min", space)[0].get("lr")
    for bound in (narrowed.low, narrowed.high):
        assert bound == float(f"{bound:.3g}")


def test_a_range_that_exists_in_no_good_set_up_stays():
    space = Space(
        (
            Choice("o", ("adam", "sgd")),
            Interval("momentum", 0.5, 0.9, when=(Condition("o", ("sgd",)),)),
        )
    )
    trials = search(space, lambda s: 0.0 if s["o"] == "adam" else None)
    narrowed, findings = narrow(trials, "min", space)
    assert narrowed.get("momentum") == space.get("momentum")
    assert narrowed.get("o").options == ("adam",)
    assert findings["elimination"][0]["verdict"] == "eliminated"


def test_failures_are_no_good_set_ups():
    space = Space((Interval("x", 0.0, 1.0),))
    trials = [trial({"x": x / 20}, None if x < 10 else 1.0 + x, x) for x in range(21)]
    narrowed, _ = narrow(trials, "min", space)
    assert narrowed.get("x").low == pytest.approx(0.4)
