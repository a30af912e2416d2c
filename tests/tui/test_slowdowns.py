"""What holds a running trial up is said where one looks, at every size, and pushes nothing out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.sample_run import engine_for, write_run
from tests.support.sample_states import SLOWDOWNS
from tests.support.screen_text import frame_of, rows_of, screen_of

from staycourse_tui.frames import Frame
from staycourse_tui.panes.slowdowns import running_verdicts
from staycourse_tui.panes.timings import timing_lines
from staycourse_tui.pictures.trial import TrialState, draw_trial
from staycourse_tui.widgets.lines import text

SIZES = [(60, 16), (80, 24), (100, 30), (120, 36), (160, 48), (250, 70)]
(_, GROWING), (_, STARVED) = SLOWDOWNS


@pytest.fixture(scope="module")
def slowed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    run = write_run(tmp_path_factory.mktemp("slowed") / "digits-1", "running", slowdowns=SLOWDOWNS)
    with engine_for(run):
        yield run


def now(run: Path) -> Frame:
    frame = frame_of(run)
    return replace(frame, snapshot=replace(frame.snapshot, engine_age=0.4))


@pytest.mark.parametrize("size", SIZES)
def test_the_run_screen_says_what_holds_the_running_trial_up(slowed: Path, size: tuple[int, int]) -> None:
    rows = screen_of(now(slowed), size)
    place = 1 if size >= (140, 36) else 1 + sum("step 18ms" in row or "CPU load" in row for row in rows[1:3])
    assert rows[place].startswith("▲ t38 starved: 63% of a step waits for data;")
    if size[0] >= 80:
        assert STARVED in rows[place]
        assert rows[place + 1].startswith("▲ t38 epochs grow: 41 s, 44 s, 48 s … 62 s")
    else:
        assert rows[place].rstrip().endswith("… +1 more") or rows[place].rstrip().endswith("+1 more")
    seen = "\n".join(rows)
    # What the screen is for stays on it.
    for words in ("epoch 32/60", "patience 0/5", "val_loss (log)", "2.9k/s", "grid", "LOCKED", "d detach"):
        assert words in seen, (words, seen)
    assert seen.count("┤") >= 2  # a chart with an axis


def test_all_of_it_is_in_full_where_there_is_room(slowed: Path) -> None:
    assert "".join(row.strip() + " " for row in screen_of(now(slowed), (120, 48))[2:5]).count(GROWING) == 1


@pytest.mark.parametrize("size", [(80, 24), (120, 30), (160, 48)])
def test_the_trials_screen_has_every_verdict(slowed: Path, size: tuple[int, int]) -> None:
    picture = draw_trial(now(slowed), TrialState(), size).picture
    seen = "\n".join(rows_of(picture, size))
    assert f"▲ {STARVED}" in seen
    assert f"▲ {GROWING}" in " ".join(seen.replace("\n", " ").split())
    for words in ("LOCKED", "epoch 32/60", "patience 0/5", "2.9k/s", "waits for data 3%", "its output"):
        assert words in seen, (words, seen)


def test_a_trial_that_nothing_holds_up_takes_no_line(sample_runs: dict[str, Path]) -> None:
    frame = now(sample_runs["running"])
    assert running_verdicts(frame.snapshot) == []
    assert "▲" not in "\n".join(screen_of(frame, (80, 24)))


def test_verdicts_of_an_engine_that_is_gone_are_no_news(slowed: Path) -> None:
    frame = now(slowed)
    gone = replace(frame, snapshot=replace(frame.snapshot, is_engine_alive=False))
    assert "▲" not in "\n".join(screen_of(gone, (120, 36)))


def test_epochs_are_told_with_their_trend_and_validation_with_its_waiting(slowed: Path) -> None:
    known = {"epoch_s": 48.2, "epoch_trend": 0.043, "validation_s": 3.0, "validation_wait_share": 0.62}
    lines = [text(made) for made in timing_lines(replace(now(slowed), timing=known), 80)]
    assert lines == ["epoch 48s (+4% an epoch)", "validation 3.0s, 62% waiting"]
    steady = replace(now(slowed), timing={"epoch_s": 48.2, "epoch_trend": -0.004, "validation_s": 3.0})
    assert [text(made) for made in timing_lines(steady, 80)] == ["epoch 48s", "validation 3.0s"]
