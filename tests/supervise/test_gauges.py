"""What the supervisor keeps of an attempt's meters."""

from __future__ import annotations

from typing import Any

import pytest

from staycourse.supervise.gauges import TRAINING, VALIDATION, Gauges


def reading(
    step: int, epoch: int, *, step_ms: float = 10.0, wait_ms: float = 4.0, **more: float
) -> list[Any]:
    values = {"samples_per_s": 1.0, "step_ms": step_ms, "wait_ms": wait_ms, "copy_ms": 1.0, **more}
    values["compute_ms"] = step_ms - wait_ms - 1.0
    return [(name, step, epoch, value) for name, value in values.items()]


def epoch_rows(epoch: int, step: int, seconds: float = 1.0, **more: float) -> list[Any]:
    values = {"epoch_s": seconds, "epoch_rss_bytes": 5e8 + epoch, **more}
    return [(name, step, epoch, value) for name, value in values.items()]


def gauges(step: int = 0, **options: Any) -> Gauges:
    made = Gauges(**options)
    made.begin(step, 2)
    return made


def test_steps_of_the_first_epoch_do_not_count_unless_it_is_long() -> None:
    short = gauges()
    short.take_timing(reading(100, 1))
    assert short.signs().step is None
    short.take_timing([*epoch_rows(1, 150), *reading(200, 2, wait_ms=2.0)])
    step = short.signs().step
    assert step is not None and (step.wait_ms, step.steps, step.seconds) == (2.0, 100, 1.0)
    long = gauges()
    for at in range(1, 71):
        long.take_timing(reading(100 * at, 1))
    assert long.signs().step is not None


def test_a_step_is_that_of_the_last_minute_and_weighted_by_steps() -> None:
    made = gauges(step=1000)
    made.take_timing(epoch_rows(1, 1000))
    for at in range(1, 101):
        made.take_timing(reading(1000 + 100 * at, 2, wait_ms=9.0 if at <= 30 else 2.0))
    step = made.signs().step
    assert step is not None and (step.wait_ms, step.copy_ms, step.seconds) == (2.0, 1.0, pytest.approx(60.0))
    made.take_timing(reading(11_000 + 900, 3, step_ms=2.0, wait_ms=0.5))  # many short ones
    step = made.signs().step
    assert step is not None and step.wait_ms == pytest.approx((5900 * 2.0 + 900 * 0.5) / 6800)


def test_epochs_come_with_their_work_memory_and_validation() -> None:
    made = gauges()
    made.take_metrics([("val_loss", 10, 1, 0.5), ("batch_size", 10, 1, 8.0), ("batch_size", 15, 2, 16.0)])
    made.take_timing([("validation_s", 10, 1, 0.3), ("validation_wait_s", 10, 1, 0.1)])
    assert not made.has_news
    made.take_timing([*epoch_rows(1, 10), *epoch_rows(2, 15, 2.0, epoch_device_memory_bytes=7e9)])
    assert made.has_news
    signs = made.signs()
    first, second = signs.epochs
    assert (first.steps, first.batch_size, first.validation_s, first.validation_wait_s) == (10, 8.0, 0.3, 0.1)
    assert (second.steps, second.batch_size, second.validation_s, second.seconds) == (5, 16.0, None, 2.0)
    assert (first.host_bytes, first.device_bytes, second.device_bytes) == (5e8 + 1, None, 7e9)
    assert (signs.batch_size, made.epoch, made.has_news) == (16.0, 2, False)


def test_the_trend_of_epochs_is_a_row_of_its_own() -> None:
    made = gauges()
    rows = [made.take_timing(epoch_rows(at, 10 * at, 40.0 + 2 * at)) for at in range(1, 5)]
    assert rows[:3] == [[], [], []]
    ((name, step, epoch, value),) = rows[3]
    assert (name, step, epoch, value) == ("epoch_trend", 40, 4, pytest.approx(2 / 46))


def test_a_load_counts_for_a_stage_that_was_told_before_and_after() -> None:
    made = gauges(has_gpu=True)
    sensed = {"util_percent": 90.0, "memory_used_bytes": 4e10, "memory_total_bytes": 8e10}
    idle = {"util_percent": 10.0}
    made.enter(TRAINING, 100.0)
    for at in range(10):
        early = idle if at == 0 else {}  # so soon a sensor's mean still holds what came before
        made.take_sensors({"util_percent": 30.0}, sensed | early, 100.5 + at)
        made.enter(TRAINING, 100.6 + at)
    made.take_sensors({}, idle, 110.6)  # already validating, and not yet told
    made.enter(VALIDATION, 111.0)
    for at in range(6):
        made.take_sensors({}, idle, 112.5 + at)
    assert made.signs().validation_load is None  # not told yet that it still validates
    made.enter(VALIDATION, 118.0)
    signs = made.signs()
    assert (signs.training_load, signs.validation_load) == (pytest.approx(0.9), pytest.approx(0.1))
    assert (signs.cpu_load, signs.memory_share) == (0.3, 0.5)


def test_memory_is_what_the_trial_holds_where_it_tells() -> None:
    made = gauges(has_gpu=True)
    made.take_timing(reading(10, 1, device_memory_bytes=8e9))
    made.take_sensors({}, {"memory_used_bytes": 4e10, "memory_total_bytes": 8e10}, 1.0)
    assert made.signs().memory_share == pytest.approx(0.1)


def test_epochs_alone_are_enough_for_what_they_show() -> None:
    made = Gauges()
    for at in range(1, 6):
        made.take_timing([("epoch_s", at, at, 40.0)])
    signs = made.signs()
    assert [epoch.seconds for epoch in signs.epochs] == [40.0] * 5
    assert (signs.step, signs.workers, signs.training_load, signs.epochs[0].host_bytes) == (None,) * 4


def test_nothing_grows_without_bounds() -> None:
    made = gauges(has_gpu=True)
    for at in range(1, 2000):
        made.take_metrics([("batch_size", at, at, 8.0)])
        made.take_timing([*reading(100 * at, at), *epoch_rows(at, 100 * at)])
    assert len(made.signs().epochs) == 64
    step = made.signs().step
    assert step is not None and step.seconds < 62


def test_other_workers_make_other_waits() -> None:
    made = gauges()
    made.begin(0, 1)
    made.take_timing([*epoch_rows(1, 150), *reading(200, 2)])
    assert made.signs().step is not None
    made.feed(1)
    assert made.signs().step is not None
    made.feed(3)
    assert (made.signs().step, made.signs().workers) == (None, 3)
