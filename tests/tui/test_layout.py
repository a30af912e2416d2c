"""Every size: boxes that cover the screen and never overlap."""

from __future__ import annotations

import itertools

import pytest

from staycourse_tui.layout import Wishes, arrange, joints, shows_all

SIZES = [
    (60, 16),
    (72, 20),
    (80, 24),
    (99, 50),
    (100, 30),
    (120, 36),
    (140, 36),
    (160, 48),
    (200, 20),
    (250, 70),
]
WISHES = [
    Wishes(),
    Wishes(banner=5, queue=22),
    Wishes(phases=9, queue=40, devices=16, lines=4),
    Wishes(phases=1, queue=1),
    Wishes(slowdowns=3, lines=3),
    Wishes(banner=5, slowdowns=1),
]


@pytest.mark.parametrize(("size", "wishes", "full"), itertools.product(SIZES, WISHES, [False, True]))
@pytest.mark.parametrize("focus", ["queue", "trials", "curves", "log"])
def test_the_screen_is_covered_once(size: tuple[int, int], wishes: Wishes, full: bool, focus: str) -> None:
    boxes = arrange(*size, focus, full, wishes)
    seen: dict[tuple[int, int], str] = {}
    for box in boxes:
        assert box.inner_height >= 1 and box.inner_width >= 20, box
        for x, y in itertools.product(range(box.x, box.x + box.width), range(box.y, box.y + box.height)):
            assert (x, y) not in seen, (box, seen.get((x, y)))
            seen[x, y] = box.pane
    assert len(seen) == size[0] * size[1]
    names = [box.pane for box in boxes]
    assert len(names) == len(set(names))
    assert focus in names or (wishes.banner and focus == "curves") or full


def test_a_tiny_window_has_a_status_line_only() -> None:
    for size in ((59, 40), (200, 15), (1, 1)):
        assert [box.pane for box in arrange(*size, "curves", False, Wishes())] == ["header"]


def test_wide_windows_show_every_pane() -> None:
    assert not shows_all(80, 24)
    names = {box.pane for box in arrange(160, 48, "log", False, Wishes())}
    assert names == {
        "header",
        "queue",
        "trials",
        "curves",
        "train",
        "machine",
        "loader",
        "trial",
        "log",
        "footer",
    }


def test_rules_meet_in_joints() -> None:
    boxes = arrange(80, 24, "curves", False, Wishes())
    found = joints(boxes)
    trial = next(box for box in boxes if box.pane == "trial")
    assert found[trial.x, trial.y] == "┬"
    assert found[trial.x, trial.y + trial.height] == "┴"
    assert found[trial.x, trial.y + 1] == "│"
