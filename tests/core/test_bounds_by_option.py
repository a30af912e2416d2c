"""`by`: bounds that depend on an option, of set-ups, grids, best values and handoffs."""

import json
from itertools import product

import pytest
from tests.support.estimates import estimated
from tests.support.roadmaps import CONFIRM, FINAL, GRID, NARROW, PROBE, SPACE_BY, small
from tests.support.simulate import campaign

from staycourse.core import handoff as handoffs
from staycourse.core import space as spaces
from staycourse.core.best_values import learned
from staycourse.core.canonical import canonical_json
from staycourse.core.grid import grid, most_points
from staycourse.core.handoff import Handoff
from staycourse.core.inherited import Inherited
from staycourse.core.narrowing import narrowed
from staycourse.core.outcome import Outcome
from staycourse.core.past import told
from staycourse.core.roadmap import parse
from staycourse.core.space import Bounds, Choice, Condition, Interval, Space, describe
from staycourse.core.trial import Trial

BY = (Bounds("optimizer", "sgd", 1e-2, 1.0),)
OPTIMIZER = Choice("optimizer", ("adam", "adamw", "sgd"))
LR = Interval("lr", 1e-4, 1e-2, log=True, by=BY)
SPACE = Space((OPTIMIZER, LR, Interval("dropout", 0.0, 0.5)))


# --- the space -----------------------------------------------------------------------------------------


def test_bounds_go_with_their_option():
    assert SPACE.without_options("optimizer", ["adam"]).get("lr") == LR
    assert SPACE.without_options("optimizer", ["sgd"]).get("lr") == Interval("lr", 1e-4, 1e-2, log=True)
    assert SPACE.without_options("optimizer", ["adam", "adamw"]).get("lr") == Interval("lr", 1e-2, 1.0, True)


def test_bounds_by_a_choice_that_may_be_absent():
    variant = Choice("variant", ("a", "b"), when=(Condition("optimizer", ("sgd",)),))
    h = Interval("x", 0.0, 1.0, by=(Bounds("variant", "a", 2.0, 3.0), Bounds("variant", "b", 4.0, 5.0)))
    space = Space((OPTIMIZER, variant, h))
    assert {r.low for r in space.ranges(h).values()} == {0.0, 2.0, 4.0}
    assert space.without_options("variant", ["b"]).get("x") == Interval("x", 0.0, 1.0, by=h.by[:1])
    assert space.without_options("optimizer", ["sgd"]).get("x") == Interval("x", 0.0, 1.0)


def test_what_exists_under_no_option_that_is_left_is_not_searched():
    when = (Condition("optimizer", ("sgd",)),)
    nesterov = Choice("nesterov", (True, False), when=when)
    damping = Interval("damping", 0.0, 1.0, when=(Condition("nesterov", (False,)),))
    space = Space((OPTIMIZER, nesterov, damping))
    assert [h.name for h in space.searched] == ["optimizer", "nesterov", "damping"]
    left = space.without_options("optimizer", ["sgd"])
    assert [h.name for h in left.searched] == ["optimizer"]
    assert left.names == space.names
    assert (space.share(nesterov), space.share(damping)) == (pytest.approx(1 / 3), pytest.approx(1 / 6))


def test_a_space_with_it_survives_json_and_reads_well():
    assert spaces.from_json(json.loads(canonical_json(spaces.to_json(SPACE)))) == SPACE
    assert describe(LR) == "lr 0.0001..0.01 log (0.01..1 with optimizer sgd)"


# --- grids and best values -----------------------------------------------------------------------------


def test_points_are_those_of_the_range_of_each_option():
    setups = grid(SPACE, {"lr": 3, "optimizer": ["adamw", "sgd"]}, {"dropout": 0.1})
    lrs = {o: [s["lr"] for s in setups if s["optimizer"] == o] for o in ("adamw", "sgd")}
    assert lrs == {"adamw": [1e-4, 1e-3, 1e-2], "sgd": [1e-2, 1e-1, 1.0]}
    assert most_points(SPACE, {"lr": 3, "optimizer": ["adamw", "sgd"]}) == len(setups) == 6


def test_the_most_points_hold_under_every_option():
    whole = Interval("n", 1, 2, integer=True, by=(Bounds("optimizer", "sgd", 1, 6),))
    space = Space((OPTIMIZER, whole))
    asked = [{"n": 9}, {"n": 4, "optimizer": ["sgd", "adam"]}, {"n": 3, "optimizer": ["adam"]}]
    for points, option in product(asked, OPTIMIZER.options):
        assert len(grid(space, points, {"optimizer": option})) <= most_points(space, points)


def test_a_list_holds_under_every_option():
    setups = grid(SPACE, {"lr": [0.5], "optimizer": ["adamw", "sgd"]}, {})
    assert [s["lr"] for s in setups] == [0.5, 0.5]


def test_the_best_value_is_that_of_the_set_ups_own_option():
    best = [
        {"optimizer": "sgd", "lr": 0.3, "dropout": 0.2},
        {"optimizer": "adamw", "lr": 4e-4, "dropout": 0.3},
        {"optimizer": "sgd", "lr": 0.9, "dropout": 0.4},
    ]
    known = learned(best, SPACE, {})
    assert known == best[0]
    setups = grid(SPACE, {"optimizer": ["sgd", "adamw"]}, known)
    assert [(s["lr"], s["dropout"]) for s in setups] == [(0.3, 0.2), (4e-4, 0.2)]
    older = learned([{"optimizer": "adamw", "lr": 2e-4, "dropout": 0.0}], SPACE, known)
    assert grid(SPACE, {"optimizer": ["sgd", "adamw"]}, older)[1]["lr"] == 2e-4
    assert grid(SPACE, {"optimizer": ["sgd"]}, older)[0]["lr"] == 0.3


def test_where_nothing_was_tried_it_is_the_value_at_the_same_position():
    known = learned([{"optimizer": "sgd", "lr": 0.1, "dropout": 0.2}], SPACE, {})
    (setup,) = grid(SPACE, {"optimizer": ["adam"]}, known)
    assert setup["lr"] == 1e-3  # both in the middle of their ranges
    adam = learned([{"optimizer": "adam", "lr": 3.217e-4, "dropout": 0.2}], SPACE, {})
    (setup,) = grid(SPACE, {"optimizer": ["adamw"]}, adam)
    assert setup["lr"] == 3.217e-4  # the same range, so the same value


def test_what_is_known_of_a_dropped_option_is_not_taken():
    left = SPACE.without_options("optimizer", ["sgd"])
    ranked = [
        {"optimizer": "sgd", "lr": 0.5, "dropout": 0.1},
        {"optimizer": "adam", "lr": 7e-4, "dropout": 0.2},
    ]
    assert learned(ranked, left, {}) == ranked[1]
    assert learned(ranked[:1], left, {})["lr"] == 0.5


def test_what_is_known_by_option_survives_the_ledger():
    known = learned([{"optimizer": "sgd", "lr": 0.3, "dropout": 0.2}], SPACE, {}) | {"depth": 3}
    body = json.loads(canonical_json(handoffs.to_json(Handoff(SPACE, best_values=known))))
    again = handoffs.from_json(body).best_values
    assert (dict(again), again.of(LR, {"optimizer": "sgd"})) == (dict(known), 0.3)
    del body["best_under"]
    assert handoffs.from_json(body).best_values.of(LR, {"optimizer": "sgd"}) == 0.3


def test_a_better_set_up_takes_the_place_of_the_best_under_its_option():
    known = learned([{"optimizer": "adam", "lr": 1e-3}, {"optimizer": "sgd", "lr": 0.3}], SPACE, {})
    better = known | {"optimizer": "sgd", "lr": 0.2}
    assert better.of(LR, {"optimizer": "sgd"}) == better["lr"] == 0.2
    assert better.of(LR, {"optimizer": "adam"}) == 1e-3
    assert better.of(LR, {"optimizer": "adamw"}) == pytest.approx(1e-4 * 100**0.6505, rel=1e-3)


# --- phases --------------------------------------------------------------------------------------------


def trial(at: int, optimizer: str, lr: float, loss: float) -> Trial:
    setup = {"optimizer": optimizer, "lr": lr, "dropout": 0.1}
    return Trial(f"t{at}", 0, f"k{at}", setup, outcome=Outcome.COMPLETED, curve=((1, loss),), epochs_done=1)


def test_each_option_narrows_its_own_bounds():
    values = [("sgd", 0.1), ("sgd", 0.12), ("sgd", 0.15), ("adam", 1e-3), ("adam", 2e-3)]
    trials = [trial(at, option, lr, 0.1 + 0.001 * at) for at, (option, lr) in enumerate(values)]
    trials += [trial(9 + at, "adam", 1e-4, 5.0) for at in range(15)]
    after, findings = narrowed(SPACE, estimated(question_of(trials)))
    for option, lr in values:
        old, new = (space.get("lr").given({"optimizer": option}) for space in (SPACE, after))
        assert old.low < new.low <= lr <= new.high < old.high
    words = [change["words"] for change in findings["ranges"] if change["name"] == "lr"]
    assert len(words) == 2
    assert words[1].startswith("lr 0.01..1 became ") and words[1].endswith(" with optimizer sgd")


def test_bounds_without_a_good_trial_stay():
    trials = [trial(at, "adam", 1e-3, 0.1) for at in range(4)]
    assert narrowed(SPACE, estimated(question_of(trials)))[0].get("lr").by == BY


def question_of(trials):
    return {"space": spaces.to_json(SPACE), "goal": "min", "confidence": 0.95, "trials": told(trials, "min")}


@pytest.mark.parametrize("seed", range(5))
def test_every_set_up_of_a_campaign_lies_in_the_range_of_its_option(seed):
    grid_ = GRID.replace("lr = 3", 'lr = 3, optimizer = ["adam", "sgd"]')
    roadmap = parse(small(PROBE, NARROW, grid_, CONFIRM, FINAL, space=SPACE_BY))
    for played in campaign(roadmap, seed):
        lr = played.before.handoff.space.get("lr")
        for trial in played.trials:
            here = lr.given(trial.setup)
            assert here.low <= trial.setup["lr"] <= here.high


# --- a run that builds on an earlier one ---------------------------------------------------------------


def handed(space: Space) -> Inherited:
    known = learned([{"optimizer": "adam", "lr": 1e-3, "dropout": 0.1}], space, {})
    return Inherited("old-1", Handoff(space, best_values=known), "val_loss", "min")


DECLARED = """[space]
optimizer = { choice = ["adam", "adamw", "sgd"] }
lr = { log = [1e-4, 1e-2], by.optimizer.sgd = [1e-2, 1.0] }
dropout = { range = [0.0, 0.5] }
"""
LR_GRID = GRID.replace(", width = [8, 16]", "")
FROM = '[from]\nrun = "runs/old-1"\n'


def test_a_handed_on_space_keeps_its_bounds_by_option():
    roadmap = parse(
        small(GRID.replace(", width = [8, 16]", ""), space="", more=FROM), inherited=handed(SPACE)
    )
    assert roadmap.space.get("lr") == LR
    assert roadmap.first_handoff.best_values.of(LR, {"optimizer": "adam"}) == 1e-3
    narrower = Space((OPTIMIZER, Interval("lr", 1e-4, 1e-3, log=True, by=BY), *SPACE.hyperparameters[2:]))
    (note,) = parse(small(LR_GRID, space=DECLARED, more=FROM), inherited=handed(narrower)).notes
    assert note == (
        "space.lr: 0.0001..0.001 log (0.01..1 with optimizer sgd), as old-1 hands on "
        "(declared: 0.0001..0.01 log (0.01..1 with optimizer sgd))"
    )


def test_what_only_a_dropped_option_calls_up_needs_no_value_and_no_name():
    when = (Condition("optimizer", ("sgd",)),)
    old = Space((*SPACE, Interval("momentum", 0.5, 0.9, when=when))).without_options("optimizer", ["sgd"])
    new = DECLARED + 'damping = { range = [0.0, 0.5], when = { optimizer = "sgd" } }\n'
    roadmap = parse(small(LR_GRID, space=new, more=FROM), inherited=handed(old))
    assert [h.name for h in roadmap.space.searched] == ["optimizer", "lr", "dropout"]
    assert not any("no value" in note for note in roadmap.notes)
