"""The main screen as text: every state at every size."""

from __future__ import annotations

import itertools
import math
import re
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.sample_run import ROADMAP, engine_for, write_run
from tests.support.screen_text import frame_of, screen_of

from staycourse_tui.keys import LOG_KEYS, REPORT_KEYS, RUN_KEYS, TRIAL_KEYS, TRIALS_KEYS
from staycourse_tui.panes.header import header
from staycourse_tui.pictures.framing import footer
from staycourse_tui.pictures.run import ViewState
from staycourse_tui.widgets.lines import text

SIZES = [(60, 16), (80, 24), (100, 30), (120, 36), (160, 48), (250, 70)]
SENTENCES = {
    "sealed": ["sealed", "no engine has taken it up", "staycourse resume sealed-1"],
    "empty": ["waiting for the first step", "LOCKED"],
    "running": ["3/5", "grid", "epoch 32/60", "patience", "LOCKED", "ETA", "75%", "2.9k/s", "3%", "18ms"],
    "silent": ["suspended", "without a word", "staycourse resume silent-1"],
    "suspended": ["suspended", "SIGTERM", "staycourse resume suspended-1"],
    "finished": [
        "finished",
        "winner",
        "0.1033 ± 0.0014 at epoch 66",
        "lr 0.0009899",
        "final/model.safetensors",
        "report.md",
    ],
    "failed": ["failed", "none of its 24 trials has a score", "staycourse resume failed-1"],
    "abandoned": ["abandoned", "the loss function had the wrong sign"],
    "gpus": ["gpu0", "92", "71%", "2.9k/s"],
}


@pytest.mark.parametrize(("state", "size"), itertools.product(SENTENCES, SIZES))
def test_each_state_says_what_it_is(sample_runs: dict[str, Path], state: str, size: tuple[int, int]) -> None:
    frame = frame_of(sample_runs[state])
    if state in ("running", "gpus", "empty"):
        frame = replace(frame, snapshot=replace(frame.snapshot, engine_age=0.4))
    rows = screen_of(frame, size)
    # A sentence may be wrapped: panes stand side by side, so look for it word by word.
    for sentence in SENTENCES[state]:
        for word in sentence.split():
            assert any(word in row for row in rows), (word, rows)


@pytest.mark.parametrize("size", SIZES)
def test_no_number_of_the_queue_is_clipped(sample_runs: dict[str, Path], size: tuple[int, int]) -> None:
    frame = frame_of(sample_runs["running"])
    rows = "\n".join(screen_of(frame, size))
    for phase in frame.snapshot.phases:
        assert re.search(rf"{phase.kind} .*{phase.ended}/{phase.trials}\b", rows), rows
        if phase.best is not None:
            assert f"{phase.best:.4f}" in rows
    assert not re.search(r"\d…", "\n".join(row for row in rows.splitlines() if not row[:2].isdigit())), rows


def test_the_main_screen_at_80x24(sample_runs: dict[str, Path]) -> None:
    frame = frame_of(sample_runs["running"])
    rows = screen_of(replace(frame, snapshot=replace(frame.snapshot, engine_age=0.4)), (80, 24))
    assert re.match(
        r"● running-1  3/5 grid  38/55  3h\d\dm  ETA 48m ±3m  ♥ 0\.4s +[0-9a-f]{8} LOCKED$", rows[0]
    )
    assert rows[1].startswith("no NVIDIA driver: CPU load 75%  mem 12/64G  loader 2.9k/s  wait 3%  step 18ms")
    assert rows[2].startswith("─ queue ──────────── done     best ┬─ t38 ▶ running ──")
    assert rows[3:8] == [
        "✓ probe    done       6/6   0.1036 │ epoch 32/60  val_loss 0.2932  patience 0/5 ",
        "✓ narrow   done     24/24   0.1840 │ train_loss 0.2639  12 hours at most        ",
        "▶ grid     running   7/14   0.1044 │ lr 0.007  batch_size 16  dropout 0.356     ",
        "· confirm  waiting   0/10          │ optimizer sgd  momentum 0.9603  +2 more    ",
        "· final    waiting    0/1          │ grid point-8  50% of the data  on cpu0     ",
    ]
    assert rows[8].startswith("─ val_loss (log)  t38 running  t35 best  t36  t34 ───")
    assert rows[20].rstrip().endswith("60 epochs")
    assert rows[23].startswith("1 Queue  2 Trials  3 Curves  4 Log  y linear")
    assert rows[23].endswith("? help  d detach")


def test_finished_phases_tell_what_they_handed_on(sample_runs: dict[str, Path]) -> None:
    frame = frame_of(sample_runs["running"])
    wide = "\n".join(screen_of(frame, (160, 48)))
    assert "lr 1e-05..0.1 became 0.00014..0.007" in wide
    assert "loss floor: val_loss 0.103637 at epoch 58 (t4)" in wide
    narrow = "\n".join(screen_of(frame, (80, 24), ViewState(focus="queue")))
    assert "lr 1e-05..0.1 became 0.00014..0.007" in narrow


def test_a_trial_that_was_chosen_is_told(sample_runs: dict[str, Path]) -> None:
    frame = frame_of(sample_runs["running"], selected="t35")
    rows = "\n".join(screen_of(frame, (120, 36)))
    assert "─ t35 ✓ done" in rows
    assert "best val_loss 0.1044" in rows
    assert "no better val_loss than" in rows


def test_a_final_phase_shows_its_training_loss_and_says_why(sample_runs: dict[str, Path]) -> None:
    frame = frame_of(sample_runs["finished"])
    assert "─ train_loss (log)  t49" in "\n".join(screen_of(frame, (80, 36)))
    alone = replace(frame, compared=())
    assert "final trains on all the data: nothing is held out" in "\n".join(screen_of(alone, (160, 48)))


def test_an_engine_that_is_silent_is_said(sample_runs: dict[str, Path]) -> None:
    frame = frame_of(sample_runs["running"])
    quiet = replace(frame, snapshot=replace(frame.snapshot, engine_age=42.0))
    assert "engine silent for 42s" in screen_of(quiet, (120, 36))[0]
    assert "silent 42s" in screen_of(quiet, (60, 16))[0]


def test_what_cannot_be_read_is_said_at_every_width(sample_runs: dict[str, Path]) -> None:
    frame = frame_of(sample_runs["running"])
    for size in range(60, 251):
        for frozen in ("", "12:00:00"):
            head = text(header(frame.snapshot, size, frozen, unread=42.0))
            assert len(head) == size and re.search(r"(not readable for|unread) 42s", head), head
            assert head.endswith("LOCKED") and "…" not in head and ("FROZEN" in head) == bool(frozen)


def test_figures_of_a_machine_that_nobody_reads_any_more_say_when_they_were(
    sample_runs: dict[str, Path],
) -> None:
    frame = frame_of(sample_runs["gpus"])
    now = replace(frame, snapshot=replace(frame.snapshot, engine_age=0.4))
    assert not re.search(r"devices .*─+ at ", "\n".join(screen_of(now, (160, 48))))
    silent = replace(frame, snapshot=replace(frame.snapshot, engine_age=42.0))
    assert re.search(r"devices .*─+ at \d\d:\d\d:\d\d", "\n".join(screen_of(silent, (160, 48))))
    gone = "\n".join(screen_of(frame_of(sample_runs["suspended"]), (160, 48)))
    assert re.search(r"devices .*─+ at \d\d:\d\d:\d\d", gone)
    assert "no trial is running" in gone and "2.9k/s" not in gone


def test_a_header_without_room_loses_its_times_before_the_state_of_the_engine(tmp_path: Path) -> None:
    run = write_run(tmp_path / "a-campaign-with-a-long-name-12", "running", hours=400)
    with engine_for(run):
        snapshot = replace(frame_of(run).snapshot, engine_age=95.0)
    head = text(header(snapshot, 60))
    assert re.match(r"● a-campaign.*… 3/5 grid 38/55 silent 1m35s +LOCKED$", head), head


def test_below_the_smallest_size_there_is_one_status_line(sample_runs: dict[str, Path]) -> None:
    rows = screen_of(frame_of(sample_runs["running"]), (50, 10))
    assert rows[0].startswith("● ") and rows[0].endswith("LOCKED")
    assert not "".join(rows[1:]).strip()


def test_names_and_values_are_text_and_nothing_else(tmp_path: Path) -> None:
    hostile = ROADMAP.replace('"adamw", "sgd"', '"[/foo]", "sgd"')
    name = "[red]模型[/]\x1b[2J\x1b]0;owned\x07"
    run = write_run(tmp_path / "hostile-1", "suspended", roadmap_text=hostile, names=name, stop_at=(0, 6))
    seen = ""
    for size, focus in itertools.product(SIZES, ("queue", "trials", "curves", "log")):
        seen += "\n".join(screen_of(frame_of(run), size, ViewState(focus=focus)))
    assert "optimizer=[/foo]" in seen and "[red]模型[/]" in seen
    assert "\x1b" not in seen and "\x07" not in seen and "owned" not in seen


def test_losses_that_are_no_numbers_leave_a_gap(sample_runs: dict[str, Path]) -> None:
    frame = frame_of(sample_runs["running"])
    curve = ((24, 1, 2.0), (48, 2, float("nan")), (72, 3, float("inf")), (96, 4, 1.0))
    frame = replace(frame, curves={("t38", "val_loss"): curve})
    assert "val_loss (log)" in "\n".join(screen_of(frame, (80, 24)))
    nothing = replace(frame, curves={("t38", "val_loss"): curve[1:3]})
    assert "val_loss" in "\n".join(screen_of(nothing, (80, 24)))
    below = replace(frame, curves={("t38", "val_loss"): ((24, 1, -1.0), (48, 2, 1.0))})
    assert "(linear, not all above zero)" in "\n".join(screen_of(below, (80, 24)))


def test_a_message_leaves_the_ways_out_where_there_is_room() -> None:
    said = "cannot be read: its folder is gone"
    assert re.match(said + " +esc back  [?] help  d detach$", text(footer(LOG_KEYS, 80, said)))
    assert text(footer(LOG_KEYS, 60, said)).rstrip() == said


def test_the_footer_keeps_the_ways_back_and_out_at_any_width() -> None:
    for size in range(60, 251):
        made = text(footer(RUN_KEYS, size))
        assert len(made) == size
        assert made.startswith("1 Queue  ")
        assert made.endswith("? help  d detach")
        for keys in (TRIALS_KEYS, TRIAL_KEYS, LOG_KEYS, REPORT_KEYS):
            made = text(footer(keys, size))
            assert len(made) == size and made.endswith("esc back  ? help  d detach"), made


def test_curves_without_a_number_get_no_axis_but_a_sentence(sample_runs: dict[str, Path]) -> None:
    frame = frame_of(sample_runs["running"])
    odd = {
        key: tuple((step, epoch, math.nan) for step, epoch, _ in points)
        for key, points in frame.curves.items()
    }
    text = "\n".join(screen_of(replace(frame, curves=odd), (160, 48)))
    assert text.count("nothing to draw: every value so far is nan") == 2
    assert not re.search(r"\d┤", text)


def test_what_a_schedule_has_moved_is_shown_beside_the_set_up(sample_runs: dict[str, Path]) -> None:
    frame = frame_of(sample_runs["running"])
    (live,) = frame.snapshot.live
    moved = replace(live, metrics={**live.metrics, "batch_size": 64.0, "lr": 0.008})
    for metrics, shown in ((live, False), (moved, True)):
        snapshot = replace(frame.snapshot, live=(metrics,), engine_age=0.4)
        screen = "\n".join(screen_of(replace(frame, snapshot=snapshot), (160, 48)))
        assert re.search(r"batch_size +16\b(?!\.)", screen)
        assert bool(re.search(r"batch_size +64\b(?!\.)", screen)) == shown
        assert bool(re.search(r"lr +0\.008\b", screen)) == shown
