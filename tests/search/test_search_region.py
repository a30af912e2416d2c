"""The region of the best set-ups, asked of the search's own process and of its functions."""

import json
import math
import os
import random
import subprocess
import sys
from dataclasses import replace

import pytest

from staycourse.core.boundary import touched
from staycourse.core.narrowing import narrowed
from staycourse.core.space import Bounds, Choice, Condition, Interval, Space, to_json
from staycourse.search.region import Question, estimate
from staycourse.search.request import Past, RequestError

CODE = "import sys; from staycourse.search.process import main; main(int(sys.argv[1]), int(sys.argv[2]))"
LR = Interval("lr", 1e-5, 1e-1, log=True)
SPACE = Space((LR, Interval("dropout", 0.0, 0.5), Choice("optimizer", ("adamw", "sgd"))))


def bowl(setup):
    return (math.log10(setup["lr"]) + 3) ** 2 + (0.5 if setup["optimizer"] == "sgd" else 0.0)


def question(space, loss, count=24, seed=0, noise=0.0, goal="min"):
    rng = random.Random(seed)
    past = []
    for _ in range(count):
        values = {h.name: rng.choice(h.options) for h in space if isinstance(h, Choice)}
        for h in space:
            if isinstance(h, Interval):
                values[h.name] = h.given(values).from_unit(rng.random())
        setup = space.active(values)
        value = loss(setup)
        if value is None:
            past.append(Past(setup, None, "infeasible"))
        else:
            past.append(Past(setup, value + noise * rng.gauss(0, 1), "done"))
    return Question(space, goal, 0.95, tuple(past), seed)


def body_of(asked):
    return {
        "space": to_json(asked.space),
        "goal": asked.goal,
        "confidence": asked.confidence,
        "trials": [past.to_json() for past in asked.trials],
        "seed": asked.seed,
    }


def answered(asked, **environment):
    """What a search process answers, with these variables in its environment."""
    orders, to_orders = os.pipe()
    from_events, events = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-c", CODE, str(orders), str(events)],
        pass_fds=(orders, events),
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)} | environment,
    )
    os.close(orders)
    os.close(events)
    with os.fdopen(to_orders, "wb") as writer:
        writer.write(json.dumps({"id": 1, "estimate": body_of(asked)}).encode() + b"\n")
    with os.fdopen(from_events, "rb") as reader:
        answer = json.loads(reader.readline())
    assert process.wait(60) == 0
    return answer


def test_the_process_answers_equal_questions_equally_whatever_the_number_of_threads():
    asked = question(SPACE, bowl, noise=0.05)
    one = answered(asked, OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    many = answered(asked, OMP_NUM_THREADS="4", OPENBLAS_NUM_THREADS="4")
    assert one == many == {"id": 1, "estimate": json.loads(json.dumps(estimate(asked)))}


def test_the_region_holds_the_optimum_and_is_much_smaller():
    asked = question(SPACE, bowl, noise=0.05)
    told = estimate(asked)
    space, findings = narrowed(SPACE, told)
    lr = space.get("lr")
    assert lr.low <= 1e-3 <= lr.high
    assert LR.to_unit(lr.high) - LR.to_unit(lr.low) < 0.5
    assert space.get("optimizer").options == ("adamw",)
    # It does not matter, so it cannot be narrowed by much.
    assert space.get("dropout").high - space.get("dropout").low > 0.25
    assert 0.01 < findings["noise"] < 0.25
    (sgd,) = [row for row in findings["options"] if row["option"] == "sgd"]
    assert sgd["verdict"] == "dropped"
    assert sgd["difference"] == pytest.approx(0.5, abs=0.25)
    assert sgd["trials"] + sgd["trials_against"] == 24


def test_a_metric_to_be_maximised_gives_the_same_region():
    low = question(SPACE, bowl, seed=3)
    high = question(SPACE, lambda setup: -bowl(setup), seed=3, goal="max")
    assert estimate(low) == estimate(high)


def width_of_lr(asked):
    lr = narrowed(asked.space, estimate(asked))[0].get("lr")
    return LR.to_unit(lr.high) - LR.to_unit(lr.low)


def test_few_and_noisy_results_leave_a_wide_range():
    few = [question(SPACE, bowl, count=6, noise=2.0, seed=seed) for seed in range(3)]
    many = [question(SPACE, bowl, count=30, noise=0.05, seed=seed) for seed in range(3)]
    assert sum(map(width_of_lr, few)) > 2 * sum(map(width_of_lr, many))
    options = [narrowed(SPACE, estimate(asked))[0].get("optimizer").options for asked in few]
    assert options == [("adamw", "sgd")] * 3


def test_more_confidence_leaves_a_wider_range():
    asked = question(SPACE, bowl, noise=0.2)
    sure, surer = (width_of_lr(replace(asked, confidence=confidence)) for confidence in (0.6, 0.98))
    assert surer > sure


def searched(space, weights, rng):
    """Eight set-ups all over the space and eighteen near the best, as a search leaves them."""
    for number in range(26):
        values = [rng.random() if number < 8 else min(1.0, max(0.0, rng.gauss(0.4, 0.12))) for _ in weights]
        loss = sum(weight * (value - 0.4) ** 2 for weight, value in zip(weights, values, strict=True))
        yield Past(dict(zip(space.names, values, strict=True)), loss, "done")


def test_corners_that_no_result_speaks_for_are_left_out():
    space = Space(tuple(Interval(name, 0.0, 1.0) for name in "abcd"))
    volumes = []
    for seed in range(3):
        past = tuple(searched(space, (1, 2, 4, 1), random.Random(seed)))
        new = narrowed(space, estimate(Question(space, "min", 0.95, past, seed)))[0]
        assert all(h.low <= 0.4 <= h.high for h in new)
        volumes.append(math.prod(h.high - h.low for h in new))
    assert sum(volumes) < 0.05


def test_what_cannot_be_trained_is_left_out_of_the_region():
    def cliff(setup):
        # The loss falls towards lr 0.1, and beyond 0.001 nothing can be trained.
        return None if setup["lr"] > 1e-3 else -math.log10(setup["lr"])

    asked = question(Space((LR, Interval("dropout", 0.0, 0.5))), cliff, count=40)
    lr = narrowed(asked.space, estimate(asked))[0].get("lr")
    assert lr.low <= 1e-3 and lr.high < 0.02


def test_bounds_by_option_and_conditional_ranges_have_estimates_of_their_own():
    by = (Bounds("optimizer", "sgd", 1e-3, 1.0),)
    momentum = Interval("momentum", 0.5, 0.99, when=(Condition("optimizer", ("sgd",)),))
    optimizer = Choice("optimizer", ("adamw", "sgd"))
    space = Space((optimizer, Interval("lr", 1e-5, 1e-2, log=True, by=by), momentum))

    def loss(setup):
        best = -1.0 if setup["optimizer"] == "sgd" else -3.5
        return (math.log10(setup["lr"]) - best) ** 2 + (setup.get("momentum", 0.8) - 0.8) ** 2

    told = estimate(question(space, loss, count=40, noise=0.02))
    new = narrowed(space, told)[0]
    assert new.get("optimizer").options == ("adamw", "sgd")
    adamw, sgd = (new.get("lr").given({"optimizer": o}) for o in ("adamw", "sgd"))
    assert adamw.low <= 10**-3.5 <= adamw.high and sgd.low <= 0.1 <= sgd.high
    assert adamw.high / adamw.low < 100 and sgd.high / sgd.low < 100  # of 1000 each


@pytest.mark.parametrize("side", ["low", "high"])
def test_a_loss_that_still_falls_at_a_bound_touches_it(side):
    sign = 1 if side == "low" else -1
    asked = question(SPACE, lambda s: sign * math.log10(s["lr"]), count=30, noise=0.02)
    assert [(t.name, t.side) for t in touched(SPACE, estimate(asked))] == [("lr", side)]


@pytest.mark.parametrize("loss", [bowl, lambda setup: 1.0])
def test_neither_an_optimum_inside_nor_a_model_without_a_clue_touches_a_bound(loss):
    asked = question(SPACE, loss, count=20, noise=0.1)
    assert touched(SPACE, estimate(asked)) == []


def test_equal_results_narrow_nothing_and_do_not_break():
    told = estimate(question(SPACE, lambda setup: 0.5, count=8))
    assert narrowed(SPACE, told)[0].get("optimizer").options == ("adamw", "sgd")
    assert json.loads(json.dumps(told, allow_nan=False)) == told


def test_more_results_than_a_model_takes_are_no_hindrance():
    told = estimate(question(SPACE, bowl, count=200, noise=0.05))
    lr = narrowed(SPACE, told)[0].get("lr")
    assert lr.low <= 1e-3 <= lr.high


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"goal": "least"}, "goal: 'least' is none of min, max"),
        ({"confidence": 2.0}, "confidence: a number between 0 and 1"),
        ({"seed": -1}, "seed: a whole number from 0 on"),
        ({"space": [{"low": 1}]}, "space: cannot be read"),
        ({"trials": []}, "trials: at least one with a value"),
        ({"trials": "none"}, "trials: a list of trials"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused_by_its_field(change, message):
    body = body_of(question(SPACE, bowl, count=3))
    with pytest.raises(RequestError, match=message):
        Question.from_json(body | change)
