"""Numbers, times and names."""

from __future__ import annotations

import math

import pytest

from staycourse_tui import formatting as fmt


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "—"),
        (0.0, "0"),
        (0.29712, "0.2971"),
        (1.23456, "1.235"),
        (12.3456, "12.35"),
        (99999.0, "99999"),
        (123456.0, "1.23e5"),
        (0.00012345, "1.23e-4"),
        (-0.5, "-0.5000"),
        (math.nan, "nan"),
        (-math.inf, "-inf"),
    ],
)
def test_number_has_four_significant_digits(value: float | None, shown: str) -> None:
    assert fmt.number(value) == shown


@pytest.mark.parametrize("exponent", range(-300, 301, 7))
def test_a_number_never_needs_more_than_nine_cells(exponent: int) -> None:
    assert len(fmt.number(-1.23456 * 10.0**exponent)) <= 9


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0s"),
        (59.6, "1m00s"),
        (303, "5m03s"),
        (3599.6, "1h00m"),
        (11520, "3h12m"),
        (356400, "4d03h"),
        (-1, "0s"),
    ],
)
def test_duration_has_two_units(seconds: float, shown: str) -> None:
    assert fmt.duration(seconds) == shown


@pytest.mark.parametrize(("seconds", "shown"), [(0.42, "0.4s"), (9.96, "10s"), (42, "42s"), (95, "1m35s")])
def test_age_is_fine_below_ten_seconds(seconds: float, shown: str) -> None:
    assert fmt.age(seconds) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.4, "0.4"), (182.0, "182"), (999.6, "1.0k"), (2914.0, "2.9k"), (29140.0, "29k"), (1.4e7, "14M")],
)
def test_compact_has_a_unit_prefix(value: float, shown: str) -> None:
    assert fmt.compact(value) == shown


@pytest.mark.parametrize(("seconds", "shown"), [(50, "50s"), (1879, "31m"), (11520, "3h12m")])
def test_what_remains_is_said_in_minutes(seconds: float, shown: str) -> None:
    assert fmt.remaining(seconds) == shown


def test_small_ones() -> None:
    assert fmt.rough(1260) == "21m"
    assert fmt.gigabytes(38.1 * 2**30) == "38"
    assert fmt.gigabytes(0.6 * 2**30) == "0.6"
    assert fmt.milliseconds(1.84) == "1.8ms"
    assert fmt.milliseconds(2400) == "2.4s"
    assert fmt.plural(1, "trial") == "1 trial"
    assert fmt.plural(1200, "trial") == "1,200 trials"
    assert fmt.clock("no time") == ""
