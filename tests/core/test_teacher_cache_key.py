"""How much room a roadmap gives to what a teacher says."""

from __future__ import annotations

import pytest
from tests.support.roadmaps import GRID, PROBE, SPACE_BY, problems, small

from staycourse.core.roadmap import parse


@pytest.mark.parametrize(
    ("said", "room"), [(None, 4 << 30), ('"2 MiB"', 2 << 20), ('"1.5 kB"', 1500), ("false", 0)]
)
def test_it_is_a_size_or_none_at_all(said: str | None, room: int) -> None:
    more = f"[training]\nteacher_cache = {said}\n" if said else ""
    assert parse(small(PROBE, GRID, space=SPACE_BY, more=more)).training.teacher_cache == room


@pytest.mark.parametrize("said", ["true", "5", '"much"'])
def test_anything_else_is_told_with_its_place(said: str) -> None:
    (told,) = problems(small(PROBE, GRID, space=SPACE_BY, more=f"[training]\nteacher_cache = {said}\n"))
    assert told.startswith("line 7: training.teacher_cache: ")
    assert '"1 GiB"' in told and "false" in told
