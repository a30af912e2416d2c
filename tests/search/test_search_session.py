"""The same request gets the same answer: from a kept session, a new one, another process, after a restart."""

import json
import os
import random
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from staycourse.search.propose import propose
from staycourse.search.request import Past, Request, RequestError, Search
from staycourse.search.session import ReplayMismatch, Session

NAMES = ["random", "quasi-random", "bayes", "OnePlusOne", "CMA", "DE", "PSO", "NGOpt", "TwoPointsDE"]
MISHAPS = {2: "infeasible", 5: "untold", 6: "infeasible"}


@pytest.mark.parametrize("parallel", [1, 3])
@pytest.mark.parametrize("optimizer", NAMES)
def test_a_rebuilt_search_proposes_what_the_kept_one_did(mixed, campaign, optimizer, parallel):
    count, budget = (8, 12) if optimizer == "bayes" else (12, 24)
    search = Search(mixed, optimizer, 7, "min", budget, parallel)
    past = campaign(search, count, MISHAPS)
    for k in (4, count):
        assert propose(Request(search, k, tuple(past[: k - 1]))) == past[k - 1].setup


@pytest.mark.parametrize("optimizer", ["bayes", "OnePlusOne", "Cobyla"])
def test_a_restart_in_the_middle_changes_nothing(mixed, campaign, optimizer):
    search = Search(mixed, optimizer, 8, "min", 9)
    past = campaign(search, 6)
    resumed = Session()
    for k in range(5, 7):
        assert resumed.propose(Request(search, k, tuple(past[: k - 1]))) == past[k - 1].setup
    resumed.close()


@pytest.mark.parametrize("optimizer", ["bayes", "DE"])
def test_who_finishes_first_changes_nothing(mixed, campaign, optimizer):
    search = Search(mixed, optimizer, 8, "min", 12, 3)
    past = campaign(search, 8)
    early = Session()
    for k in range(1, 9):
        known = [p if i < k - 3 else Past(p.setup, None, "pending") for i, p in enumerate(past[: k - 1])]
        assert early.propose(Request(search, k, tuple(known))) == past[k - 1].setup
    early.close()


def test_results_and_seeds_change_proposals(mixed, campaign):
    search = Search(mixed, "OnePlusOne", 8, "min", 10)
    past = campaign(search, 10)
    setups = [p.setup for p in past]
    assert [p.setup for p in campaign(replace(search, goal="max"), 10)] == setups
    assert [p.setup for p in campaign(search, 10, scale=-1.0)] != setups
    assert [p.setup for p in campaign(replace(search, seed=9), 4)] != setups[:4]


def test_a_kept_session_answers_other_requests_too(mixed, campaign):
    search = Search(mixed, "CMA", 8, "min", 12)
    past = campaign(search, 8)
    changed = (replace(past[0], value=9.0), *past[1:2])
    session = Session()
    for request in (
        Request(search, 5, tuple(past[:4])),
        Request(search, 5, tuple(past[:4])),
        Request(search, 2, tuple(past[:1])),
        Request(search, 8, tuple(past[:7])),
        Request(search, 2, changed[:1]),
        Request(replace(search, optimizer="DE"), 1),
        Request(search, 3, tuple(past[:2])),
    ):
        assert session.propose(request) == propose(request)
    session.close()


def test_a_changed_record_is_noticed(mixed, campaign):
    search = Search(mixed, "OnePlusOne", 8, "min", 12)
    past = campaign(search, 8)
    forged = replace(past[3], setup={**past[3].setup, "lr": 0.05})
    with pytest.raises(ReplayMismatch, match=r"its proposal 4 is on record as \(lr=0.05 .* is now \(lr="):
        propose(Request(search, 9, (*past[:3], forged, *past[4:])))
    worse = replace(past[2], value=past[2].value + 7.0)
    better = replace(past[2], value=past[2].value - 7.0)
    caught = 0
    for result in (worse, better):
        try:
            propose(Request(search, 9, (*past[:2], result, *past[3:])))
        except ReplayMismatch:
            caught += 1
    assert caught


def test_a_session_goes_on_after_a_mismatch(mixed, campaign):
    search = Search(mixed, "CMA", 8, "min", 12)
    past = campaign(search, 4)
    session = Session()
    with pytest.raises(ReplayMismatch):
        session.propose(Request(search, 3, (past[1], past[0])))
    assert session.propose(Request(search, 4, tuple(past[:3]))) == past[3].setup
    session.close()


@pytest.mark.parametrize(
    ("k", "states", "message"),
    [
        (3, ["done"], "history: proposal 3 needs 2 trials, not 1"),
        (3, ["pending", "done"], "history: proposal 3 needs the result of trial 1"),
        (2, ["valueless"], "history: trial 1 is done and has no value"),
    ],
)
def test_incomplete_histories_are_refused(mixed, k, states, message):
    values = {"done": Past({}, 1.0, "done"), "pending": Past({}, None, "pending")}
    history = tuple(values.get(state, Past({}, None, "done")) for state in states)
    with pytest.raises(RequestError, match=message):
        propose(Request(Search(mixed, "random", 1, "min", 5), k, history))


def test_requests_survive_json(mixed):
    past = (Past({"lr": 1e-3, "flag": True}, float("nan"), "done"), Past({"lr": 1.0}, None, "untold"))
    request = Request(Search(mixed, "bayes", 2**62, "max", 9, 2), 3, past)
    again = Request.from_json(json.loads(json.dumps(request.to_json())))
    assert again.search == request.search
    assert [p.key for p in again.history] == [p.key for p in past]


def test_the_callers_generators_are_left_alone(mixed, campaign):
    random.seed(1)
    np.random.seed(1)
    campaign(Search(mixed, "PSO", 8, "min", 5), 5)
    drawn = random.random(), np.random.uniform()
    random.seed(1)
    np.random.seed(1)
    assert drawn == (random.random(), np.random.uniform())


SCRIPT = """
import json, sys
if sys.argv[1] == "torch":
    import torch
from staycourse.search.request import Past, Request, Search
from staycourse.search.session import Session
answers = []
for body in json.load(sys.stdin):
    search, session, past = Search.from_json(body), Session(), []
    for k in range(1, body["count"] + 1):
        setup = session.propose(Request(search, k, tuple(past)))
        past.append(Past(setup, setup["lr"] + setup["dropout"], "infeasible" if k == 3 else "done"))
    session.close()
    answers.append([dict(p.setup) for p in past])
print(json.dumps(answers))
"""


@pytest.mark.slow
def test_two_processes_agree_whatever_their_hash_seed_and_with_torch_or_without(mixed):
    searches = [
        Search(mixed, name, 4, "min", 12, 1 if name == "Cobyla" else 2).to_json() | {"count": 8}
        for name in ("random", "quasi-random", "bayes", "CMA", "PSO", "NGOpt", "Cobyla")
    ]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", SCRIPT, torch],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        for hash_seed, torch in (("1", "torch"), ("2", "none"))
    ]
    order = json.dumps(searches).encode()
    for process in processes:
        process.stdin.write(order)
        process.stdin.close()
    first, second = (json.loads(process.stdout.read()) for process in processes)
    assert [process.wait() for process in processes] == [0, 0]
    assert first == second
