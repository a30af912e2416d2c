"""`bayes` is an optimizer of Nevergrad's: it learns losses, failures and what is under way."""

from __future__ import annotations

import math
import subprocess
import sys
from typing import Any

import nevergrad as ng
import numpy as np
import pytest

import staycourse.search  # noqa: F401  registers it
from staycourse.core.space import Choice, Condition, Interval, Setup, Space
from staycourse.search.parametrization import setup_key
from staycourse.search.propose import propose
from staycourse.search.request import Past, Request, Search
from staycourse.search.session import Session


def _optimizer(parametrization: Any, budget: int = 20, workers: int = 1) -> Any:
    made = ng.optimizers.registry["StaycourseBO"](parametrization, budget=budget, num_workers=workers)
    made.parametrization.random_state.seed(12)
    return made


def _nested() -> Any:
    return ng.p.Instrumentation(
        3,
        ng.p.Choice(["adamw", "sgd", "adam"]),
        lr=ng.p.Log(lower=1e-5, upper=1e-1),
        batch=ng.p.Log(lower=4, upper=512).set_integer_casting(),
        layers=ng.p.Scalar(lower=1, upper=4).set_integer_casting(),
        width=ng.p.TransitionChoice([32, 64, 128]),
        flag=ng.p.Choice([False, True], deterministic=True),
        betas=ng.p.Array(init=np.array([0.9, 0.9])).set_bounds(0.8, 0.99),
        inner=ng.p.Choice([ng.p.Scalar(lower=0.0, upper=1.0), "none"]),
        free=ng.p.Scalar(init=2.0),
    )


def _loss(lr: float, batch: int, layers: int) -> float:
    return (math.log10(lr) + 3) ** 2 + 0.1 * (math.log2(batch) - 5) ** 2 + 0.1 * (layers - 2) ** 2


def test_it_searches_any_parametrization_of_numbers_and_choices() -> None:
    optimizer = _optimizer(_nested())
    for _ in range(12):
        candidate = optimizer.ask()
        values = candidate.kwargs
        assert 1e-5 <= values["lr"] <= 1e-1
        assert values["batch"] in range(4, 513)
        assert values["layers"] in range(1, 5)
        assert values["width"] in (32, 64, 128)
        assert np.all((values["betas"] >= 0.8) & (values["betas"] <= 0.99))
        assert values["inner"] == "none" or 0.0 <= values["inner"] <= 1.0
        optimizer.tell(candidate, _loss(values["lr"], values["batch"], values["layers"]))
    best = optimizer.recommend().kwargs
    assert abs(math.log10(best["lr"]) + 3) < 1.5


def test_equal_seeds_and_results_give_equal_proposals() -> None:
    def proposals() -> list[Any]:
        optimizer, made = _optimizer(_nested()), []
        for _ in range(9):
            candidate = optimizer.ask()
            made.append(repr(candidate.value))
            values = candidate.kwargs
            optimizer.tell(candidate, _loss(values["lr"], values["batch"], values["layers"]))
        return made

    assert proposals() == proposals()


def test_a_candidate_that_was_not_its_own_idea_counts() -> None:
    optimizer = _optimizer(ng.p.Dict(x=ng.p.Scalar(lower=0.0, upper=1.0)))
    for x in np.linspace(0.0, 1.0, 9):
        optimizer.tell(optimizer.parametrization.spawn_child(new_value={"x": float(x)}), (x - 0.31) ** 2)
    for _ in range(4):  # the start that was planned
        optimizer.ask()
    assert optimizer.ask().value["x"] == pytest.approx(0.31, abs=0.05)


def _mixed() -> Space:
    return Space(
        (
            Interval("lr", 1e-5, 1e-1, log=True),
            Interval("batch_size", 4, 64, log=True, integer=True),
            Choice("optimizer", ("adamw", "sgd")),
            Interval("momentum", 0.5, 0.99, when=(Condition("optimizer", ("sgd",)),)),
        )
    )


def _run(search: Search, count: int, result: Any) -> list[Past]:
    """A campaign with as many trials under way as the search allows."""
    session, past = Session(), list[Past]()
    for k in range(1, count + 1):
        due = k - search.parallel
        heard = [result(p.setup) if i < due else p for i, p in enumerate(past)]
        setup = session.propose(Request(search, k, tuple(heard)))
        past.append(Past(setup, None, "pending"))
    session.close()
    return [result(p.setup) for p in past]


def _smooth(setup: Setup) -> float:
    lr, batch = math.log10(float(setup["lr"])), math.log2(float(setup["batch_size"]))
    penalty = 0.3 if setup["optimizer"] == "sgd" else 0.0
    return (lr + 2.5) ** 2 + 0.1 * (batch - 4) ** 2 + penalty


def test_it_finds_what_even_points_do_not() -> None:
    def regret(name: str, seed: int) -> float:
        search = Search(_mixed(), name, seed, "min", 20)
        past = _run(search, 20, lambda s: Past(s, _smooth(s), "done"))
        return min(p.finite for p in past if p.finite is not None)

    ours = [regret("bayes", seed) for seed in range(3)]
    even = [regret("quasi-random", seed) for seed in range(4)]
    assert max(ours) < 0.05 < np.median(even)


def test_it_maximises_where_the_goal_says_so() -> None:
    search = Search(_mixed(), "bayes", 3, "max", 16)
    past = _run(search, 16, lambda s: Past(s, -_smooth(s), "done"))
    assert max(p.finite for p in past if p.finite is not None) > -0.1


def test_failures_are_a_border_and_no_loss() -> None:
    """Large learning rates fail, small batches sooner, close to the best set-ups: the place is not avoided,
    and the border not tried again and again."""

    def result(setup: Setup) -> Past:
        lr, batch = math.log10(float(setup["lr"])), math.log2(float(setup["batch_size"]))
        is_lost = lr - 0.3 * (batch - 4) > -2
        return Past(setup, None, "infeasible") if is_lost else Past(setup, _smooth(setup), "done")

    past = _run(Search(_mixed(), "bayes", 0, "min", 24), 24, result)
    assert min(p.finite for p in past if p.finite is not None) < 0.05
    assert sum(p.state == "infeasible" for p in past[12:]) <= 5


def test_trials_under_way_are_not_proposed_again() -> None:
    search = Search(_mixed(), "bayes", 2, "min", 18, parallel=4)
    past = _run(search, 18, lambda s: Past(s, _smooth(s), "done"))
    assert len({setup_key(p.setup) for p in past}) == 18


def test_a_small_space_is_tried_out_whole_before_anything_comes_twice() -> None:
    space = Space((Choice("optimizer", ("adamw", "sgd", "adam")), Interval("layers", 1, 3, integer=True)))
    past = _run(Search(space, "bayes", 1, "min", 10), 10, lambda s: Past(s, float(s["layers"]), "done"))
    assert len({setup_key(p.setup) for p in past[:9]}) == 9
    assert len({setup_key(p.setup) for p in past}) == 9


@pytest.mark.parametrize("parallel", [1, 3])
def test_a_proposal_is_a_function_of_what_is_heard(parallel: int) -> None:
    """Kept, rebuilt in one go, or with results that are not due yet: the same proposal."""
    search = Search(_mixed(), "bayes", 9, "min", 14, parallel)

    def result(setup: Setup) -> Past:
        is_lost = float(setup["lr"]) > 3e-2
        return Past(setup, None, "infeasible") if is_lost else Past(setup, _smooth(setup), "done")

    past = _run(search, 14, result)
    for k in (2, 9, 14):
        assert setup_key(propose(Request(search, k, tuple(past[: k - 1])))) == setup_key(past[k - 1].setup)


def test_nothing_but_failures_and_odd_results_do_no_harm() -> None:
    search = Search(_mixed(), "bayes", 4, "min", 10)
    failed = _run(search, 10, lambda s: Past(s, None, "infeasible"))
    assert len({setup_key(p.setup) for p in failed}) == 10
    constant = _run(search, 10, lambda s: Past(s, 1.0, "done"))
    assert len({setup_key(p.setup) for p in constant}) == 10
    huge = _run(search, 10, lambda s: Past(s, 1e30 * _smooth(s), "done"))
    assert len({setup_key(p.setup) for p in huge}) == 10


def test_the_registry_knows_it_after_one_import() -> None:
    code = (
        "import nevergrad as ng, staycourse.search, sys; "
        "found = ng.optimizers.registry['StaycourseBO']; "
        "sys.exit(found.__name__ != 'StaycourseBO' or 'torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
