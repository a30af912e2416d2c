"""What an optimizer hears, and what it may not repeat; with real optimizers of Nevergrad's registry."""

import nevergrad as ng
import pytest

from staycourse.core.problems import UserError
from staycourse.search.optimizers import known, unknown
from staycourse.search.propose import propose
from staycourse.search.request import Past, Request, Search
from staycourse.search.session import SearchFailed

HEARD: list[tuple[int, float]] = []


@pytest.fixture
def listener():
    # Random search that notes each loss, with the number of results it had when it proposed that set-up.
    class Listening(ng.optimizers.base.Optimizer):
        def _internal_ask_candidate(self):
            child = self.parametrization.sample()
            child.heard_before = self.num_tell
            return child

        def _internal_tell_candidate(self, candidate, loss):
            HEARD.append((candidate.heard_before, loss))

    HEARD.clear()
    ng.optimizers.registry.register_name("Listening", Listening)
    yield HEARD
    ng.optimizers.registry.unregister("Listening")


def told(heard, mixed, campaign, states, goal="min", parallel=1, count=6):
    """The losses heard in a campaign of `count` trials, and the campaign."""
    past = campaign(Search(mixed, "Listening", 5, goal, count, parallel), count, states)
    return [loss for _, loss in heard], past


def test_every_result_is_heard_in_order_but_the_last(listener, mixed, campaign):
    losses, past = told(listener, mixed, campaign, {})
    assert losses == [p.value for p in past[:-1]]


def test_the_best_of_max_is_the_smallest_loss(listener, mixed, campaign):
    losses, past = told(listener, mixed, campaign, {}, goal="max")
    assert losses == [-p.value for p in past[:-1]]


def test_parallel_trials_are_heard_when_their_turn_comes(listener, mixed, campaign):
    told(listener, mixed, campaign, {}, parallel=3, count=8)
    assert [before for before, _ in listener] == [0, 0, 0, 1, 2]


def test_an_infeasible_trial_is_worse_than_the_worst(listener, mixed, campaign):
    losses, past = told(listener, mixed, campaign, {3: "infeasible"})
    assert len(losses) == 5
    heard = [p.value for p in past[:2]]
    assert max(heard) < losses[2] < max(heard) + 10 * (max(heard) - min(heard))


def test_an_infeasible_trial_waits_for_the_first_result(listener, mixed, campaign):
    losses, past = told(listener, mixed, campaign, {1: "infeasible", 2: "infeasible"})
    assert losses[0] == past[2].value
    assert losses[1] == losses[2] > past[2].value
    assert losses[3:] == [p.value for p in past[3:5]]


def test_an_untold_trial_is_never_heard_of(listener, mixed, campaign):
    losses, past = told(listener, mixed, campaign, {2: "untold", 4: "untold"})
    assert losses == [past[0].value, past[2].value, past[4].value]


def test_a_value_that_is_no_number_counts_as_infeasible(listener, mixed):
    search = Search(mixed, "Listening", 5, "min", 4)
    past: list[Past] = []
    for value in (0.5, float("nan"), float("inf")):
        past.append(Past(propose(Request(search, len(past) + 1, tuple(past))), value, "done"))
    listener.clear()
    propose(Request(search, 4, tuple(past)))
    losses = [loss for _, loss in listener]
    assert losses[0] == 0.5
    assert 0.5 < losses[1] == losses[2] < 10


@pytest.mark.parametrize(
    "optimizer", ["random", "quasi-random", "bayes", "OnePlusOne", "DE", "CMA", "PSO", "Cobyla", "LHSSearch"]
)
def test_no_setup_comes_twice_before_the_space_is_exhausted(six, campaign, optimizer):
    past = campaign(Search(six, optimizer, 9, "min", 8), 8, {2: "infeasible", 4: "untold"})
    setups = [tuple(p.setup.items()) for p in past]
    assert len(set(setups[:6])) == 6
    assert set(setups[6:]) <= set(setups[:6])


def test_parallel_proposals_differ_in_a_small_space(six, campaign):
    for optimizer in ("OnePlusOne", "DE", "bayes"):
        past = campaign(Search(six, optimizer, 2, "min", 6, 3), 6)
        assert len({tuple(p.setup.items()) for p in past}) == 6


@pytest.mark.parametrize("optimizer", ["Cobyla", "SQP", "Powell"])
def test_libraries_that_need_every_answer_go_on_after_an_untold_trial(mixed, campaign, optimizer):
    states = {1: "infeasible", 2: "untold", 5: "untold"}
    assert len(campaign(Search(mixed, optimizer, 9, "min", 12), 12, states)) == 12


@pytest.mark.parametrize("optimizer", ["bayes", "OnePlusOne", "CMA"])
def test_optimizers_learn_from_what_they_hear(mixed, campaign, optimizer):
    past = campaign(Search(mixed, optimizer, 1, "min", 12), 12)
    assert sum(p.value for p in past[7:]) < sum(p.value for p in past[:5])


def test_goal_max_searches_upwards(mixed, campaign):
    past = campaign(Search(mixed, "OnePlusOne", 1, "max", 30), 30)
    assert sum(p.value for p in past[20:]) > sum(p.value for p in past[:10])


def test_unknown_names(mixed):
    assert known("bayes")
    assert known("TwoPointsDE")
    assert not known("byes")
    assert "did you mean 'bayes'" in unknown("byes")
    assert "'TwoPointsDE'" in unknown("twopointsde")
    with pytest.raises(UserError, match="there is no optimizer 'byes'"):
        propose(Request(Search(mixed, "byes", 1, "min", 5), 1))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # of Nevergrad's destructor
def test_what_an_optimizer_raises_is_said_with_its_proposal(mixed):
    with pytest.raises(SearchFailed, match="'Cobyla' failed at proposal 1: ValueError: .*parallel"):
        propose(Request(Search(mixed, "Cobyla", 1, "min", 5, 3), 1))
