"""A campaign of all phases under twelve kills leaves what it leaves when it is left in peace.

`python bench/chaos.py` does the same with as many kills as wanted.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.support.chaos import Chaos, undisturbed
from tests.support.chaos_campaign import faults, first_difference, replayed_rows, results
from tests.support.tiny import Place

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

KILLS, EPOCHS = 12, 10


@pytest.fixture
def places(tmp_path: Path) -> Iterator[tuple[Place, Place]]:
    here = Place(tmp_path / "undisturbed"), Place(tmp_path / "killed")
    yield here
    for place in here:
        place.close()


def test_twelve_kills_change_nothing(places: tuple[Place, Place], tmp_path: Path) -> None:
    seed = int(os.environ.get("STAYCOURSE_TEST_SEED", random.SystemRandom().randrange(10**6)))
    print(f"STAYCOURSE_TEST_SEED={seed}")  # noqa: T201  # pytest shows it with a failure
    in_peace, killed = places
    chaos = Chaos(KILLS, random.Random(seed), EPOCHS)
    with ThreadPoolExecutor(1) as pool:
        peaceful = pool.submit(undisturbed, in_peace, EPOCHS)
        run = chaos.run(killed)
        wanted = results(in_peace, peaceful.result())
    assert first_difference(wanted, results(killed, run)) is None
    assert faults(killed, run) == []
    # Or this has shown nothing.
    assert chaos.is_over, f"the campaign was over after {chaos.tally.count} kills"
    assert chaos.tally.resumes and replayed_rows(killed, run), chaos.tally
    assert len(wanted.planned) > 10 and len(wanted.handoffs) == 6
