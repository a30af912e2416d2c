import math

import pytest

from staycourse.core.forecast import Left, Work, forecast


def test_nothing_is_said_before_a_trial_has_ended():
    assert forecast([], [Left(3, 1.0, 10)]) is None
    assert forecast([Work(1.0, 10, 0, 0.0)], [Left(3, 1.0, 10)]) is None


def test_the_rest_costs_what_its_epochs_and_share_of_the_data_cost_so_far():
    done = [Work(1.0, 10, 10, 100.0), Work(0.5, 10, 10, 50.0)]
    told = forecast(done, [Left(2, 1.0, 10), Left(4, 0.5, 30)])
    assert told.seconds == pytest.approx(2 * 100 + 4 * 150)
    assert told.spread == 0


def test_trials_that_rules_end_early_make_the_rest_shorter():
    told = forecast([Work(1.0, 100, 20, 200.0)], [Left(1, 1.0, 100)])
    assert told.seconds == pytest.approx(200)


def test_slots_share_the_work():
    done, left = [Work(1.0, 10, 10, 100.0)], [Left(4, 1.0, 10)]
    assert forecast(done, left, slots=2).seconds == pytest.approx(forecast(done, left).seconds / 2)


def test_the_spread_grows_with_what_is_uncertain_and_shrinks_with_what_is_known():
    few = [Work(1.0, 10, 10, 80.0), Work(1.0, 10, 10, 120.0)]
    many = few * 20
    left = [Left(10, 1.0, 10)]
    assert forecast(many, left).spread < forecast(few, left).spread
    assert forecast(few, [Left(20, 1.0, 10)]).spread > forecast(few, left).spread
    assert forecast(few[:1], left).spread > 0


def test_the_spread_is_that_of_repeated_campaigns():
    import random
    import statistics

    rng = random.Random(4)
    known, left = 8, 12
    errors, spreads = [], []
    for _ in range(1500):
        done = [Work(1.0, 10, 10, rng.gauss(100, 20)) for _ in range(known)]
        truth = sum(rng.gauss(100, 20) for _ in range(left))
        told = forecast(done, [Left(left, 1.0, 10)])
        errors.append(told.seconds - truth)
        spreads.append(told.spread)
    assert statistics.fmean(spreads) == pytest.approx(statistics.pstdev(errors), rel=0.1)
    assert math.isclose(statistics.fmean(errors), 0, abs_tol=8)


def test_nothing_left_takes_no_time():
    told = forecast([Work(1.0, 10, 10, 100.0)], [])
    assert (told.seconds, told.spread) == (0, 0)
