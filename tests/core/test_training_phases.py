import math

import pytest

from staycourse.core.training_phases import segments

BASE = 100.0


def curve(*pieces):
    """Pieces of (epochs, value above BASE at their end), the value moving evenly; begins at 10."""
    points, value = [(1, BASE + 10)], BASE + 10
    for length, above in pieces:
        end = BASE + above
        start = points[-1][0]
        points += [(start + n, value + (end - value) * n / length) for n in range(1, length + 1)]
        value = end
    return tuple(points)


def told(found, least=0):
    """The kinds, without what is shorter than `least` epochs: averaging makes corners a little round."""
    return [segment.kind for segment in found if segment.last - segment.first >= least]


def test_a_drop_a_plateau_and_a_second_drop():
    found = segments(curve((20, 5.0), (60, 5.0), (20, 1.0)), "min")
    assert told(found, least=10) == ["drop", "plateau", "drop"]
    first, flat, second = [segment for segment in found if segment.last - segment.first >= 10]
    assert (first.first, second.last) == (1, 101)
    assert abs(first.last - 21) <= 5
    assert abs(flat.first - 21) <= 7
    assert abs(flat.last - 81) <= 7
    assert (first.begin, second.end) == (BASE + 10, BASE + 1)
    assert flat.end == pytest.approx(BASE + 5, abs=1)


def test_an_even_descent_is_one_segment():
    (only,) = segments(curve((100, 0.0)), "min")
    assert (only.kind, only.first, only.last, only.begin, only.end) == ("descent", 1, 101, BASE + 10, BASE)


def test_no_improvement_at_all_is_a_plateau():
    (only,) = segments(tuple((epoch, 3.0) for epoch in range(1, 30)), "min")
    assert (only.kind, only.first, only.last) == ("plateau", 1, 29)
    (only,) = segments(tuple((epoch, float(epoch)) for epoch in range(1, 30)), "min")
    assert (only.kind, only.begin, only.end) == ("plateau", 1.0, 1.0)


def test_noise_above_the_best_so_far_cuts_nothing():
    clean = curve((30, 2.0), (70, 1.9))
    noisy = tuple((epoch, value + (3.0 if epoch % 3 == 0 else 0.0)) for epoch, value in clean)
    assert told(segments(noisy, "min")) == told(segments(clean, "min")) == ["drop", "plateau"]


def test_a_goal_of_max_is_the_same_upside_down():
    down = curve((20, 5.0), (60, 5.0), (20, 1.0))
    up = tuple((epoch, -value) for epoch, value in down)
    assert [(s.kind, s.first, s.last) for s in segments(up, "max")] == [
        (s.kind, s.first, s.last) for s in segments(down, "min")
    ]


def test_segments_join_without_a_gap_and_leave_no_scrap():
    for shape in ([(7, 5.0), (3, 5.0), (90, 4.0)], [(1, 0.0), (50, 0.0)], [(50, 9.9), (5, 0.0), (2, 0.0)]):
        points = curve(*shape)
        found = segments(points, "min")
        assert found[0].first == 1
        assert found[-1].last == points[-1][0]
        for one, other in zip(found, found[1:], strict=False):
            assert other.first == one.last + 1
            assert other.begin == one.end
            assert one.kind != other.kind


def test_a_loss_that_halves_evenly_is_one_descent_though_most_is_gained_early():
    points = tuple((epoch, 2.0 ** -(epoch / 10)) for epoch in range(1, 101))
    assert told(segments(points, "min")) == ["descent"]
    low = tuple((epoch, 1.0 + value / 100) for epoch, value in points)
    assert told(segments(low, "min"))[0] == "drop"  # within a factor of three an even step is an even step


def test_a_loss_that_falls_by_orders_of_magnitude_and_then_rests():
    points = [(epoch, 10.0 ** -(min(epoch, 30) / 10)) for epoch in range(1, 101)]
    assert told(segments(tuple(points), "min")) == ["drop", "plateau"]


@pytest.mark.parametrize("few", [(), ((1, 2.0),), ((1, 2.0), (2, 1.0), (3, 0.5))])
def test_too_few_values_tell_nothing(few):
    assert segments(few, "min") == []


def test_values_that_are_no_numbers_are_left_out():
    points = [*curve((20, 5.0), (60, 5.0)), (82, math.nan), (83, math.inf)]
    assert told(segments(tuple(points), "min")) == ["drop", "plateau"]


def test_epochs_without_validation_are_no_gap():
    points = tuple(point for point in curve((20, 5.0), (60, 5.0), (20, 1.0)) if point[0] % 5 == 0)
    found = segments(points, "min")
    assert told(found, least=15) == ["drop", "plateau", "drop"]
    assert (found[0].first, found[-1].last) == (5, 100)
