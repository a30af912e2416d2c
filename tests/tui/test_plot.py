"""Scales, ticks, decimation and braille, with golden text."""

from __future__ import annotations

import math
import random

import pytest

from staycourse_tui.widgets.plot import (
    Canvas,
    Scale,
    decimate,
    scale_of,
    sparkline,
    tick_label,
    ticks,
)


def test_a_log_scale_is_even_in_the_logarithm() -> None:
    scale = Scale(0.01, 1.0, log=True)
    assert scale.unit(0.1) == pytest.approx(0.5)
    assert scale.at(0.5) == pytest.approx(0.1)


def test_a_scale_shows_every_finite_value_and_falls_back_to_linear() -> None:
    scale = scale_of([0.5, math.nan, 2.0, math.inf], log=True)
    assert scale.log and scale.low < 0.5 and scale.high > 2.0
    assert not scale_of([0.0, 1.0], log=True).log
    constant = scale_of([3.0, 3.0], log=False)
    assert 0 < constant.unit(3.0) < 1
    assert scale_of([], log=True) == Scale(0.0, 1.0)


@pytest.mark.parametrize(
    ("scale", "most", "labels"),
    [
        (Scale(0.09, 2.4, log=True), 6, ["0.1", "0.2", "0.5", "1", "2"]),
        (Scale(0.09, 2.4, log=True), 4, ["0.1", "0.3", "1"]),
        (Scale(1e-6, 10, log=True), 4, ["1e-5", "0.001", "0.1", "10"]),
        (Scale(0.271, 0.31, log=True), 4, ["0.28", "0.29", "0.3", "0.31"]),
        (Scale(0.0, 60.0), 4, ["0", "20", "40", "60"]),
        (Scale(-3.0, 3.0), 3, ["-2", "0", "2"]),
        (Scale(0.0, 1.0), 0, []),
    ],
)
def test_ticks_are_round_values(scale: Scale, most: int, labels: list[str]) -> None:
    assert [tick_label(value) for value in ticks(scale, most)][-len(labels) or 99 :] == labels
    assert len(ticks(scale, most)) <= most


def test_ticks_stay_within_the_scale_whatever_it_is() -> None:
    rng = random.Random(1)
    for _ in range(500):
        low = 10 ** rng.uniform(-8, 6)
        scale = Scale(low, low * 10 ** rng.uniform(0.001, 8), log=rng.random() < 0.5)
        most = rng.randint(1, 12)
        found = ticks(scale, most)
        assert len(found) <= most
        assert found == sorted(found)
        assert all(scale.low * 0.999999 <= value <= scale.high * 1.000001 for value in found)


def test_decimation_keeps_spikes_and_breaks_at_gaps() -> None:
    points = [(float(x), 1.0) for x in range(1000)]
    points[500] = (500.0, 9.0)
    points[700] = (700.0, math.nan)
    first, second = decimate(points, 999.0, 100)
    assert len(first) + len(second) <= 101
    assert max(column.high for column in first) == 9.0
    assert first[-1].x <= second[0].x


def test_decimation_of_nothing_and_of_one_point() -> None:
    assert decimate([], 10.0, 20) == []
    ((column,),) = decimate([(10.0, 2.0)], 10.0, 20)
    assert (column.x, column.first) == (19, 2.0)


def test_a_falling_curve_in_braille() -> None:
    canvas = Canvas(8, 2)
    points = [(float(x), 1.0 - x / 15) for x in range(16)]
    canvas.curve(decimate(points, 15.0, 16), Scale(0.0, 1.0), 0)
    assert canvas.text() == ["⠉⠒⠤⣀    ", "    ⠉⠒⠤⣀"]
    assert canvas.cell(0, 0)[1] == 0 and canvas.cell(7, 0) == (" ", -1)


def test_the_curve_drawn_last_owns_the_cell() -> None:
    canvas = Canvas(1, 1)
    canvas.dot(0, 0, 1)
    canvas.dot(1, 3, 0)
    assert canvas.cell(0, 0) == ("⢁", 0)
    canvas.dot(-1, 0, 5)
    canvas.dot(2, 0, 5)
    assert canvas.cell(0, 0) == ("⢁", 0)


def test_a_sparkline_shows_the_newest_values_at_its_right() -> None:
    assert sparkline([0, 50, 100, 100], 0, 100, 4) == "  ⣰⣿"
    assert sparkline([], 0, 100, 3) == "   "
    assert len(sparkline(list(range(100)), 0, 100, 5)) == 5
