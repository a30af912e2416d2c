"""Each verdict provoked by figures of a real kind, and by neighbours of these that must not provoke it."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from staycourse.core.slowdowns import ADVICE, Epoch, Signs, Step, is_news, look, trend

GIB = 2**30


def told(signs: Signs) -> list[str]:
    return [found.text for found in look(signs)]


def kinds(signs: Signs) -> list[str]:
    return [found.kind for found in look(signs)]


def epochs(seconds, **columns):
    """Epochs of those seconds; each column holds a field's values, or one value for all."""
    count = len(seconds)
    rows = {name: v if isinstance(v, list) else [v] * count for name, v in columns.items()}
    return tuple(
        Epoch(at + 1, seconds[at], **{name: values[at] for name, values in rows.items()})
        for at in range(count)
    )


# starved

HUNGRY = Signs(workers=2, cpus=16, cpu_load=0.4, step=Step(63.0, 2.0, 35.0, 600, 60.0))


def test_a_step_that_waits_for_data_says_how_many_workers_would_do():
    (found,) = look(HUNGRY)
    assert found.text == "starved: 63% of a step waits for data; 2 workers, 6 would do"
    assert found.share == 0.63 and found.figures["workers_wanted"] == 6


@pytest.mark.parametrize(
    ("workers", "wait_ms", "said"),
    [
        (0, 63.0, "no workers, 2 would do"),  # one batch takes 63 ms, a step without it 37
        (1, 63.0, "1 worker, 3 would do"),
        (4, 6.0, "4 workers, 5 would do"),
        (8, 3000.0, "8 workers, and more than 32 would be needed: make samples cheaper"),
    ],
)
def test_the_number_follows_from_what_a_batch_takes(workers, wait_ms, said):
    (text,) = told(replace(HUNGRY, workers=workers, step=replace(HUNGRY.step, wait_ms=wait_ms)))
    assert text.endswith("of a step waits for data; " + said)


def test_cpus_that_are_busy_already_are_named():
    busy = replace(HUNGRY, cpus=4, cpu_load=0.95)
    (text,) = told(busy)
    assert text.endswith(
        "2 workers, 6 would do, but there are only 4 CPUs, training included: make samples cheaper"
    )
    for plenty in (replace(busy, cpus=8), replace(busy, cpu_load=0.2), replace(busy, cpus=None)):
        assert told(plenty)[0].endswith("2 workers, 6 would do")


def test_who_tells_of_no_workers_is_told_no_number():
    assert told(replace(HUNGRY, workers=None)) == [
        "starved: 63% of a step waits for data; more loader workers, or cheaper samples, would help"
    ]


@pytest.mark.parametrize(
    "step",
    [
        None,
        Step(3.0, 2.0, 35.0, 600, 24.0),  # 7.5 %
        Step(0.4, 0.0, 0.6, 60_000, 60.0),  # what handing over a batch takes anyway
        Step(63.0, 2.0, 35.0, 19, 60.0),  # too few
        Step(63.0, 2.0, 35.0, 25, 2.5),  # too short
        Step(0.0, 0.0, 0.0, 600, 60.0),
    ],
)
def test_a_step_that_hardly_waits_or_is_hardly_known_is_not_starved(step):
    assert told(replace(HUNGRY, step=step)) == []


# growing


def test_epochs_that_grow_with_memory_ask_for_losses_kept():
    seconds = [60.0, *(41.0 + 3.5 * at for at in range(6))]
    memory = [(2.0 + 0.25 * at) * GIB for at in range(7)]
    (found,) = look(Signs(epochs=epochs(seconds, steps=100, batch_size=32.0, host_bytes=memory)))
    assert found.text == (
        "epochs grow: 41 s, 44 s, 48 s … 58 s, and memory with them (2.25 to 3.50 GiB): "
        "losses kept with their graphs?"
    )
    assert 0.4 < found.share < 0.45 and found.figures["first_epoch"] == 2


def test_epochs_that_grow_without_memory_say_so():
    seconds = [60.0, *(41.0 + 3.5 * at for at in range(6))]
    (known,) = told(Signs(epochs=epochs(seconds, host_bytes=2.0 * GIB)))
    assert known.startswith("epochs grow: 41 s, 44 s, 48 s … 58 s, and memory does not: ")
    (unknown,) = told(Signs(epochs=epochs(seconds)))
    assert "memory" not in unknown and unknown.startswith("epochs grow: 41 s, ")


def test_memory_that_grew_first_does_not_keep_the_epochs_growth_from_being_told():
    seconds = [60.0, *[41.0] * 5, *(41.0 + 3 * at for at in range(30))]
    memory = [(2.0 + 0.25 * at) * GIB for at in range(36)]
    every = epochs(seconds, host_bytes=memory)
    seen = [found.kind for last in range(1, 37) for found in look(Signs(epochs=every[:last]))]
    assert seen[0] == "growing memory" and seen[-1] == "growing" and len(seen) == 36 - 6


def test_memory_alone_that_grows_is_named():
    memory = [8 * GIB + 200 * 2**20 * at for at in range(8)]
    flat = [40.0, 41.0, 40.5, 40.0, 41.5, 40.0, 40.5, 41.0]
    assert told(Signs(epochs=epochs(flat, device_bytes=memory))) == [
        "GPU memory grows: 8.20 to 9.37 GiB in 7 epochs: losses kept with their graphs?"
    ]


def flat(seed: int, count: int, scatter: float) -> list[float]:
    rng = random.Random(seed)
    return [40.0 * rng.lognormvariate(0.0, scatter) for _ in range(count)]


def ever(seconds, **columns) -> list[str]:
    """What is found when a training is looked at after each of its epochs."""
    every = epochs(seconds, **columns)
    return [text for last in range(1, len(every) + 1) for text in told(Signs(epochs=every[:last]))]


@pytest.mark.parametrize("scatter", [0.02, 0.1, 0.3])
def test_flat_epochs_do_not_grow_however_they_scatter(scatter):
    assert [seed for seed in range(10) if ever(flat(seed, 30, scatter))] == []


def test_noise_does_not_hide_growth():
    rise = [1.0 + 0.06 * at for at in range(30)]
    for seed in range(10):
        assert ever([a * b for a, b in zip(flat(seed, 30, 0.05), rise, strict=True)])


@pytest.mark.parametrize(
    "seconds",
    [
        [40.0, 41.0, 40.0, 41.0, 120.0, 40.0, 41.0, 40.0, 41.0, 40.0],  # one slow epoch
        [40.0] * 6 + [60.0] * 6,  # another trial has begun beside it
        [40.0 + 0.05 * at + (9.0 if at > 15 else 0.0) for at in range(31)],  # the same, with a little drift
        [50.0 - 12.0 * 0.6**at + 0.02 * at for at in range(14)],  # what becomes warm, and then is
        [20.0, 40.0, 40.0, 41.0, 40.0, 41.0, 40.0, 40.0],  # the first one was short
        [30.0, 44.0, 47.0, 48.0, 48.2, 48.3, 48.2, 48.3],  # a machine that becomes warm
        [80.0, 60.0, 55.0, 50.0, 45.0, 42.0, 41.0],
    ],
)
def test_what_is_no_steady_growth_is_none(seconds):
    assert ever(seconds) == []


def test_a_schedule_of_the_batch_size_is_no_growth():
    """Epochs fall as batches grow, and rise where they shrink: only equal work is compared."""
    sizes = [8.0] * 6 + [16.0] * 6 + [4.0] * 6 + [2.0] * 6
    seconds = [400.0 / size for size in sizes]
    steps = [round(1000 / size) for size in sizes]
    assert ever(seconds, batch_size=sizes, steps=steps) == []
    assert ever([10.0 * at for at in range(1, 13)], steps=[100 * at for at in range(1, 13)]) == []


def test_validation_every_few_epochs_is_no_growth():
    seconds = [40.0, 40.0, 60.0, 40.0, 60.0, 61.0, 61.0, 61.0]
    validation = [None, None, 20.0, None, 20.0, 20.0, 20.0, 20.0]
    assert ever(seconds, validation_s=validation) == []


def test_the_trend_leaves_out_a_validation_that_not_every_epoch_has():
    seconds = [60.0, 40.0, 40.0, 60.0]
    assert trend(epochs(seconds, validation_s=[20.0, None, None, 20.0])) == 0.0
    assert trend(epochs(seconds)) > 0.2


def test_memory_that_levels_off_or_grows_by_a_little_is_no_leak():
    levelled = [2.0 * GIB * (1.5 - 0.5**at) for at in range(12)]
    little = [2.0 * GIB + 2**20 * at for at in range(40)]
    assert ever([40.0] * 12, host_bytes=levelled) == []
    assert ever([40.0] * 40, host_bytes=little) == []


def test_the_trend_of_epochs_is_a_share_of_one():
    assert trend(epochs([60.0, 40.0, 42.0, 44.0])) == pytest.approx(2 / 42)
    assert trend(epochs([60.0, 40.0])) is None


# idle validation

VALIDATES = Signs(
    has_gpu=True,
    epochs=epochs([50.0] * 3, validation_s=15.0, validation_wait_s=10.0),
    training_load=0.94,
    validation_load=0.12,
)


def test_a_gpu_that_is_idle_at_validation_is_told_with_the_cause():
    (found,) = look(VALIDATES)
    assert found.text == (
        "GPU idle at validation: 12% load, 94% in training, for 30% of an epoch; 67% of it waits for data, "
        "more workers would help"
    )
    assert found.share == 0.3
    busy = epochs([50.0] * 3, validation_s=15.0, validation_wait_s=1.0)
    assert told(replace(VALIDATES, epochs=busy))[0].endswith("computed on the CPU, or batches small?")


@pytest.mark.parametrize(
    "changes",
    [
        {"validation_load": 0.85},
        {"validation_load": 0.3, "training_load": 0.35},  # no less than in training
        {"validation_load": None},
        {"training_load": None},
        {"has_gpu": False},
        {"epochs": epochs([50.0] * 3, validation_s=2.0, validation_wait_s=1.0)},
        {"epochs": epochs([50.0] * 3)},
    ],
)
def test_a_validation_that_is_short_or_busy_or_unknown_is_not(changes):
    assert told(replace(VALIDATES, **changes)) == []


# small batch

IDLE = Signs(
    has_gpu=True,
    batch_size=8.0,
    training_load=0.31,
    memory_share=0.03,
    step=Step(0.1, 0.2, 5.0, 1000, 53.0),
)


def test_a_batch_that_is_too_small_for_the_gpu_is_told():
    assert told(IDLE) == [
        "batch too small for this GPU: 31% load and 3.0% of its memory in training at batch_size 8; a larger "
        "one would cost little time"
    ]
    (outside,) = told(replace(IDLE, step=None, batch_size=None))
    assert outside.startswith("GPU mostly idle: 31% load and 3.0% of its memory in training; ")


@pytest.mark.parametrize(
    "changes",
    [
        {"training_load": 0.92},
        {"memory_share": 0.7},  # a larger one would not fit
        {"training_load": None},
        {"memory_share": None},
        {"has_gpu": False},
    ],
)
def test_a_gpu_that_is_busy_or_full_or_unknown_has_no_small_batch(changes):
    assert told(replace(IDLE, **changes)) == []


def test_who_starves_is_not_told_that_its_batch_is_small():
    assert kinds(replace(IDLE, workers=2, step=Step(20.0, 0.2, 5.0, 1000, 25.0))) == ["starved"]


def test_nothing_known_is_nothing_said():
    assert told(Signs()) == told(Signs(has_gpu=True)) == []


def test_a_slow_down_is_news_once_and_when_it_is_twice_as_bad():
    assert is_news(0.2, None)
    assert not is_news(0.39, 0.2)
    assert is_news(0.4, 0.2)


def test_every_kind_has_its_advice():
    both = replace(IDLE, epochs=VALIDATES.epochs, validation_load=0.02, training_load=0.5)
    piling = [8 * GIB + 200 * 2**20 * at for at in range(8)]
    seen = {*kinds(HUNGRY), *kinds(both), *kinds(Signs(epochs=epochs([9.0 + 3 * at for at in range(8)])))}
    seen |= {*kinds(Signs(epochs=epochs([9.0] * 8, host_bytes=piling)))}
    assert seen == set(ADVICE)
