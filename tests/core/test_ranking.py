import math

import pytest

from staycourse.core.outcome import Outcome
from staycourse.core.ranking import best_values, distinct, mean_curve, ranked_setups, ranked_trials
from staycourse.core.space import Interval, Space
from staycourse.core.trial import Trial, best_point, rank

NAN = math.nan


def trial(id, setup, *values, outcome=Outcome.COMPLETED, name=""):
    return Trial(id, 0, id, setup, name=name, outcome=outcome, curve=tuple(enumerate(values, start=1)))


def test_the_best_value_is_finite_and_the_earliest_of_equals():
    assert best_point(((1, NAN), (2, 3.0), (3, 1.0), (4, 1.0), (5, -math.inf)), "min") == (3, 1.0)
    assert best_point(((1, 2.0), (2, math.inf), (3, 2.0)), "max") == (1, 2.0)
    assert best_point(((1, NAN),), "min") is None
    assert best_point((), "min") is None


@pytest.mark.parametrize("outcome", [o for o in Outcome if o is not Outcome.COMPLETED] + [None])
def test_only_a_completed_trial_has_a_score(outcome):
    assert trial("a", {}, 1.0, outcome=outcome).score("min") is None


def test_equal_trials_keep_their_order():
    trials = [trial("a", {}, 2.0), trial("b", {}, 1.0), trial("c", {}, 2.0), trial("d", {}, NAN)]
    assert [t.id for t in rank(trials, "min")] == ["b", "a", "c"]
    assert [t.id for t in rank(trials, "max")] == ["a", "c", "b"]


def test_places_of_trials():
    (best, other) = ranked_trials([trial("a", {"x": 1}, 3.0, 2.0, 4.0), trial("b", {"x": 2}, 1.0)], "min")
    assert (best.trials, best.score, best.epoch, best.spread) == (("b",), 1.0, 1, None)
    assert (other.trials, other.score, other.epoch) == (("a",), 2.0, 2)


def test_each_set_up_has_one_place_after_distinct():
    places = ranked_trials(
        [trial("a", {"x": 1}, 3.0), trial("b", {"x": 2}, 2.0), trial("c", {"x": 1}, 1.0)], "min"
    )
    assert [p.trials for p in distinct(places)] == [("c",), ("b",)]


def test_the_mean_curve_spans_the_epochs_that_all_seeds_have():
    curves = [((1, 1.0), (2, 2.0), (3, 3.0)), ((1, 3.0), (2, 4.0)), ((1, 2.0), (2, NAN))]
    assert mean_curve(curves[:2]) == ((1, 2.0), (2, 3.0))
    assert mean_curve(curves) == ((1, 2.0),)
    assert mean_curve([]) == ()


def test_set_ups_are_ranked_by_their_mean_not_by_their_luckiest_seed():
    lucky = [trial("a", {"x": 1}, 5.0, 0.1), trial("b", {"x": 1}, 5.0, 9.9)]
    steady = [trial("c", {"x": 2}, 4.0, 3.0), trial("d", {"x": 2}, 4.0, 3.2)]
    first, second = ranked_setups([*lucky, *steady], "min")
    assert (first.setup, first.score, first.epoch) == ({"x": 2}, pytest.approx(3.1), 2)
    assert first.spread == pytest.approx(0.1414, abs=1e-3)
    assert (second.setup, second.score) == ({"x": 1}, 5.0)


def test_a_set_up_without_any_score_has_no_place():
    made = ranked_setups(
        [trial("a", {"x": 1}, 1.0, outcome=Outcome.FAULTY), trial("b", {"x": 2}, NAN)], "min"
    )
    assert made == []


def test_set_ups_with_different_names_are_different():
    assert (
        len(ranked_setups([trial("a", {"x": 1}, 1.0, name="p"), trial("b", {"x": 1}, 1.0, name="q")], "min"))
        == 2
    )


def test_best_values_come_from_the_best_set_up_in_which_they_exist():
    space = Space((Interval("lr", 0.0, 1.0), Interval("momentum", 0.0, 1.0), Interval("other", 0.0, 1.0)))
    trials = [
        trial("a", {"lr": 0.1}, 1.0),
        trial("b", {"lr": 0.2, "momentum": 0.9}, 2.0),
        trial("c", {"lr": 0.3}, 3.0),
    ]
    known = best_values(trials, "min", space, {"other": 0.5, "gone": 1})
    assert known == {"lr": 0.1, "momentum": 0.9, "other": 0.5}
    assert best_values(trials, "max", space, {})["lr"] == 0.3
