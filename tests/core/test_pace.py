import math
import random

import pytest

from staycourse.core.pace import Pace, seconds_at, to_the_end


def test_each_row_tells_of_the_steps_since_the_one_before():
    pace = Pace(100)
    pace.add([(10, 100.0), (30, 50.0)])
    pace.add([(40, 200.0)])
    assert pace.points() == [(0, 0.0), (10, 1.0), (30, 2.0), (40, 4.0)]
    assert pace.newest == (40, 4.0)


def test_a_trial_that_goes_on_begins_where_its_parent_ended():
    pace = Pace(100, start=(100, 60.0))
    pace.add([(90, 1.0), (110, 1000.0)])
    assert pace.points() == [(100, 60.0), (110, 70.0)]


def test_rows_that_say_nothing_are_left_out():
    pace = Pace(100)
    pace.add([(10, math.nan), (10, math.inf), (20, -1.0), (20, 100.0), (20, 100.0), (15, 3.0)])
    assert pace.points() == [(0, 0.0), (20, 2.0)]


@pytest.mark.parametrize("seed", range(5))
def test_few_points_tell_what_all_of_them_do(seed):
    rng = random.Random(seed)
    rows, step = [], 0
    for _ in range(3000):
        step += rng.randint(1, 30)
        rows.append((step, rng.uniform(40, 60)))
    whole, few = Pace(10_000), Pace(50)
    whole.add(rows)
    for at in range(0, len(rows), 7):
        few.add(rows[at : at + 7])
    assert len(few.points()) <= 50
    assert few.points()[-1] == whole.points()[-1]
    assert set(few.points()) <= set(whole.points())
    for at in range(0, step, 501):
        assert seconds_at(few.points(), at) == pytest.approx(
            seconds_at(whole.points(), at), abs=0.02 * step / 20
        )


def test_the_end_of_a_trial_is_reached_as_fast_as_its_newest_row_tells():
    assert to_the_end([(0, 0.0), (10, 1.0), (20, 3.0)], 25, 99.0) == [
        (0, 0.0),
        (10, 1.0),
        (20, 3.0),
        (25, 4.0),
    ]
    assert to_the_end([(0, 0.0), (10, 1.0)], 10, 99.0) == [(0, 0.0), (10, 1.0)]


def test_a_trial_without_rows_is_a_straight_line():
    assert to_the_end([(0, 0.0)], 50, 20.0) == [(0, 0.0), (50, 20.0)]
    assert to_the_end([(100, 7.0)], 150, 20.0) == [(100, 7.0), (150, 27.0)]


def test_seconds_between_the_points_and_beyond_them():
    points = [(0, 0.0), (10, 1.0), (20, 3.0)]
    assert [seconds_at(points, step) for step in (0, 5, 10, 15, 20, 30)] == [0.0, 0.5, 1.0, 2.0, 3.0, 5.0]
    assert seconds_at([(0, 0.0)], 5) is None
    assert seconds_at([], 5) is None
