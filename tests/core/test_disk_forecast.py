"""What the checkpoints of a campaign may take, as an upper bound."""

from tests.support.roadmaps import FULL

from staycourse.core.disk_forecast import disk_forecast
from staycourse.core.roadmap import parse
from staycourse.core.text import byte_words

FACTS = {"checkpoint_bytes": 300, "weights_bytes": 100}


def test_two_phases_at_a_time_lie_on_the_disk():
    roadmap = parse(FULL)
    counts = [planned.trials for planned in roadmap.plan()]
    found = disk_forecast(roadmap, FACTS)
    assert found is not None
    assert (found.trial, found.writing) == (700, 1100)
    most = max(a + b for a, b in zip([0, *counts], counts, strict=False))
    assert most < sum(counts)
    assert found.peak == most * 700 + 1100


def test_all_of_them_do_where_all_are_kept():
    roadmap = parse(FULL.replace('keep_checkpoints = "needed"', 'keep_checkpoints = "all"'))
    found = disk_forecast(roadmap, FACTS)
    assert found is not None
    assert found.peak == sum(planned.trials for planned in roadmap.plan()) * 700 + 1100


def test_without_a_size_nothing_is_said():
    assert disk_forecast(parse(FULL), {}) is None


def test_bytes_in_words():
    said = [byte_words(count) for count in (0, 999, 1000, 252_000, 7.44e6, 999_700_000, 1.5e12)]
    assert said == ["0 B", "999 B", "1 kB", "252 kB", "7.44 MB", "1 GB", "1.5 TB"]
