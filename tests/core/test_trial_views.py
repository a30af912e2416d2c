import random

import pytest

from staycourse.core.events import TrialPlanned
from staycourse.core.state import TrialState
from staycourse.core.trial_views import TrialViews
from staycourse.core.views import trial_view


def view(trial, phase=0, attempts=0):
    plan = TrialPlanned(trial, phase, f"key-{trial}", {"lr": 0.1}, 5, 5)
    return trial_view(TrialState(plan, attempts=attempts), ())


def test_trials_are_found_by_id_and_by_phase():
    one, two, three = view("t1"), view("t2", 1), view("t3", 1)
    views = TrialViews([one, two, three])
    assert views.all == (one, two, three)
    assert (views.get("t2"), views.get("t9"), views.get(None)) == (two, None, None)
    assert (views.of_phase(0), views.of_phase(1), views.of_phase(2)) == ((one,), (two, three), ())


def test_nothing_changes_what_was_there_before():
    before = TrialViews([view("t1"), view("t2", 1)])
    after = before.updated([view("t1", attempts=1), view("t3", 1)])
    assert [one.attempts for one in before.all] == [0, 0]
    assert before.get("t3") is None
    assert [(one.id, one.attempts) for one in after.all] == [("t1", 1), ("t2", 0), ("t3", 0)]


def test_a_phase_in_which_nothing_has_changed_is_the_very_same():
    before = TrialViews([view("t1"), view("t2", 1), view("t3", 1)])
    after = before.updated([view("t3", 1, attempts=1)])
    assert after.of_phase(0) is before.of_phase(0)
    assert after.of_phase(1) is not before.of_phase(1)
    assert before.updated([]).of_phase(1) is before.of_phase(1)


@pytest.mark.parametrize("seed", range(10))
def test_changes_one_by_one_give_what_they_give_together(seed):
    rng = random.Random(seed)
    phases = {f"t{number}": rng.randint(0, 2) for number in range(20)}
    changes = [
        view(trial, phases[trial], number) for number, trial in enumerate(rng.choices(list(phases), k=60))
    ]
    views = TrialViews()
    for at in range(0, len(changes), 7):
        views = views.updated(changes[at : at + 7])
    together = TrialViews(changes)
    assert views.all == together.all
    newest = {change.id: change for change in changes}
    assert {one.id: one for one in views.all} == newest
    assert all(views.get(trial) == together.get(trial) == newest[trial] for trial in newest)
