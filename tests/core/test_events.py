import json
import random

import pytest
from tests.support.random_events import one_of_each, random_event

from staycourse.core import events as ev
from staycourse.core.canonical import canonical_json
from staycourse.core.narrative import tell
from staycourse.core.state import RunState


def through_the_ledger(event):
    return ev.from_body(event.KIND, json.loads(canonical_json(ev.to_body(event))))


@pytest.mark.parametrize("seed", range(20))
def test_every_kind_of_event_survives_the_ledger(seed):
    events = one_of_each(random.Random(seed))
    assert {type(event) for event in events} == set(ev.Event.__subclasses__())
    for event in events:
        assert through_the_ledger(event) == event


def test_kinds_are_distinct_words():
    kinds = [cls.KIND for cls in ev.Event.__subclasses__()]
    assert len(set(kinds)) == len(kinds)


def test_a_kind_of_a_later_version_is_no_error():
    assert ev.from_body("trial cloned", {"trial": "t1"}) is None


def test_a_field_of_a_later_version_is_left_out():
    assert ev.from_body("engine stopped", {"reason": "x", "mood": "good"}) == ev.EngineStopped("x")


def test_a_field_that_an_earlier_version_did_not_write_has_its_default():
    body = ev.to_body(ev.TrialPlanned("t1", 0, "k", {}, 1, 1))
    del body["name"], body["share"]
    assert ev.from_body("trial planned", body) == ev.TrialPlanned("t1", 0, "k", {}, 1, 1)


def test_every_event_can_be_told_in_one_sentence():
    rng = random.Random(3)
    kinds = ["probe", "grid", "confirm", "final"]
    for _ in range(500):
        event = random_event(rng)
        said = tell(event, RunState(), kinds)
        assert said or isinstance(event, ev.Noted)


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (ev.PhaseOpened(1), "phase 2/2 final begins"),
        (
            ev.TrialPlanned("t7", 1, "k", {"lr": 1e-4, "o": "sgd"}, 5, 5, repetition=1),
            "t7 seed 2: lr=0.0001 o=sgd",
        ),
        (ev.TrialPlanned("t8", 1, "k", {"lr": 0.1}, 5, 5, parent="t7"), "t8 goes on from t7: lr=0.1"),
        (ev.TrialStarted("t7", 2, "gpu-0", 1, 1.0), "t7 trains on gpu-0, attempt 2"),
        (
            ev.AttemptFailed("t7", 1, "crashed", "SIGSEGV", 40, True),
            "t7 crashed after step 40: SIGSEGV; it is owed and goes on",
        ),
        (
            ev.TrialEnded("t7", "completed", "patience", "why", 9, 90, [], 1.0, 4, 0.25),
            "t7 completed after epoch 9 (why), best 0.25 at epoch 4",
        ),
        (
            ev.SlowdownSeen("t7", 1, 4, "starved", "starved: 63% of a step waits for data", 0.63),
            "t7: starved: 63% of a step waits for data",
        ),
        (ev.RunFailed(0, "all lost"), "phase 1/2 probe could not be finished: all lost"),
        (ev.RunFinished({"lr": 0.1}), "run finished: lr=0.1"),
        (ev.CheckpointsDropped(0, ["t1", "t2"], 2_500_000), "checkpoints of 2 trials dropped, 2.5 MB"),
    ],
)
def test_events_in_words(event, said):
    assert tell(event, RunState(), ["probe", "final"]) == said
