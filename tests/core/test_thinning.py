import math
import random

import pytest

from staycourse.core.thinning import ThinnedCurve, thin


def curve(seed, length):
    """Steps with gaps between them, a walk with spikes, and now and then what is no number."""
    rng = random.Random(seed)
    step, value, points = 0, 0.0, []
    for _ in range(length):
        step += rng.randint(1, 5)
        value += rng.gauss(0, 1)
        shown = value + 1000 * rng.choice([0] * 200 + [-1, 1])
        points.append((step, step // 20, rng.choice([shown] * 99 + [math.nan, math.inf, -math.inf][:1])))
    return points


def finite(points):
    return [point for point in points if math.isfinite(point[2])]


@pytest.mark.parametrize("length", [0, 1, 2, 5, 99, 100])
def test_a_short_curve_is_kept_whole(length):
    points = curve(1, length)
    assert thin(points, 101) == points


@pytest.mark.parametrize("seed", range(20))
def test_of_a_long_one_few_points_are_kept_the_extremes_and_the_newest_among_them(seed):
    rng = random.Random(seed)
    most = rng.randint(5, 300)
    points = curve(seed, rng.randint(most, 20 * most))
    kept = thin(points, most)
    assert len(kept) <= most
    assert kept[-1] is points[-1]
    assert [point for point in points if point in kept] == kept, "a part of the points, in their order"
    low, high = (choose(finite(points), key=lambda point: point[2]) for choose in (min, max))
    assert low in kept
    assert high in kept
    assert any(not math.isfinite(v) for _, _, v in kept) == any(not math.isfinite(v) for _, _, v in points)


@pytest.mark.parametrize("seed", range(10))
def test_each_stretch_of_neighbours_keeps_its_smallest_and_largest_value(seed):
    points, most = curve(seed, 5000), 200
    kept = thin(points, most)
    # A bucket is a power of two and keeps three points at most: at worst it is this wide.
    widest = 2 ** math.ceil(math.log2(3 * len(points) / most) + 1)
    for begin in range(0, len(points) - widest, widest):
        stretch = finite(points[begin : begin + widest])
        near = {point for point in kept if stretch[0][0] <= point[0] <= stretch[-1][0]}
        assert min(stretch, key=lambda point: point[2]) in near
        assert max(stretch, key=lambda point: point[2]) in near


@pytest.mark.parametrize("seed", range(20))
def test_the_portions_in_which_points_come_do_not_matter(seed):
    rng = random.Random(seed)
    points, most = curve(seed, rng.randint(0, 3000)), rng.randint(5, 200)
    growing, at = ThinnedCurve(most), 0
    while at < len(points):
        size = rng.randint(1, 400)
        growing.add(points[at : at + size])
        at += size
        assert len(growing.points()) <= most
        assert growing.points()[-1] is growing.newest
    assert growing.points() == thin(points, most)


def test_a_gap_stays_where_it_is():
    points = [(step, step, math.nan if 400 <= step < 420 else 1.0 + step % 7) for step in range(1000)]
    gaps = [step for step, _, value in thin(points, 60) if math.isnan(value)]
    assert gaps
    assert all(400 <= step < 420 for step in gaps)


def test_a_curve_without_any_number_is_one_gap():
    points = [(step, step, math.nan) for step in range(1000)]
    kept = thin(points, 50)
    assert 0 < len(kept) <= 50
    assert all(math.isnan(value) for _, _, value in kept)
