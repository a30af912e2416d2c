"""What holds at every size: each row as wide as the window, no pane without a row, no number cut off."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.sample_run import ROADMAP, write_run
from tests.support.sample_states import REPORT, offer
from tests.support.screen_text import frame_of, rows_of

from staycourse_tui.frames import Frame
from staycourse_tui.panes.all_trials import Order, listing
from staycourse_tui.panes.markdown import parse
from staycourse_tui.panes.report import report_lines
from staycourse_tui.pictures.framing import Picture
from staycourse_tui.pictures.log import LogState, draw_log
from staycourse_tui.pictures.report import ReportState, draw_report
from staycourse_tui.pictures.run import PANES, ViewState, draw
from staycourse_tui.pictures.trial import TrialState, draw_trial
from staycourse_tui.pictures.trials import TrialsState, draw_trials
from staycourse_tui.screens.plan import PlanScreen

Size = tuple[int, int]
# Widths at ever other heights, and the sizes around which the layout changes.
SIZES = [(width, 16 + width % 55) for width in range(60, 251, 9)]
SIZES += [
    (60, 16),
    (61, 17),
    (75, 19),
    (76, 20),
    (80, 24),
    (99, 29),
    (99, 30),
    (100, 29),
    (100, 30),
    (139, 36),
]
SIZES += [(139, 36), (140, 35), (140, 36), (159, 36), (160, 48), (200, 17), (60, 70), (250, 70)]
TINY = [(59, 40), (60, 15), (250, 15), (20, 5)]
BLOCKS = parse(REPORT)


def run(focus: str = "curves", **more: object) -> Callable[[Frame, Size], Picture]:
    state = ViewState(focus=focus, **more)  # type: ignore[arg-type]
    return lambda frame, size: draw(frame, state, size).picture


def trial(frame: Frame, size: Size) -> Picture:
    return draw_trial(frame, TrialState(), size).picture


def trials(frame: Frame, size: Size) -> Picture:
    marked = replace(frame, marked=tuple(view.id for view in frame.snapshot.trials[-3:]))
    order = Order(by="score", column="schedule")
    return draw_trials(marked, listing(marked, order), TrialsState(order, frame.focus), size).picture


def log(frame: Frame, size: Size) -> Picture:
    return draw_log(frame, LogState(), size).picture


def report(frame: Frame, size: Size) -> Picture:
    return draw_report(frame, report_lines(BLOCKS, size[0] - 2), ReportState(), size).picture


SCREENS = {
    **{f"run-{pane}": run(pane) for pane in PANES},
    "run-full": run(full=True),
    "run-unreadable": run(unread=4242.0, message="cannot be read: its folder is gone", frozen="12:00:00"),
    "trial": trial,
    "trials": trials,
    "log": log,
    "report": report,
}


@pytest.fixture(scope="session")
def unwieldy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on sixteen GPUs, whose names are long and whose hours are many."""
    roadmap = ROADMAP.replace("dropout ", "encoder_attention_dropout_probability ")
    roadmap += '\n[objective]\nmetric = "val_word_error_rate_of_all_speakers"\n'
    folder = tmp_path_factory.mktemp("unwieldy") / "a-campaign-with-a-rather-long-name-12"
    return write_run(folder, "suspended", gpus=16, hours=1234.5, roadmap_text=roadmap)


@pytest.mark.parametrize("screen", SCREENS)
def test_long_names_give_way_to_numbers(unwieldy: Path, screen: str) -> None:
    frame = replace(frame_of(unwieldy), files=("final/model.safetensors", "report.md"))
    for size in SIZES:
        _check(SCREENS[screen](frame, size), size)


@pytest.mark.parametrize("state", ["empty", "running", "gpus", "suspended", "finished", "failed"])
@pytest.mark.parametrize("screen", SCREENS)
def test_a_run_fits_every_size(sample_runs: dict[str, Path], screen: str, state: str) -> None:
    frame = frame_of(sample_runs[state])
    for size in SIZES:
        _check(SCREENS[screen](frame, size), size)
    for size in TINY:
        _check_line(SCREENS[screen](frame, size), size)


def test_a_plan_fits_every_size() -> None:
    screen = PlanScreen(offer())
    for size in SIZES:
        _check(screen.picture(*size), size)


def _check(picture: Picture, size: Size) -> None:
    rows = rows_of(picture, size)
    assert all(box.height > 0 and box.width > 0 for box in picture.boxes), picture.boxes
    cut = [row for row in rows if re.search(r"\d…", row)]
    assert not cut, (size, cut)
    assert rows[0].strip() and rows[-1].strip(), size


def _check_line(picture: Picture, size: Size) -> None:
    """Below the smallest size there is one line, which says how the run stands."""
    rows = rows_of(picture, size)
    assert rows[0].strip() and not "".join(rows[1:]).strip()
